#!/bin/sh
# cluster.sh [PART...] - docs/cluster.md as it stands, on 127.0.0.11 to 127.0.0.13 in place of three boxes: cluster.py
# takes the configuration and the commands out of the page and says what they must do.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
for tool in curl:curl openssl:openssl etcd:etcd-server etcdctl:etcd-client haproxy:haproxy; do
    need "${tool%:*}" "${tool#*:}" || finish
done
become cluster "$top/docs/cluster.md" "$@"
