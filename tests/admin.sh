#!/bin/sh
# admin.sh [PART...] - accounts from the shell, with and without a server that runs and a terminal: admin.py says with
# what. Only Python's standard library is needed.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
become admin "$@"
