#!/bin/bash
# flask.sh - test.sh asks the original Flask application and jwtd the same
# questions; where the answers differ, the list below must say so.

# shellcheck source=tests/interop_common.sh
. "$(dirname "$0")/interop_common.sh"

# Every row of test.sh that the two answer differently. A row that does not
# differ is a failure too, unless a ? stands before it: then it depends on the
# version of Flask or PyJWT.
listed() {
    grep -v '^#' <<'END'
# The status is the same, but Flask's page is HTML and ours JSON.
malformed JSON
comma too many
no body
not UTF-8
no such path
path, then media type
slash behind
# No such path there: 404.
verify
verify, no token
GET /register
method, then media type
POST /get-jwt
# HTML too; and Werkzeug before 2.3 says 400 instead of 415.
other media type
no media type
a form
# Python's JSON reader takes what RFC 8259 does not, or gives up: 500.
NaN
nested too deep
# No limit there: 413 here.
body too long
# Crashed: 500.
array
string
null
no-username /register
no-username /login
no-password /register
no-password /login
password-number /register
# Let through: accounts that nobody can mean.
username-null /register
username-null /login
username-number /register
username-number /login
username-empty /register
username-empty /login
password-empty /register
password-empty /login
username-too-long /register
username-too-long /login
password-too-long /register
password-too-long /login
username-control /register
username-control /login
username-NUL /register
username-NUL /login
# Let through: HMAC pads with zeros, so it is the same password without NUL.
password-NUL /register
password-NUL /login
# Let through: the last one of two counted, a proxy may take the first.
username-twice /register
username-twice /login
password-twice /register
password-twice /login
# Half a character: let through in a name, crashed in a password.
username-surrogate /register
username-surrogate /login
password-surrogate /register
password-surrogate /login
# Looked for the name before it looked at the password: 404.
password-number /login
# It has no such route: 404.
healthz
the page
# Other texts of one signature.
signature padded
spare bits set
foreign byte
# Valid for ever.
no exp
# Crashed: 500.
no sub
# RFC 7519 wants a number, a string, and one of each.
exp a string
?sub a number
sub twice
# RFC 7515: what the reader of crit does not know, it must refuse.
?crit
END
}

need curl curl curl --version || finish
need jq jq jq --version || finish
need_python flask python3-flask || finish
need_python jwt python3-jwt || finish
need_python werkzeug python3-werkzeug || finish

export JWTD_SECRET=your_secret_key TEST_SECRET=your_secret_key

start "$PYTHON" "$top/tests/original.py"
TEST_RECORD=$dir/original "$top/test.sh" "$url" >"$dir/original.out"
start env STATE_DIRECTORY="$dir" "$JWTD_BIN" --listen 127.0.0.1:0 --hash pbkdf2:sha256:1000
if TEST_RECORD=$dir/jwtd "$top/test.sh" "$url" >"$dir/jwtd.out"; then
    pass
else
    fail "test.sh finds jwtd wrong:"
    cat "$dir/jwtd.out"
fi

if cmp -s <(cut -f1 "$dir/original") <(cut -f1 "$dir/jwtd") &&
    [ -z "$(cut -f1 "$dir/jwtd" | sort | uniq -d)" ]; then
    pass
else
    fail "the records do not name the same rows, each once"
fi

declare -A strict
while read -r name; do strict[${name#'?'}]=$name; done < <(listed)

while IFS= read -r theirs <&3 && IFS= read -r ours <&4; do
    name=${ours%%$'\t'*}
    mark=${strict[$name]-}
    unset "strict[\$name]"
    if [ "$theirs" = "$ours" ] && [ "$mark" = "$name" ]; then
        fail "$name: listed, but the answers are the same: ${ours#*$'\t'}"
    elif [ "$theirs" != "$ours" ] && [ -z "$mark" ]; then
        fail "$name: the answers differ"
        printf '  original  %s\n  jwtd      %s\n' "${theirs#*$'\t'}" "${ours#*$'\t'}"
    else
        pass
    fi
done 3<"$dir/original" 4<"$dir/jwtd"
for name in "${!strict[@]}"; do fail "$name: listed, but test.sh has no such row"; done

finish
