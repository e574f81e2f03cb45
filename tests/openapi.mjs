// openapi.mjs DIRECTORY JWTD - openapi.yaml and jwtd held to each other, and both to the tools for which they are
// meant, which lie in DIRECTORY/node_modules. Prints a line for each check: ok NAME, or FAIL NAME: WHY.
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

// ---- what is not there yet ---------------------------------------------------------------------------------------
//
// Paths that openapi.yaml describes and jwtd does not have. Once it has one, take it out of here: what asks it, and
// runs the collection's requests to it, is written below.
const pending = ['/change-password']

// ------------------------------------------------------------------------------------------------------------------

const [, , directory, jwtd] = process.argv
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
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(here, { recursive: true, force: true })
})

const check = (name, right, why) => console.log(right ? `ok ${name}` : `FAIL ${name}: ${why}`)
const none = (name, problems) => check(name, problems.length === 0, problems.join('; '))

// ---- servers -----------------------------------------------------------------------------------------------------

// A server with these options, and these lines in its file. `around` is a command that runs a command.
async function start(options, { lines = [], around = [] } = {}) {
  const folder = mkdtempSync(join(here, 'state-'))
  const users = join(folder, 'users.jsonl')
  if (lines.length > 0) writeFileSync(users, lines.map((line) => JSON.stringify(line) + '\n').join(''), { mode: 0o600 })
  const [command, ...rest] = [...around, jwtd, '--listen', '127.0.0.1:0', ...options]
  const env = { ...process.env, STATE_DIRECTORY: folder, JWTD_SECRET: 'the key of openapi.mjs, which is long enough' }
  const child = spawn(command, rest, { env, stdio: ['ignore', 'ignore', 'pipe'] })
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
async function ask(server, method, path, body, { type = 'application/json', token } = {}) {
  if (pending.includes(path)) return {}
  const headers = {}
  if (body !== undefined) headers['Content-Type'] = type
  if (token !== undefined) headers.Authorization = `Bearer ${token}`
  const sent = typeof body === 'object' ? JSON.stringify(body) : body
  const response = await fetch(server.url + path, { method, headers, body: sent })
  const answer = { method, path, sent, status: response.status, headers: response.headers, text: await response.text() }
  answers.push(answer)
  return answer
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
  writeSync(file, 'x'.repeat(statSync(damaged.users).size))
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

  let token
  for (const [path, more] of Object.entries(hashing)) {
    const username = `who asks ${path}`
    await ask(server, 'POST', '/register', { username, password })
    const { text } = await ask(server, 'POST', path, { username, password, ...more })
    token ??= JSON.parse(text).token
    await ask(server, 'POST', path, { username: 'nobody', password, ...more })
    await ask(server, 'POST', path, { username: 'unusable', password, ...more })
    for (let i = 0; i < 11; i++) await ask(server, 'POST', path, { username, password: 'wrong', ...more })
    await ask(damaged, 'POST', path, { username: 'unusable', password, ...more })
  }
  await ask(server, 'GET', '/get-jwt', undefined, { token })
  await ask(server, 'GET', '/get-jwt', undefined, { token: `${token}x` })
  await ask(server, 'GET', '/get-jwt')

  // 409: two at once change one password; so often until one of them was overtaken
  const slow = await start(['--hash', 'scrypt:16384:8:1', '--workers', '2'])
  for (let i = 0, met = pending.includes('/change-password'); i < 20 && !met; i++) {
    const account = { username: `twice ${i}`, password }
    await ask(slow, 'POST', '/register', account)
    const change = (new_password) => ask(slow, 'POST', '/change-password', { ...account, new_password })
    met = (await Promise.all([change('one'), change('two')])).some(({ status }) => status === 409)
  }

  await ask(server, 'GET', '/healthz')
  await ask(server, 'GET', '/metrics')
  if (!pending.includes('/healthz')) {
    const around = 'strace -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=EIO'.split(' ')
    const sick = await start(cheap, { around })
    await ask(sick, 'POST', '/register', { username: 'Romel', password })
    await ask(sick, 'GET', '/healthz')
  }
  for (const path of pending) {
    const { status } = await fetch(server.url + path, { method: 'OPTIONS' })
    check(`${path} is not there yet`, status === 404, 'it is: take it out of `pending`')
  }
}

const ajv = new Ajv({ strict: false, validateFormats: false })
const wrong = (schema, value) => (ajv.validate(schema, value) ? null : ajv.errorsText())

// What is wrong with one answer.
function faults(doc, { method, path, sent, status, headers, text }) {
  const operation = doc.paths[path]?.[method.toLowerCase()]
  const response = operation?.responses[status]
  if (!response) return ['is not described']
  const found = []
  for (const [name, header] of Object.entries(response.headers ?? {})) {
    const value = headers.get(name)
    const why = value === null ? 'is missing' : wrong(header.schema, header.schema.type === 'integer' ? +value : value)
    if (why && (value !== null || header.required)) found.push(`${name}: ${why}`)
  }
  const type = headers.get('content-type')?.split(';')[0]
  const content = response.content[type]
  if (!content) found.push(`is of type ${type}`)
  const why = content && wrong(content.schema, type === 'application/json' ? JSON.parse(text) : text)
  if (why) found.push(`${why} in ${text.trim()}`)
  const body = operation.requestBody?.content['application/json'].schema
  if (status < 300 && body && wrong(body, JSON.parse(sent))) found.push(`took what is no body: ${ajv.errorsText()}`)
  return found
}

function operations(doc) {
  const of = (path) => ([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })
  return Object.entries(doc.paths).flatMap(([path, methods]) => Object.entries(methods).map(of(path)))
}

// What is wrong between the description and all answers.
function judge(doc) {
  const seen = new Set(answers.map(({ method, path, status }) => `${method} ${path} ${status}`))
  const described = operations(doc)
    .filter(({ path }) => !pending.includes(path))
    .flatMap(({ name, operation }) => Object.keys(operation.responses).map((status) => `${name} ${status}`))
  const found = answers.flatMap((answer) =>
    faults(doc, answer).map((fault) => `${answer.method} ${answer.path} ${answer.status} ${fault}`))
  return [...new Set(found), ...described.filter((each) => !seen.has(each)).map((each) => `${each} never came`)]
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
collection.item = collection.item.filter(({ request }) => !pending.some((path) => request.url.raw.endsWith(path)))

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
const schema = (copy) => login(copy)[200].content['application/json'].schema
for (const [what, problems] of Object.entries({
  'a status that is not described': broken((copy) => delete login(copy)[401]),
  'a status that never comes': broken((copy) => (login(copy)[418] = login(copy)[401])),
  'a path that is not described': broken((copy) => delete copy.paths['/set-jwt']),
  'a member that is missing': broken((copy) => schema(copy).required.push('exp')),
  'a member too many': broken((copy) => delete schema(copy).properties.token),
  'a field that is missing': broken((copy) => (login(copy)[401].headers.Age = { required: true, schema: {} })),
  'another media type': broken((copy) => (login(copy)[200].content = { 'text/plain': {} })),
  'a reference to nothing': await lint(source.replace("schemas/Message'", "schemas/Massage'")),
  'a server where nobody may register': (await postman(await start([...cheap, '--register', 'closed']))).failures,
}))
  check(`seen: ${what}`, problems.length > 0, 'nothing is found wrong')
process.exit()
