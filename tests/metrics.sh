#!/bin/sh
# metrics.sh [PART...] - /healthz, jwtd healthcheck, /metrics and the access log of a real server: metrics.py says
# how. Needs curl, and promtool to check what Prometheus would read.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
need curl curl || finish
become metrics "$@"
