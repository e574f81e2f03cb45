#!/bin/sh
# test.sh - asks a server everything that the API promises, with curl and jq.
#
#   ./test.sh                         starts ./jwtd (or $JWTD_BIN) and tests it
#   ./test.sh http://localhost:5000   tests the server there, whatever it is made of
#
# TEST_SECRET=your_secret_key  says that the server at the URL signs with this
#                              key; without it the tokens made here are skipped
# TEST_RECORD=FILE             writes each answer down: name, status, body, bytes

url=${1-}
secret=${TEST_SECRET-}
passed=0 failed=0 skipped=0
for tool in curl jq; do
    command -v "$tool" >/dev/null || { echo "test.sh: needs $tool (apt-get install $tool)" >&2; exit 1; }
done
dir=$(mktemp -d) || exit 1
server=
# shellcheck disable=SC2317,SC2329 # called by the trap
stop() {
    [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 1' HUP INT TERM

# Starts the server at a free port and waits for the line that says where.
start() {
    secret=your_secret_key
    unset JWTD_USERS JWTD_SECRET_FILE JWTD_TTL
    mkfifo "$dir/stderr"
    JWTD_SECRET=$secret STATE_DIRECTORY=$dir \
        "${JWTD_BIN:-$(dirname "$0")/jwtd}" --listen 127.0.0.1:0 --hash scrypt:1024:8:1 2>"$dir/stderr" &
    server=$!
    exec 3<"$dir/stderr"
    timeout 10 sed -u '/ready on/q' <&3 >"$dir/log"
    url=$(sed -n 's/^jwtd: ready on //p' "$dir/log")
    [ -n "$url" ] || { echo "test.sh: the server does not start:" >&2; cat "$dir/log" >&2; exit 1; }
    cat <&3 >>"$dir/log" &
}
[ -n "$url" ] || start

# An answer's body as one line of JSON, a token in it as its header and the
# names of its claims.
# shellcheck disable=SC2016 # jq's variables
part='def part: gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson;'
show="$part"' if type == "object" and (.token | type) == "string"
    then .token |= (split(".") | {header: (.[0] | part), claims: (.[1] | part | keys_unsorted)}) else . end'
TOKEN='{"header":{"alg":"HS256","typ":"JWT"},"claims":["sub","exp"]}'

# check NAME METHOD PATH STATUS BODY [curl's arguments]
# BODY is exact JSON, or `ERROR WORD`: {"error":"..."} with WORD somewhere in it.
check() {
    name=$1 method=$2 path=$3 want="$4 $5"
    shift 5
    : >"$dir/body"
    status=$(curl -q -sS --max-time 60 --noproxy '*' -o "$dir/body" -D "$dir/fields" \
        -w '%{http_code}' -X "$method" "$@" "$url$path")
    [ "$method" != HEAD ] || : >"$dir/body" # curl -I put the fields there
    body=$(jq -c "$show" "$dir/body" 2>/dev/null) || body='not JSON'
    [ -z "${TEST_RECORD-}" ] || printf '%s\t%s\t%s\t%s\n' "$name" "$status" "$body" \
        "$(wc -c <"$dir/body")" | sed "s/$id/ID/g" >>"$TEST_RECORD"
    case $want in
    *' ERROR'*)
        # shellcheck disable=SC2016 # jq's variable
        jq -e --arg word "${want##*ERROR}" 'keys == ["error"] and (.error | . != "" and
            contains($word | ltrimstr(" ")))' "$dir/body" >/dev/null 2>&1 && want="${want%% *} $body" ;;
    esac
    same "$name ($method $path)" "$want" "$status $body"
}

# same NAME WANTED GOT
same() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n  wanted %s\n  got    %s\n' "$1" "$2" "$3"
    fi
}

# field FIELD VALUE: the last answer has this header field, VALUE being a pattern.
field() {
    found=$(tr -d '\r' <"$dir/fields" | grep -i "^$1:")
    if printf '%s\n' "$found" | grep -qi "^$1: *$2\$"; then
        same "$name: $1" "$found" "$found"
    else
        same "$name: $1" "$1: $2" "${found:-no such field}"
    fi
}

account() { printf '{"username":"%s","password":"%s"}' "$1" "$2"; }
repeat() { head -c "$1" /dev/zero | tr '\0' "$2"; }

id=$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')
user=test-$id
json='Content-Type: application/json'
right=$(account "$user" pass1425)
invalid='{"error":"Invalid token"}'
valid='{"message":"Token is valid","user":"Romel"}'
[ -z "${TEST_RECORD-}" ] || : >"$TEST_RECORD"

# --- Accounts
check 'register'          POST /register 201 '{"message":"User registered successfully"}' -H "$json" -d "$right"
field Content-Type 'application/json'
field Date '..*GMT'
check 'register again'    POST /register 400 '{"error":"Username already exists"}' -H "$json" -d "$right"
check 'register another password' POST /register 400 '{"error":"Username already exists"}' \
    -H "$json" -d "$(account "$user" other)"

check 'login'             POST /login 200 '{"message":"Login successful","token":'"$TOKEN"'}' -H "$json" -d "$right"
field Cache-Control 'no-store'
token=$(jq -r .token "$dir/body" 2>/dev/null)
same 'the claims of the token' "[\"$user\",true,true]" "$(jq -c --argjson now "$(date +%s)" "$part"'
    .token | split(".")[1] | part | [.sub, .exp == (.exp | floor), (.exp - $now - 3600 | fabs <= 10)]' "$dir/body" 2>&1)"
check 'login, wrong password' POST /login 401 '{"error":"Invalid password"}' -H "$json" -d "$(account "$user" pass1426)"
field WWW-Authenticate 'Bearer'
check 'login, no such user' POST /login 404 '{"error":"User not found"}' -H "$json" -d "$(account "$user-" pass1425)"
check 'login, the name in capitals' POST /login 404 '{"error":"User not found"}' -H "$json" -d "$(account "TEST-$id" pass1425)"

check 'set-jwt'           POST /set-jwt 200 '{"message":"JWT created","token":'"$TOKEN"'}' -H "$json" -d "$right"
field Cache-Control 'no-store'
check 'set-jwt, wrong password' POST /set-jwt 401 '{"error":"Invalid password"}' -H "$json" -d "$(account "$user" wrong)"
check 'set-jwt, no such user' POST /set-jwt 404 '{"error":"User not found"}' -H "$json" -d "$(account "$user-" pass1425)"

# --- A token on its way back
mine='{"message":"Token is valid","user":"'$user'"}'
check 'Bearer'            GET /get-jwt 200 "$mine" -H "Authorization: Bearer $token"
field Cache-Control 'no-store'
check 'bare token'        GET /get-jwt 200 "$mine" -H "Authorization: $token"
check 'lower-case bearer' GET /get-jwt 200 "$mine" -H "authorization: bearer $token"
check 'upper-case BEARER' GET /get-jwt 200 "$mine" -H "AUTHORIZATION: BEARER $token"
check 'HEAD'              HEAD /get-jwt 200 '' -I -H "Authorization: Bearer $token"
check 'verify'            GET /verify 204 '' -H "Authorization: Bearer $token"
field Remote-User "$user"
field Cache-Control 'no-store'
check 'verify, no token'  GET /verify 401 '{"error":"Token is missing"}'
check 'no Authorization'  GET /get-jwt 400 '{"error":"Token is missing"}'
check 'blank Authorization' GET /get-jwt 400 '{"error":"Token is missing"}' -H 'Authorization;'
check 'Bearer alone'      GET /get-jwt 401 "$invalid" -H 'Authorization: Bearer'
field WWW-Authenticate 'Bearer.*'
check 'another scheme'    GET /get-jwt 401 "$invalid" -H 'Authorization: Basic dGVzdDp0ZXN0'
check 'not a token'       GET /get-jwt 401 "$invalid" -H 'Authorization: Bearer not.a.token'
field WWW-Authenticate 'Bearer.*error="invalid_token".*'
check 'two Authorizations' GET /get-jwt 401 "$invalid" -H "Authorization: Bearer $token" -H "Authorization: Bearer $token"
check 'two segments'      GET /get-jwt 401 "$invalid" -H "Authorization: Bearer ${token%.*}"
check 'empty signature'   GET /get-jwt 401 "$invalid" -H "Authorization: Bearer ${token%.*}."
check 'four segments'     GET /get-jwt 401 "$invalid" -H "Authorization: Bearer $token.${token##*.}"

# --- A name beyond ASCII, and one with every kind of character in it
odd="\\u00fcn\\u00ef-$id-\\ud83d\\ude00\\\"<>&/\\\\ "
check 'register, odd name' POST /register 201 '{"message":"User registered successfully"}' -H "$json" -d "$(account "$odd" 'pässwörd')"
check 'login, odd name, no escapes' POST /login 200 '{"message":"Login successful","token":'"$TOKEN"'}' \
    -H "$json" -d "$(account "ünï-$id-😀\\\"<>&\\/\\u005c " 'p\u00e4ssw\u00F6rd')"
token=$(jq -r .token "$dir/body" 2>/dev/null)
check 'Bearer, odd name'  GET /get-jwt 200 '{"message":"Token is valid","user":"ünï-'"$id"'-😀\"<>&/\\ "}' -H "Authorization: Bearer $token"
check 'name of 255 bytes' POST /register 201 '{"message":"User registered successfully"}' -H "$json" -d "$(account "$id$(repeat 247 n)" pw)"
check 'password of 1024 bytes' POST /register 201 '{"message":"User registered successfully"}' -H "$json" -d "$(account "long-$id" "$(repeat 1024 p)")"
check 'its last byte counts' POST /login 401 '{"error":"Invalid password"}' -H "$json" -d "$(account "long-$id" "$(repeat 1023 p)q")"

# --- The body
check 'charset parameter' POST /login 404 '{"error":"User not found"}' -H "$json; charset=utf-8" -d "$(account "$user-" pw)"
check 'media type in capitals' POST /login 404 '{"error":"User not found"}' -H 'content-type: Application/JSON' -d "$(account "$user-" pw)"
check '+json media type'  POST /login 404 '{"error":"User not found"}' -H 'Content-Type: application/vnd.api+json' -d "$(account "$user-" pw)"
check 'other media type'  POST /login 415 'ERROR Content-Type' -H 'Content-Type: text/plain' -d "$right"
check 'no media type'     POST /login 415 'ERROR Content-Type' -H 'Content-Type:' -d "$right"
check 'a form'            POST /register 415 'ERROR Content-Type' -d "username=$user&password=pass1425"
check 'chunked body'      POST /login 404 '{"error":"User not found"}' -H "$json" -H 'Transfer-Encoding: chunked' -d "$(account "$user-" pw)"
check 'spaces and other members' POST /login 404 '{"error":"User not found"}' -H "$json" \
    -d " { \"a\" : [ null , true , -1.5e+3 ] , \"a\" : { } , \"username\" : \"$user-\" , \"password\" : \"pw\" } "
check 'malformed JSON'    POST /register 400 ERROR -H "$json" -d '{"username":"'"$user"'","password":"pw"'
check 'comma too many'    POST /login 400 ERROR -H "$json" -d '{"username":"'"$user"'","password":"pass1425",}'
check 'no body'           POST /login 400 ERROR -H "$json"
check 'not UTF-8'         POST /login 400 ERROR -H "$json" -d "$(printf '{"username":"\377","password":"pw"}')"
check 'NaN'               POST /login 400 ERROR -H "$json" -d '{"username":"'"$user"'","password":"pass1425","x":NaN}'
check 'nested too deep'   POST /login 400 ERROR -H "$json" -d '{"x":'"$(repeat 5000 '[')$(repeat 5000 ']'),${right#?}"
check 'array'             POST /login 400 ERROR -H "$json" -d "[$right]"
check 'string'            POST /login 400 ERROR -H "$json" -d '"username password"'
check 'null'              POST /login 400 ERROR -H "$json" -d null
check 'body too long'     POST /login 413 ERROR -H "$json" -d "$right$(repeat 17000 ' ')"

# --- Its members: NAME, BODY, and the word that the error must say
while read -r title word members; do
    for route in /register /login; do
        check "$title $route" POST "$route" 400 "ERROR $word" -H "$json" -d "$members"
    done
done <<END
no-username username {"password":"pw"}
no-password password {"username":"m-$id"}
username-null username {"username":null,"password":"pw"}
username-number username {"username":5,"password":"pw"}
password-number password {"username":"m-$id","password":5}
username-empty username {"username":"","password":"pw"}
password-empty password {"username":"e-$id","password":""}
username-twice username {"username":"$user","username":"t-$id","password":"pw"}
password-twice password {"username":"p-$id","password":"pw","pass\u0077ord":"pw"}
username-too-long username {"username":"$(repeat 256 n)","password":"pw"}
password-too-long password {"username":"l-$id","password":"$(repeat 1025 p)"}
username-control username {"username":"c-$id\u007f","password":"pw"}
username-NUL username {"username":"n-$id\u0000","password":"pw"}
password-NUL password {"username":"$user-n","password":"pass1425\u0000"}
username-surrogate surrogate {"username":"s-$id\ud800","password":"pw"}
password-surrogate surrogate {"username":"s-$id","password":"\udc00\ud800"}
END

# --- How it goes
check 'healthz'           GET /healthz 200 '{"status":"ok"}'
field Cache-Control 'no-store'

# --- Paths and methods
check 'no such path'      GET /no-such-path 404 ERROR
check 'the page'          GET / 200 'not JSON'
field Content-Type 'text/html; charset=utf-8'
check 'path, then media type' POST /logins 404 ERROR -d "$right"
check 'slash behind'      GET /get-jwt/ 404 ERROR
check 'query'             GET '/get-jwt?x=1' 400 '{"error":"Token is missing"}'
check 'GET /register'     GET /register 405 ERROR
field Allow '.*POST.*'
check 'method, then media type' PUT /login 405 ERROR -d "$right"
field Allow '.*POST.*'
check 'POST /get-jwt'     POST /get-jwt 405 ERROR -H "$json" -d '{}'
field Allow '.*GET.*'

# --- Tokens made elsewhere: claims Romel until 2100, unless the name says more
H=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9 # {"alg":"HS256","typ":"JWT"}
P=eyJzdWIiOiJSb21lbCIsImV4cCI6NDEwMjQ0NDgwMH0 # {"sub":"Romel","exp":4102444800}
S=MuOZA_nGgAc28HiHoheNgQvkEgfostU5mWTBENR7QP4 # their signature with your_secret_key

bearer() { check "$1" GET /get-jwt "$2" "$3" -H "Authorization: Bearer $4"; }

bearer 'another key'      401 "$invalid" $H.$P.AUU8W5vsUu8HHVchwS4sWOzV_kQEsoLCzrIVLiCInAI
bearer 'signature of other claims' 401 "$invalid" "$H.$P.${token##*.}"
bearer 'alg none'         401 "$invalid" eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.$P.
if [ "$secret" = your_secret_key ]; then
    bearer 'token of the guide' 401 '{"error":"Token has expired"}' \
        $H.eyJzdWIiOiJSb21lbCIsImV4cCI6MTczMTU0NTg0M30.DSyanTRicIwLj9gNGiN1QOnzngb26uOIetFnaQxnyvY
    bearer 'expired and forged' 401 "$invalid" $H.eyJzdWIiOiJSb21lbCIsImV4cCI6MTczMTU0NTg0M30.$S
    bearer 'made elsewhere'   200 "$valid" $H.$P.$S
    bearer 'with kid'         200 "$valid" eyJhbGciOiJIUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJKV1QifQ.$P.FDmFul_7WsJ7DHyDWZBuOQgwBnVpxs3wPTRkmSUVeI0
    bearer 'without typ'      200 "$valid" eyJhbGciOiJIUzI1NiJ9.$P.V3O71KivjLpnIiioD_rh1ivSlM9gGNg5nGBOwZSHn-8
    bearer 'sub with escapes' 200 '{"message":"Token is valid","user":"ünï\u0000é😀\"<>&/"}' \
        $H.eyJzdWIiOiJcdTAwZmNuXHUwMGVmXHUwMDAwXHUwMGU5XHVkODNkXHVkZTAwXCI8PiYvIiwiZXhwIjo0MTAyNDQ0ODAwfQ.hDTACYfRLrg4x93CWRHfnd4lRN0aVvxVqjk9zZaPaFs
    bearer 'sub empty'        200 '{"message":"Token is valid","user":""}' \
        $H.eyJzdWIiOiIiLCJleHAiOjQxMDI0NDQ4MDB9.nnjIo3ZvkoDgqQn-bddxjC-QKgJK9wRZ8LSeYKJElWM
    bearer 'exp with a fraction' 200 "$valid" \
        $H.eyJzdWIiOiJSb21lbCIsImV4cCI6NDEwMjQ0NDgwMC41fQ.FOWIWxTAyEjEW6meiz1uF6eZtnRGCriyJQHzeSxJsHc
    bearer 'exp with an exponent' 200 "$valid" \
        $H.eyJzdWIiOiJSb21lbCIsImV4cCI6NC4xZTl9.hrTnocgmWAJDMU03FNg2gjQPQDhLsDt50UOg6L34k-E
    bearer 'nbf, iat, empty aud, more' 200 "$valid" \
        $H.eyJzdWIiOiJSb21lbCIsImV4cCI6NDEwMjQ0NDgwMCwibmJmIjoxNzMxNTQyMjQzLCJpYXQiOjE3MzE1NDIyNDMsImF1ZCI6W10sIngiOnsieSI6WzFdfX0.exVaAY546h3Y-QvRy3zC_M9QdeTA7YWjumtLF2eVctc
    bearer 'nbf to come'      401 "$invalid" \
        $H.eyJzdWIiOiJSb21lbCIsImV4cCI6NDEwMjQ0NDgwMCwibmJmIjo0MTAyNDQ0MDAwfQ.WwIYb_rZeLgTBre_hBNZZlNXqWKtuxmpqEEBJfb7t3I
    bearer 'iat to come'      401 "$invalid" \
        $H.eyJzdWIiOiJSb21lbCIsImV4cCI6NDEwMjQ0NDgwMCwiaWF0Ijo0MTAyNDQ0MDAwfQ.kaL79QCBzugNkq_BsO1Xu1OvzB0yByyi3yHxX0DM6cA
    bearer 'for another aud'  401 "$invalid" \
        $H.eyJzdWIiOiJSb21lbCIsImV4cCI6NDEwMjQ0NDgwMCwiYXVkIjoiYW5vdGhlciJ9.jAQduPb64sCfsRbF5WRadi9upqL6NxX23D41uxZAjgA
    bearer 'alg HS512'        401 "$invalid" \
        eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.$P.OpDMGaEt9CTTD4FODN6ivMCACrJI8G6ZqHXokngpDc5NwJjaI9xbhopG8wPyY-0gtLKFUjayZDa4BtESQQjRvQ
    bearer 'alg hs256'        401 "$invalid" eyJhbGciOiJoczI1NiIsInR5cCI6IkpXVCJ9.$P.dNS0KCB2ajHRdCHBakQn0WXShGbC1-nzfV23XKjqyLk
    bearer 'claims an array'  401 "$invalid" $H.WyJSb21lbCIsNDEwMjQ0NDgwMF0.WCMHutNG3C1CBDVnI3NlM2wEajG_6YtKXffgrFlWX8U
    bearer 'claims malformed' 401 "$invalid" $H.eyJzdWIiOiJSb21lbCIsImV4cCI6NDEwMjQ0NDgwMCx9.gOWzzC4KCma8mDUFzWTakJfpgDxpwWrhbQ5nXUy2nCY
    bearer 'signature padded' 401 "$invalid" $H.$P.$S=
    bearer 'spare bits set'   401 "$invalid" $H.$P.${S%4}5
    bearer 'foreign byte'     401 "$invalid" "$H.$P.!!!!$S"
    bearer 'crit'             401 "$invalid" eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImNyaXQiOlsiZXhwIl19.$P.auUY6HrDX-WeWw0nRWH6OlpdHl2yHsD7aWZLZtpl1kc
    bearer 'no exp'           401 "$invalid" $H.eyJzdWIiOiJSb21lbCJ9.Jmyawd5-woGLcur5AYLK4xB5sAjPxEu_1p1Vsvduf-A
    bearer 'exp a string'     401 "$invalid" $H.eyJzdWIiOiJSb21lbCIsImV4cCI6IjQxMDI0NDQ4MDAifQ.wF3UEG8zb8H8znnOsxMLZT8trJL77zmxUSNIgUWWLKM
    bearer 'no sub'           401 "$invalid" $H.eyJleHAiOjQxMDI0NDQ4MDB9.Zst-AjIo0aok-_ZJP6VIYIZoomvbIVgOXbE6YwwaRC0
    bearer 'sub a number'     401 "$invalid" $H.eyJzdWIiOjUsImV4cCI6NDEwMjQ0NDgwMH0.zPUxdpgsycjhdjN3k62IOoMwr_cL0gcVa0Gk19i3dLA
    bearer 'sub twice'        401 "$invalid" $H.eyJzdWIiOiJMZW1vciIsInN1YiI6IlJvbWVsIiwiZXhwIjo0MTAyNDQ0ODAwfQ.o-DGSLf7qh8qnsrjGUBtZIBqUzgcN1RYVx9leVKywWU
else
    echo 'SKIP tokens made elsewhere: TEST_SECRET does not say that the key is your_secret_key'
    skipped=1
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
