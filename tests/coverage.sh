#!/bin/sh
# coverage.sh - how many lines of floors 0 to 2 the unit tests execute, by gcc's gcov: the figure of each room, and at
# least 95 % of all of them. sandbox.c is shown but not counted: its lines run in processes that, because of them, may
# not write their counters.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1
need gcc gcc || finish
need gcov gcc || finish
rm -f build/coverage/*.gcda # else the counts of an earlier run are added
make -s CC=gcc BUILD=build/coverage CFLAGS='-O1 -g --coverage' HARDEN= SMALL= unit-tests >"$dir/log" 2>&1
verdict "the build that counts" $?
for test in build/coverage/*_test; do
    "$test" >"$dir/log" 2>&1
    verdict "$test" $?
done
gcov -n -o build/coverage build/coverage/*.gcda 2>/dev/null | awk '
    /^File / { room = $2; gsub(/\047/, "", room); counts = room ~ /^[a-z0-9_]+\.c$/ && room !~ /^(api|server|admin|health|token|main)\.c$/ }
    /^Lines executed:/ && counts {
        split($2, figure, ":")
        printf "%-12s %6.2f %% of %3d lines%s\n", room, figure[2], $4, room == "sandbox.c" ? ", not counted" : ""
        if (room != "sandbox.c") { lines += $4; executed += figure[2] / 100 * $4 }
        counts = 0
    }
    END { printf "%-12s %6.2f %% of %d lines\n", "together", 100 * executed / (lines ? lines : 1), lines
          exit lines == 0 || executed < 0.95 * lines }'
verdict "95 % of the lines of floors 0 to 2" $? "less"
finish
