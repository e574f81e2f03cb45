#!/bin/sh
# soak.sh - a real server under registrations, log-ins, verifications and bad input for a long time: no wrong answer, and
# in the last minute no more memory and no more descriptors than in the first (lifecycle.py, `soak`, says how much more
# is tolerated). Not a part of make check.
#
#   SECONDS=600    how long
#   JWTD_BIN=FILE  the server (./jwtd)
exec "$(dirname "$0")/lifecycle.sh" soak
