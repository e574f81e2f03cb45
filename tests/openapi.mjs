// openapi.mjs DIRECTORY JWTD LATE_JWTD - openapi.yaml and jwtd held to each other, and both to the tools for which they
// are meant, which lie in DIRECTORY/node_modules. LATE_JWTD has the clock of late_clock.c. Prints a line for each
// check: ok NAME, or FAIL NAME: WHY.
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const [, , directory, jwtd, lateJwtd] = process.argv
const require = createRequire(`${directory}/`)
const { bundleFromString, createConfig, lintFromString } = require('@redocly/openapi-core')
const Ajv = require('ajv')
const newman = require('newman')
const importer = require('openapi-to-postmanv2')

const top = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const source = readFileSync(join(top, 'openapi.yaml'), 'utf8')
const absoluteRef = join(top, 'openapi.yaml')
const here = mkdtempSync(join(tmpdir(), 'jwtd-openapi-'))
const running = []
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
process.on('exit', () => {
  for (const { pid } of running) process.kill(-pid, 'SIGKILL') // what strace runs too
  rmSync(here, { recursive: true, force: true })
})

const check = (name, right, why) => console.log(right ? `ok ${name}` : `FAIL ${name}: ${why}`)
const none = (name, problems) => check(name, problems.length === 0, problems.join('; '))

// ---- servers -----------------------------------------------------------------------------------------------------

// A server with these options, and these lines in its file. `inject` is what strace does to one of its system calls;
// `late` is by how many seconds its clock is ahead.
async function start(options, { lines = [], inject, late } = {}) {
  const folder = mkdtempSync(join(here, 'state-'))
  const users = join(folder, 'users.jsonl')
  if (lines.length > 0) writeFileSync(users, lines.map((line) => JSON.stringify(line) + '\n').join(''), { mode: 0o600 })
  const strace = `strace -f -qq -o /dev/null -e trace=${inject?.split(':')[0]} -e inject=${inject}`
  const around = inject ? strace.split(' ') : []
  const [command, ...rest] = [...around, late ? lateJwtd : jwtd, '--listen', '127.0.0.1:0', ...options]
  const key = { JWTD_SECRET: 'the key of openapi.mjs, which is long enough' }
  const env = { ...process.env, ...key, STATE_DIRECTORY: folder, LATE: late }
  const child = spawn(command, rest, { env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  running.push(child)
  for await (const line of createInterface({ input: child.stderr })) {
    const url = / ready on (http:.*)/.exec(line)?.[1]
    if (url) {
      child.stderr.resume()
      return { url, users }
    }
  }
  throw new Error(`no server: ${command} ${rest.join(' ')}`)
}

const answers = []

// Asks, and writes down what came.
async function ask(server, method, path, body, { type = 'application/json', token, headers = {} } = {}) {
  if (body !== undefined) headers['Content-Type'] = type
  if (token !== undefined) headers.Authorization = `Bearer ${token}`
  const sent = typeof body === 'object' ? JSON.stringify(body) : body
  const signal = AbortSignal.timeout(60000) // so that what is never answered is a failure, and not for ever
  const response = await fetch(server.url + path, { method, headers, body: sent, redirect: 'manual', signal })
  const { status } = response
  const answer = { method, path, type, sent, status, headers: response.headers, text: await response.text() }
  answers.push(answer)
  return answer
}

// As a page does, of this host or another.
const form = 'application/x-www-form-urlencoded'
const post = (server, path, fields, site = 'same-origin') => {
  const body = fields && new URLSearchParams(fields).toString()
  return ask(server, 'POST', path, body, { type: form, headers: { 'Sec-Fetch-Site': site } })
}

// ---- every status that is described ------------------------------------------------------------------------------

const password = 'pass1425'
const cheap = ['--hash', 'scrypt:16:1:1']
const unusable = { username: 'unusable', password: 'md5$salt$5f4dcc3b5aa765d61d8327deb882cf99' }
const hashing = { '/login': {}, '/set-jwt': {}, '/change-password': { new_password: 'another one' } }

async function askAll() {
  const server = await start(cheap, { lines: [unusable] })
  const damaged = await start(cheap, { lines: [unusable] })
  const file = openSync(damaged.users, 'r+')
  writeSync(file, 'x'.repeat(statSync(damaged.users).size - 1) + '\n')
  closeSync(file)

  await ask(server, 'POST', '/register', { username: 'Romel', password })
  await ask(server, 'POST', '/register', { username: 'Romel', password })
  await ask(await start([...cheap, '--register', 'closed']), 'POST', '/register', { username: 'Romel', password })
  const gone = await start(cheap)
  rmSync(gone.users)
  await ask(gone, 'POST', '/register', { username: 'Romel', password })
  for (const path of ['/register', ...Object.keys(hashing)]) {
    await ask(server, 'POST', path, { username: 'Romel' })
    await ask(server, 'POST', path, 'x'.repeat(16385))
    await ask(server, 'POST', path, '{}', { type: 'text/plain' })
  }

  const { token } = JSON.parse((await ask(server, 'POST', '/login', { username: 'Romel', password })).text)
  for (const [path, more] of Object.entries(hashing)) {
    const username = `who asks ${path}`
    await ask(server, 'POST', '/register', { username, password })
    await ask(server, 'POST', path, { username, password, ...more })
    await ask(server, 'POST', path, { username: 'nobody', password, ...more })
    await ask(server, 'POST', path, { username: 'unusable', password, ...more })
    for (let i = 0; i < 11; i++) await ask(server, 'POST', path, { username, password: 'wrong', ...more })
    await ask(damaged, 'POST', path, { username: 'unusable', password, ...more })
  }
  const tomorrow = await start(cheap, { late: 86400 })
  for (const path of ['/get-jwt', '/verify']) {
    await ask(server, 'GET', path, undefined, { token })
    await ask(server, 'GET', path, undefined, { token: `${token}x` })
    await ask(server, 'GET', path)
    await ask(tomorrow, 'GET', path, undefined, { token })
  }
  for (const path of ['/', '/healthz', '/metrics']) await ask(server, 'GET', path)
  await ask(server, 'POST', '/logout')
}

// What browsers do, for which --cookie is there.
async function askAsBrowser() {
  const server = await start([...cheap, '--cookie'])
  const fields = { username: 'Romel', password, next: '/notes?a=1' }
  await post(server, '/register', fields)
  for (const [path, more] of Object.entries({ '/register': {}, ...hashing, '/logout': {} })) {
    await post(server, path, { ...fields, ...more })
    await post(server, path, fields, 'cross-site')
  }
  const anna = { username: 'Anna', password }
  await ask(server, 'POST', '/register', anna)
  const { headers } = await ask(server, 'POST', '/login', anna)
  const cookie = headers.get('Set-Cookie')?.split(';')[0] ?? ''
  for (const path of ['/get-jwt', '/verify']) await ask(server, 'GET', path, undefined, { headers: { Cookie: cookie } })
  await ask(server, 'POST', '/set-jwt', anna)
  await post(server, '/logout')
}

// 503, and what /verify makes of it: the clock of 2001, a disk that fails, and more that wait than may.
async function askSick() {
  const account = { username: 'Romel', password }
  const early = await start(cheap, { late: 1e9 - Math.floor(Date.now() / 1000) })
  for (const path of [...Object.keys(hashing), '/get-jwt', '/healthz', '/verify']) {
    const posted = hashing[path] && { ...account, ...hashing[path] }
    const { status } = await ask(early, posted ? 'POST' : 'GET', path, posted, { token: 'any' })
    check(`an early clock, ${path}`, status === (path === '/verify' ? 401 : 503), status)
  }
  const sick = await start(cheap, { inject: 'fdatasync:error=EIO' })
  await ask(sick, 'POST', '/register', account)
  await ask(sick, 'GET', '/healthz')

  // One worker, which waits for its disk, and the 64 that may wait for it: of 66 one is refused at least, and later of
  // two, for the worker may have taken its first one only then.
  const busy = await start([...cheap, '--workers', '1'], { inject: 'fdatasync:delay_enter=600000000' })
  const crowd = (size, path, body) =>
    Promise.race(Array.from({ length: size }, (_, i) => ask(busy, 'POST', path, { ...body, username: `number ${i}` })))
  await crowd(66, '/register', account)
  for (const [path, more] of Object.entries(hashing)) await crowd(2, path, { ...account, ...more })
}

const ajv = new Ajv({ strict: false, validateFormats: false })
const wrong = (schema, value) => (ajv.validate(schema, value) ? null : ajv.errorsText())

// What is wrong with one answer.
const told = 'Allow Content-Security-Policy Location Remote-User Retry-After Set-Cookie WWW-Authenticate'.split(' ')
function faults(doc, { method, path, type, sent, status, headers, text }) {
  const operation = doc.paths[path]?.[method.toLowerCase()]
  const response = operation?.responses[status]
  if (!response) return ['is not described']
  const found = told.filter((name) => headers.has(name) && !response.headers?.[name]).map((name) => `has a ${name}`)
  for (const [name, header] of Object.entries(response.headers ?? {})) {
    const value = headers.get(name)
    const why = value === null ? 'is missing' : wrong(header.schema, header.schema.type === 'integer' ? +value : value)
    if (why && (value !== null || header.required)) found.push(`${name}: ${why}`)
  }
  const media = headers.get('content-type')?.split(';')[0]
  const content = response.content?.[media]
  if (response.content ? !content : text !== '') found.push(`is of type ${media}`)
  const why = content && wrong(content.schema, media === 'application/json' ? JSON.parse(text) : text)
  if (why) found.push(`${why} in ${text.trim()}`)
  if (!isTaken({ sent, status, headers })) return found
  const body = operation.requestBody?.content[type]?.schema
  const value = type === form ? Object.fromEntries(new URLSearchParams(sent)) : JSON.parse(sent)
  const not = body ? wrong(body, value) : `${type} is not described`
  return not ? [...found, `took what is no body: ${not}`] : found
}

// Was a body taken for what it should be? A form is told where to go; so is one that is wrong, with ?error=.
const isTaken = ({ sent, status, headers }) =>
  sent !== undefined && (status < 300 || (status === 303 && !headers.get('location')?.includes('?error=')))

function operations(doc) {
  const of = (path) => ([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })
  return Object.entries(doc.paths).flatMap(([path, methods]) => Object.entries(methods).map(of(path)))
}

// Everything that is described to come: statuses, fields and examples, and bodies to be taken.
function described(doc) {
  const examples = ({ example, examples = {} }) =>
    [example, ...Object.values(examples).map(({ value }) => value)].filter((value) => value && !value.token)
  return operations(doc).flatMap(({ name, operation: { requestBody, responses } }) => [
    ...Object.keys(requestBody?.content ?? {}).map((type) => `${name} takes ${type}`),
    ...Object.entries(responses).flatMap(([status, { headers = {}, content = {} }]) => [
      `${name} ${status}`,
      ...Object.keys(headers).map((field) => `${name} ${status} ${field}`),
      ...Object.values(content).flatMap(examples).map((value) => `${status} ${JSON.stringify(value)}`),
    ]),
  ])
}

// And everything that came.
function came(answer) {
  const { method, path, type, status, headers, text } = answer
  const name = `${method} ${path}`
  const fields = told.filter((field) => headers.has(field)).map((field) => `${name} ${status} ${field}`)
  const taken = isTaken(answer) ? [`${name} takes ${type}`] : []
  return [`${name} ${status}`, `${status} ${text.trim()}`, ...fields, ...taken]
}

// What is wrong between the description and all answers.
function judge(doc) {
  const seen = new Set(answers.flatMap(came))
  const found = answers.flatMap((answer) =>
    faults(doc, answer).map((fault) => `${answer.method} ${answer.path} ${answer.status} ${fault}`))
  const missed = described(doc).filter((each) => !seen.has(each))
  return [...new Set([...found, ...missed.map((each) => `${each} never came`)])]
}

// ---- the tools ---------------------------------------------------------------------------------------------------

// /healthz and /metrics have no 4xx of their own: the rule that wants one everywhere is left out.
const rules = { extends: ['recommended'], rules: { 'operation-4xx-response': 'off' } }

async function lint(text) {
  const config = await createConfig(rules)
  const problems = await lintFromString({ source: text, absoluteRef, config })
  return problems.map(({ ruleId, message, location }) => `${location[0].pointer ?? ''} ${message} (${ruleId})`)
}

async function dereferenced() {
  const config = await createConfig(rules)
  return (await bundleFromString({ source, absoluteRef, config, dereference: true })).bundle.parsed
}

// Postman's own importer makes a request of each operation, and an example of each of its responses.
async function imported(doc) {
  const result = await new Promise((resolve, reject) =>
    importer.convertV2({ type: 'string', data: source }, {}, (error, made) => (error ? reject(error) : resolve(made))))
  if (!result.result) return [result.reason]
  const flat = (items) => items.flatMap((item) => (item.item ? flat(item.item) : [item]))
  const got = flat(result.output[0].data.item).map(
    ({ request, response }) => `${request.method} /${request.url.path.join('/')} ${response.map((r) => r.code).sort()}`)
  const wanted = operations(doc).map(({ name, operation }) => `${name} ${Object.keys(operation.responses).sort()}`)
  return [...wanted.filter((x) => !got.includes(x)), ...got.filter((x) => !wanted.includes(x))]
}

const collection = JSON.parse(readFileSync(join(top, 'contrib/jwtd.postman_collection.json'), 'utf8'))

// Runs the collection: the number of its assertions, and those that failed.
async function postman({ url }) {
  const run = await new Promise((resolve, reject) =>
    newman.run({ collection, envVar: [{ key: 'url', value: url }] }, (error, summary) =>
      error ? reject(error) : resolve(summary.run)))
  const failures = run.failures.map((failure) => `${failure.source?.name}: ${failure.error.message}`)
  return { assertions: run.stats.assertions.total, failures }
}

// ---- all of it ---------------------------------------------------------------------------------------------------

none('openapi.yaml is clean', await lint(source))
const doc = await dereferenced()
const version = /^VERSION *= *(.*)/m.exec(readFileSync(join(top, 'Makefile'), 'utf8'))[1]
check('it is of this version', doc.info.version === version, `${doc.info.version}, not ${version}`)
await askAll()
await askAsBrowser()
await askSick()
none(`${answers.length} answers are as described`, judge(doc))
none('openapi.yaml imports into Postman', await imported(doc))
const open = await start(cheap)
for (const time of ['first', 'second']) {
  const { assertions, failures } = await postman(open)
  none(`the Postman collection, the ${time} time on one server`, failures)
  check('each request of it asserts something', assertions >= 2 * collection.item.length, `${assertions} assertions`)
}

// That all this can fail:
const broken = (change) => {
  const copy = structuredClone(doc)
  change(copy)
  return judge(copy)
}
const login = (copy) => copy.paths['/login'].post.responses
const content = (copy) => login(copy)[404].content['application/json']
const body = (copy) => copy.paths['/login'].post.requestBody.content
const schema = (copy) => login(copy)[200].content['application/json'].schema
for (const [what, problems] of Object.entries({
  'a status that is not described': broken((copy) => delete login(copy)[401]),
  'a status that never comes': broken((copy) => (login(copy)[418] = login(copy)[401])),
  'a path that is not described': broken((copy) => delete copy.paths['/set-jwt']),
  'a member that is missing': broken((copy) => schema(copy).required.push('exp')),
  'a member too many': broken((copy) => delete schema(copy).properties.token),
  'a field that is missing': broken((copy) => (login(copy)[401].headers.Age = { required: true, schema: {} })),
  'a field that is not described': broken((copy) => delete login(copy)[401].headers),
  'a field that never comes': broken((copy) => (login(copy)[404].headers = { 'Set-Cookie': { schema: {} } })),
  'an example that never comes': broken((copy) => (content(copy).example = { error: 'User not fond' })),
  'a body that is never taken': broken((copy) => (body(copy)['text/csv'] = body(copy)[form])),
  'a body that is not described': broken((copy) => delete body(copy)[form]),
  'another media type': broken((copy) => (login(copy)[200].content = { 'text/plain': {} })),
  'a reference to nothing': await lint(source.replace("schemas/Message'", "schemas/Massage'")),
  'a server where nobody may register': (await postman(await start([...cheap, '--register', 'closed']))).failures,
}))
  check(`seen: ${what}`, problems.length > 0, 'nothing is found wrong')
process.exit()
