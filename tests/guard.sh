#!/bin/sh
# guard.sh [PART...] - a site behind each of contrib/nginx.conf, contrib/Caddyfile and contrib/haproxy.cfg, with the real
# proxies and curl as the browser: guard.py says what gets through and what does not.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
need curl curl || finish
become guard "$top/contrib" "$@"
