#!/bin/bash
# openapi.sh - openapi.yaml says what jwtd answers, and Postman's collection in contrib/ passes: redocly's linter, ajv,
# Postman's importer and newman (npm) are asked, in the versions of tests/npm/package-lock.json.

# shellcheck source=tests/interop_common.sh
. "$(dirname "$0")/interop_common.sh"

tools=$top/build/openapi
install() {
    command -v node && command -v npm || return
    cmp "$top/tests/npm/package-lock.json" "$tools/package-lock.json" && [ -e "$tools/complete" ] && return
    rm -rf "$tools" && mkdir -p "$tools" && cp "$top"/tests/npm/package*.json "$tools" &&
        (cd "$tools" && npm ci --no-audit --no-fund --ignore-scripts) && touch "$tools/complete"
}

late=build/cc/late_jwtd # its clock is as late or early as one likes
need strace strace command -v strace || finish
need 'a clock of its own' 'gcc, with a static libc' \
    env -u MAKEFLAGS make -s -C "$top" CC=cc BUILD=build/cc "$late" || finish
if install >"$dir/npm.log" 2>&1; then
    peer node "$top/tests/openapi.mjs" "$tools" "$JWTD_BIN" "$top/$late"
else
    tail -n 5 "$dir/npm.log"
    skip 'openapi: packages nodejs and npm (npm ci in tests/npm)'
fi
finish
