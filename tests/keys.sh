#!/bin/sh
# keys.sh [PART...] - the key file, its rotation, tokens from the shell, and a clock that stands too early: keys.py says
# how. Only Python's standard library is needed.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
become keys "$@"
