#!/bin/sh
# cluster.sh - docs/cluster.md as it stands, on 127.0.0.11 to 127.0.0.13 in place of three boxes: cluster.py takes the
# configuration and the commands out of the page and says what they must do.
#
#   JWTD_BIN=FILE  the server (./jwtd)
#   CI=true        what can't run here is a failure, not skipped
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
bin=${JWTD_BIN:-$top/jwtd}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
PATH=$PATH:/usr/sbin
for tool in python3:python3 curl:curl openssl:openssl etcd:etcd-server etcdctl:etcd-client haproxy:haproxy; do
    command -v "${tool%:*}" >/dev/null && continue
    [ "${CI-}" = true ] && counts='0 passed, 1 failed, 0 skipped' word=FAIL
    echo "${word:-SKIP} no ${tool%:*}: package ${tool#*:}"
    echo "${counts:-0 passed, 0 failed, 1 skipped}"
    [ "${CI-}" != true ]
    exit
done
exec python3 "$top/tests/cluster.py" "$bin" "$top/docs/cluster.md" "$@"
