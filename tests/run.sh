#!/bin/sh
# run.sh SUITE... - runs test programs one after another and adds up their
# closing lines. A suite that ends without one, or badly, counts as a failure.
passed=0 failed=0 skipped=0
output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT
for suite; do
    printf '== %s\n' "$suite"
    # shellcheck disable=SC2086 # a suite may come with arguments
    $suite >"$output" 2>&1
    status=$?
    cat "$output"
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$output" | tail -n 1 | tr -dc '0-9 ')
    # shellcheck disable=SC2086 # three numbers
    set -- ${counts:-0 0 0}
    if [ $status -ne 0 ] && [ "$2" -eq 0 ] || [ $(($1 + $2 + $3)) -eq 0 ]; then
        echo "FAIL $suite: ended with status $status and without a failure of its own"
        set -- "$1" $(($2 + 1)) "$3"
    fi
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
done
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
