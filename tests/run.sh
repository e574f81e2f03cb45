#!/bin/sh
# run.sh SUITE... [-- SUITE...] - runs test programs one after another, those after -- beside the others at a lower
# priority, and adds up their closing lines. A suite that ends without one, or badly, counts as a failure.
if [ "${1-}" != lane ]; then
    counts=$(mktemp) || exit 1
    trap 'rm -f "$counts"' EXIT
    trap 'exit 1' HUP INT TERM
    # no &, with which a suite would outlive a ^C
    printf '%s\n' before behind | xargs -P 2 -I '{}' "$0" lane '{}' "$counts" "$@" || exit 1
    awk '{ passed += $1; failed += $2; skipped += $3 }
        END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed || !(passed + skipped) }' \
        "$counts"
    exit
fi

wanted=$2 all=$3 place=before nice=
shift 3
output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT
trap 'exit 1' HUP INT TERM
for suite; do
    [ "$suite" != -- ] || { place=behind nice='nice -n 5' && continue; }
    [ $place = "$wanted" ] || continue
    # shellcheck disable=SC2086 # a suite may come with arguments
    { echo "== $suite" && $nice $suite; } >"$output" 2>&1
    status=$?
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$output" | tail -n 1 | tr -dc '0-9 ')
    # shellcheck disable=SC2086 # three numbers
    set -- ${counts:-0 0 0}
    if [ $status -ne 0 ] && [ "$2" -eq 0 ] || [ $(($1 + $2 + $3)) -eq 0 ]; then
        echo "FAIL $suite: ended with status $status and without a failure of its own" >>"$output"
        set -- "$1" $(($2 + 1)) "$3"
    fi
    cat "$output"
    echo "$@" >>"$all"
done
