#!/bin/sh
# etcd.sh [PART...] - accounts in a real etcd of three members, and three jwtd nodes behind a real HAProxy: etcd.py says
# what must hold while members and nodes die. All parts, or those given; `long` kills the leader fifty times, not ten.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
for tool in curl:curl jq:jq etcd:etcd-server etcdctl:etcd-client haproxy:haproxy; do
    need "${tool%:*}" "${tool#*:}" || finish
done
become etcd "$top" "$@"
