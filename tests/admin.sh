#!/bin/sh
# admin.sh [PART...] - accounts from the shell, with and without a running server and a terminal: admin.py says
# how. Only Python's standard library is needed.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
become admin "$@"
