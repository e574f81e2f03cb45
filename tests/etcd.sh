#!/bin/sh
# etcd.sh - accounts in a real etcd of three members, and three jwtd nodes behind a real HAProxy: etcd.py says what must
# hold while members and nodes die.
#
#   tests/etcd.sh [PART...]   all parts, or these; `long` kills the leader fifty times instead of ten
#   JWTD_BIN=FILE             the server (./jwtd)
#   CI=true                   what can't run here is a failure, not skipped
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
bin=${JWTD_BIN:-$top/jwtd}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
PATH=$PATH:/usr/sbin
for tool in python3:python3 curl:curl jq:jq etcd:etcd-server etcdctl:etcd-client haproxy:haproxy; do
    command -v "${tool%:*}" >/dev/null && continue
    [ "${CI-}" = true ] && counts='0 passed, 1 failed, 0 skipped' word=FAIL
    echo "${word:-SKIP} no ${tool%:*}: package ${tool#*:}"
    echo "${counts:-0 passed, 0 failed, 1 skipped}"
    [ "${CI-}" != true ]
    exit
done
exec python3 "$top/tests/etcd.py" "$bin" "$top" "$@"
