#!/bin/bash
# tour.sh - docs/tour.md and docs/flask.md are true: every command in them is run, in order and in one shell, and prints
# what stands after it. In their blocks of `sh` a line `$ ...` is a command, `> ...` its next line; what follows is its
# output, `...` standing for anything. Where they name port 5000, a free one is taken; HOME is a folder of this test's.

# shellcheck source=tests/interop_common.sh
. "$(dirname "$0")/interop_common.sh"
export no_proxy='*' LC_ALL=C.UTF-8

# run FILE LINE COMMAND OUTPUT
run() {
    case $3 in
    *'./jwtd --listen '*)
        local command=${3/:5000/:0}
        command=${command/.\/jwtd/start .\/jwtd}
        eval "${command% &}"
        # shellcheck disable=SC2034 # the page's own
        URL=$url
        return ;;
    esac
    eval "${3/PORT=5000/PORT=${url##*:}}" >"$dir/out" 2>&1 </dev/null
    local wanted
    wanted=$(printf %s "$4" | sed 's/[][\\*?]/\\&/g; s/\.\.\./*/g')
    # shellcheck disable=SC2053 # a pattern
    if [[ $(cat "$dir/out") == $wanted ]]; then
        pass
    else
        fail "$1:$2: $3"
        printf '  it says %s\n  and not %s\n' "$(cat "$dir/out")" "$4"
    fi
}

# follow FILE: runs its blocks in a folder of its own, where everything is but accounts and key, and nothing else in the
# end.
follow() {
    local lines number=0 inside='' command='' output='' at=0 text before left
    mkdir "$dir/$(basename "$1")" && cd "$dir/$(basename "$1")" || exit 1
    ln -s "$top"/* . && rm -f users.jsonl jwtd.secret jwtd && ln -s "$JWTD_BIN" jwtd
    before=$(ls -A)
    mapfile -t lines <"$top/$1"
    for text in "${lines[@]}"; do
        number=$((number + 1))
        if [ -n "$command" ] && [[ $text == '$ '* || $text == '```' ]]; then
            run "$1" "$at" "$command" "${output%$'\n'}"
            command='' output=''
        fi
        case $inside$text in
        '```sh') inside=yes ;;
        'yes```') inside='' ;;
        'yes$ '*) command=${text#'$ '} at=$number ;;
        'yes> '*) command+=$'\n'${text#'> '} ;;
        yes*) output+=$text$'\n' ;;
        esac
    done
    left=$(comm -13 <(echo "$before") <(ls -A) | xargs)
    if [ -z "$left" ]; then pass; else fail "$1 leaves $left"; fi
    cd "$top" || exit 1
    stop
}

mkdir "$dir/home" && export HOME="$dir/home" TMPDIR="$dir" && url=
if need openssl openssl openssl kdf -keylen 16 -kdfopt pass:a -kdfopt salt:b -kdfopt n:2 -kdfopt r:1 -kdfopt p:1 SCRYPT; then
    follow docs/tour.md
fi
if need_python jwt python3-jwt && need_python werkzeug python3-werkzeug; then follow docs/flask.md; fi
finish
