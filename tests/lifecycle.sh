#!/bin/sh
# lifecycle.sh [PART...] - starts a real server, crowds it, kills it in the middle, stops it: lifecycle.py says
# how. Only Python's standard library is needed.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
become lifecycle "$@"
