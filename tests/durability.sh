#!/bin/sh
# durability.sh [PART...] - is every acknowledged account still there afterwards? Cuts the power, kills, lets system
# calls and memory fail: durability.py says how. As root, for the power cuts: they mount a file system of their own.
#
#   CC=COMMAND       builds the mutants, which the tests must catch (cc)
#   DURABILITY=long  more cuts and kills

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
become durability "$@"
