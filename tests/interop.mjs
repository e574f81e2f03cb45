// interop.mjs DIRECTORY URL - jose's side of interop.sh: jose reads jwtd's tokens,
// jwtd reads jose's. The key is JWTD_SECRET; jose lies in DIRECTORY/node_modules.
// Prints a line for each check: ok NAME, or FAIL NAME: WHY.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [, , directory, url] = process.argv
const jose = await import(pathToFileURL(createRequire(`${directory}/`).resolve('jose')))
const key = new TextEncoder().encode(process.env.JWTD_SECRET)

function check(name, got, wanted) {
  const [a, b] = [got, wanted].map((x) => JSON.stringify(x))
  console.log(a === b ? `ok ${name}` : `FAIL ${name}: ${a}, not ${b}`)
}

async function ask(method, path, body, token) {
  const headers = {}
  if (body) headers['Content-Type'] = 'application/json'
  if (token) headers.Authorization = `Bearer ${token}`
  const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) })
  const text = await response.text()
  try {
    return [response.status, JSON.parse(text)]
  } catch {
    return [response.status, text]
  }
}

for (const username of ['jose', 'ünï 😀', '"\\/<>&\u2028']) {
  const account = { username, password: 'pass1425' }
  await ask('POST', '/register', account)
  for (const path of ['/login', '/set-jwt']) {
    const [, { token }] = await ask('POST', path, account)
    const rules = { algorithms: ['HS256'], typ: 'JWT', subject: username, requiredClaims: ['exp', 'sub'] }
    const claims = await jose.jwtVerify(token, key, rules).then((read) => read.payload.sub, (error) => error.message)
    check(`jose reads ${path} ${username}`, claims, username)
    const other = await jose.jwtVerify(token, new Uint8Array(32), rules).then(() => 'valid', (error) => error.code)
    check(`jose, another key, ${path} ${username}`, other, 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED')
  }
}

const now = Math.floor(Date.now() / 1000)
const valid = (user) => [200, { message: 'Token is valid', user }]
const invalid = [401, { error: 'Invalid token' }]
const plain = { sub: 'Romel', exp: now + 600 }
for (const [name, claims, header, wanted, signer = key] of [
  ['plain', plain, {}, valid('Romel')],
  ['typ and kid', plain, { typ: 'JWT', kid: '1' }, valid('Romel')],
  ['nbf, iat, jti, iss', { ...plain, nbf: now - 1, iat: now - 1, jti: '1', iss: 'jose' }, {}, valid('Romel')],
  ['exp with a fraction', { ...plain, exp: now + 600.25 }, {}, valid('Romel')],
  ['raw UTF-8', { ...plain, sub: 'ünï 😀' }, {}, valid('ünï 😀')],
  ['expired', { ...plain, exp: now - 1 }, {}, [401, { error: 'Token has expired' }]],
  ['nbf to come', { ...plain, nbf: now + 300 }, {}, invalid],
  ['for another aud', { ...plain, aud: 'x' }, {}, invalid],
  ['no exp', { sub: 'Romel' }, {}, invalid],
  ['no sub', { exp: now + 600 }, {}, invalid],
  ['HS512', plain, { alg: 'HS512' }, invalid, new Uint8Array([...key, ...new Uint8Array(64)])],
  ['another key', plain, {}, invalid, new Uint8Array(32)],
]) {
  const token = await new jose.SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(signer)
  check(`jose's token, ${name}`, await ask('GET', '/get-jwt', undefined, token), wanted)
}
