#!/bin/bash
# interop.sh - jwtd's tokens and password hashes in other hands, and theirs in
# jwtd's: PyJWT and Werkzeug (Debian), jose (npm).

# shellcheck source=tests/interop_common.sh
. "$(dirname "$0")/interop_common.sh"

jose=$top/build/npm
install_jose() {
    command -v node && command -v npm || return
    [ -d "$jose/node_modules/jose" ] && return
    mkdir -p "$jose" && npm install --prefix "$jose" --no-audit --no-fund --ignore-scripts jose@5
}

need_python jwt python3-jwt && pyjwt=yes
need_python werkzeug python3-werkzeug && werkzeug=yes
if install_jose >"$dir/npm.log" 2>&1; then node=yes; else skip 'jose: package npm (npm install jose)'; fi

# with KEY HASH: a server with this key and method, and every peer.
with() {
    local state
    export JWTD_SECRET=$1
    state=$(mktemp -d "$dir/state.XXXX")
    [ -z "${werkzeug-}" ] || "$PYTHON" "$top/tests/interop.py" accounts "$state/users.jsonl"
    start env STATE_DIRECTORY="$state" "$JWTD_BIN" --listen 127.0.0.1:0 --hash "$2"
    [ -z "${werkzeug-}" ] || peer "$PYTHON" "$top/tests/interop.py" hashes "$url" "$state/users.jsonl"
    [ -z "${pyjwt-}" ] || peer "$PYTHON" "$top/tests/interop.py" tokens "$url"
    [ -z "${pyjwt-}${werkzeug-}" ] || peer "$PYTHON" "$top/tests/interop.py" issued "$JWTD_BIN" "$state/users.jsonl"
    [ -z "${node-}" ] || peer node "$top/tests/interop.mjs" "$jose" "$url"
    stop
}

with 'a key of thirty-two bytes or more' scrypt:32768:8:1
with 'ünï: a key of more than the sixty-four bytes of a block, so HMAC hashes it first 😀' pbkdf2:sha256:1000

finish
