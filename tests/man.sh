#!/bin/sh
# man.sh - the man page is clean, and it, --help and README's table name the same options in the same order, each with
# the same argument, environment variable and default; and the same commands.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1

# Each gives lines of --option|argument|VARIABLE|default.
of_help() {
    "$JWTD_BIN" --help | awk '
        /^  / && /(--[a-z]|JWTD_)/ {
            option = argument = variable = fallback = ""
            i = 1
            if ($i ~ /^--/) option = $(i++)
            if (option && substr($0, 3 + length(option), 2) ~ /^ [^ ]/) argument = $(i++)
            if ($i ~ /^JWTD_/) variable = $i
            if ($NF ~ /^\[.*\]$/) fallback = substr($NF, 2, length($NF) - 2)
            print option "|" argument "|" variable "|" fallback
        }'
}
of_readme() {
    sed -n '/^## Options/,/^## /s/^| \(.*[`].*\)$/\1/p' README.md | sed 's/\\|/!/g' | awk -F ' *[|] *' '
        {
            gsub("`", "")
            count = split($1, options, ", ") # a row may have two
            if (count == 0) options[count = 1] = ""
            for (i = 1; i <= count; i++) {
                argument = options[i]
                if (!sub(/^[^ ]* /, "", argument)) argument = ""
                sub(/ .*/, "", options[i])
                print options[i] "|" argument "|" $2 "|" $3
            }
        }' | tr '!' '|'
}
of_page() {
    awk '
        function say() { if (item) print option "|" argument "|" variable "|" fallback; item = 0 }
        /^\.Sh/ { say(); inside = /OPTIONS/ }
        inside && /^\.It/ {
            say()
            item = 1
            option = $2 == "Fl" ? "-" $3 : ""
            argument = $4 == "Ar" ? $5 : ""
            variable = $2 == "Ev" ? $3 : ""
            fallback = ""
        }
        inside && /^\.Pq Ev/ { variable = $3; fallback = $5 == "default" ? $7 : "" }' contrib/jwtd.8
}

# Each gives a line for each command, without options, in any order.
commands_of_help() {
    "$JWTD_BIN" --help | sed -n '/^  -/q; s/ *\[OPTION VALUE\]\.\.\.$//; s/^  *jwtd //p' | awk '
        {
            name = $1
            sub(/^[^ ]* */, "")
            count = split($0, verbs, / *[|] */)
            if (count == 0) print name
            for (i = 1; i <= count; i++) print name " " verbs[i]
        }'
}
commands_of_readme() {
    sed -n 's/^    jwtd \([a-z][^#]*[^# ]\)  *# .*/\1/p; s/^.jwtd \([a-z]*\)[^a-z ] .*/\1/p' README.md
}
commands_of_page() {
    awk '
        function say() {
            count = split(words, verbs, / *[|] */)
            if (name && count == 0) print name
            for (i = 1; i <= count; i++) print name " " verbs[i] arguments
            name = words = arguments = ""
        }
        /^\.Sh/ { say(); inside = /SYNOPSIS/ }
        inside && /^\.Nm/ { say() }
        inside && /^\.Cm/ { if (name) words = substr($0, 5); else name = $2 }
        inside && /^\.Ar/ { arguments = arguments " " $2 }
        inside && /^\.Op Ar/ { arguments = arguments " [" $3 "]" }' contrib/jwtd.8
}

of_help >"$dir/help"
of_readme >"$dir/readme"
of_page >"$dir/page"
[ "$(wc -l <"$dir/help")" -ge 15 ] || fail "--help has $(wc -l <"$dir/help") options"
diff "$dir/help" "$dir/readme" >"$dir/log" 2>&1
verdict "README's table is what --help says" $?
diff "$dir/help" "$dir/page" >"$dir/log" 2>&1
verdict "the man page is what --help says" $?
commands_of_help | sort >"$dir/commands_of_help"
commands_of_readme | sort >"$dir/commands_of_readme"
commands_of_page | sort >"$dir/commands_of_page"
[ "$(wc -l <"$dir/commands_of_help")" -ge 13 ] || fail "--help has $(wc -l <"$dir/commands_of_help") commands"
diff "$dir/commands_of_help" "$dir/commands_of_readme" >"$dir/log" 2>&1
verdict "README's commands are what --help says" $?
diff "$dir/commands_of_help" "$dir/commands_of_page" >"$dir/log" 2>&1
verdict "the man page's commands are what --help says" $?
if need mandoc mandoc; then
    # whether the pages that it refers to are installed here is no matter
    ! mandoc -T lint contrib/jwtd.8 2>&1 | grep -v 'mandoc\.db lacks\|referenced manual not found' >"$dir/log"
    verdict "mandoc -T lint" $?
fi
finish
