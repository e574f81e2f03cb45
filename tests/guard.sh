#!/bin/sh
# guard.sh - a site behind each of contrib/nginx.conf, contrib/Caddyfile and contrib/haproxy.cfg, with the real proxies
# and curl as the browser: guard.py says what gets through and what does not.
#
#   JWTD_BIN=FILE  the server (./jwtd)
#   CI=true        what can't run here is a failure, not skipped
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
bin=${JWTD_BIN:-$top/jwtd}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
for tool in python3 curl; do
    command -v $tool >/dev/null && continue
    [ "${CI-}" = true ] && counts='0 passed, 1 failed, 0 skipped' word=FAIL
    echo "${word:-SKIP} no $tool: package $tool"
    echo "${counts:-0 passed, 0 failed, 1 skipped}"
    exit 1
done
exec python3 "$top/tests/guard.py" "$bin" "$top/contrib" "$@"
