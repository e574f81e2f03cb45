#!/bin/sh
# coverage.sh - how many lines of floors 0 to 2 the unit tests execute, by gcc's gcov: the figure of each room, and at
# least 95 % of all of them. sandbox.c is told but not counted: its lines run in processes that, because of them, may
# not write their counters down.
cd "$(dirname "$0")/.." || exit 1
if ! command -v gcc >/dev/null || ! command -v gcov >/dev/null; then
    echo "SKIP coverage: package gcc"
    [ -z "${CI-}" ] && { echo "0 passed, 0 failed, 1 skipped"; exit 0; }
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
passed=0 failed=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
verdict() { # what, 0 if it is right, what was seen
    if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $1: $3"; fi
}
rm -f build/coverage/*.gcda # else the counts of an earlier run are added
make -s CC=gcc BUILD=build/coverage CFLAGS='-O1 -g --coverage' HARDEN= SMALL= unit-tests >"$log" 2>&1
verdict "the build that counts" $? "$(tail -n 20 "$log")"
for test in build/coverage/*_test; do
    "$test" >"$log" 2>&1
    verdict "$test" $? "$(tail -n 20 "$log")"
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
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed -eq 0 ] && [ $passed -gt 0 ]
