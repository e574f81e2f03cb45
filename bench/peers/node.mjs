// node.mjs PORT - the same API on node's http and crypto: one process, scrypt on libuv's threads, accounts in
// memory.
import crypto from 'crypto';
import http from 'http';
import verify from './verify.mjs';

const N = 32768, r = 8, p = 1;
const users = new Map();

function scrypt(password, salt) {
    return new Promise((done, fail) =>
        crypto.scrypt(password, salt, 64, { N, r, p, maxmem: 1 << 27 }, (e, key) => (e ? fail(e) : done(key))));
}

function makeToken(sub) {
    const encode = (claims) => Buffer.from(JSON.stringify(claims)).toString('base64url');
    const text = encode({ alg: 'HS256', typ: 'JWT' }) + '.' + encode({ sub, exp: Math.floor(Date.now() / 1000) + 3600 });
    return text + '.' + verify.sign(text);
}

async function register({ username, password }) {
    if (users.has(username)) return [400, { error: 'Username already exists' }];
    const salt = crypto.randomBytes(12).toString('base64url');
    users.set(username, { salt, key: await scrypt(password, salt) });
    return [201, { message: 'User registered successfully' }];
}

async function login({ username, password }) {
    const user = users.get(username);
    if (!user) return [404, { error: 'User not found' }];
    if (!crypto.timingSafeEqual(user.key, await scrypt(password, user.salt))) return [401, { error: 'Invalid password' }];
    return [200, { message: 'Login successful', token: makeToken(username) }];
}

function send(response, [status, body]) {
    const text = typeof body === 'string' ? body : JSON.stringify(body) + '\n';
    response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
}

const server = http.createServer((request, response) => {
    if (request.url === '/get-jwt') return send(response, verify.answer(request.headers.authorization));
    const act = { '/register': register, '/login': login }[request.url];
    if (!act) return send(response, [404, { error: 'Not found' }]);
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => send(response, await act(JSON.parse(Buffer.concat(chunks)))));
});
server.keepAliveTimeout = 60000;
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
