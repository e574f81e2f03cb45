#!/bin/sh
# jwt.sh NAME [USERS [SECRET_FILE]] - a log-in by hand, to compare with jwtd's: reads the password from standard input,
# checks it against the line in USERS (users.jsonl), and makes the token with the key in SECRET_FILE (jwtd.secret). What it
# does is said on standard error, the token is standard output. Needs openssl, jq and od.
#
# For a class, not for a server: password and key are arguments of openssl, where every process can read them, and the
# comparison tells by its time how much was right. jwtd does neither.
set -eu
name=$1 users=${2-users.jsonl} secret_file=${3-jwtd.secret}
IFS= read -r password || [ -n "$password" ]

hex() { od -An -v -tx1 | tr -d ' \n'; }
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
say() { printf '%-14s %s\n' "$1" "$2" >&2; }

# users_file.c: of several lines with a name the last counts, be it that there is no such account any more
line=$(jq -c --arg name "$name" 'select(.username == $name)' "$users" | tail -n 1)
stored=$(printf '%s' "$line" | jq -r 'select(.deleted | not) | .password')
[ -n "$stored" ] || { echo "User not found" >&2; exit 1; }
say stored "$stored"

# password.c: METHOD:N:r:p$SALT$HEX
method=${stored%%\$*} salt=${stored#*\$} key=${stored##*\$}
salt=${salt%\$*}
say method "$method"
say salt "$salt"

# scrypt.c, or PBKDF2 in hmac.c
N=$(echo "$method" | cut -d: -f2) r=$(echo "$method" | cut -d: -f3) p=$(echo "$method" | cut -d: -f4)
case $method in
scrypt:*)
    derived=$(openssl kdf -binary -keylen 64 -kdfopt pass:"$password" -kdfopt salt:"$salt" -kdfopt n:"$N" \
        -kdfopt r:"$r" -kdfopt p:"$p" -kdfopt maxmem_bytes:2000000000 SCRYPT | hex) ;;
pbkdf2:sha256:*)
    derived=$(openssl kdf -binary -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:"$password" -kdfopt salt:"$salt" \
        -kdfopt iter:"${method##*:}" PBKDF2 | hex) ;;
*) echo "$method: not one of jwtd's" >&2; exit 1 ;;
esac
say derived "$derived"
[ "$derived" = "$key" ] || { echo "Invalid password" >&2; exit 1; }

# jwt.c: header and claims, in base64url, with a dot between them; `after` where earlier tokens were revoked
header='{"alg":"HS256","typ":"JWT"}'
claims=$(printf '%s' "$line" | jq -ca --arg sub "$name" --argjson exp $(($(date +%s) + 3600)) \
    '{sub: $sub, exp: $exp} + if .not_before then {after: .not_before} else {} end')
say header "$header"
say claims "$claims"
signing_input=$(printf %s "$header" | base64url).$(printf %s "$claims" | base64url)
say 'signing input' "$signing_input"

# hmac.c over sha256.c: the key is the first line, without its end
secret=$(head -n 1 "$secret_file" | tr -d '\r\n' | hex)
mac=$(printf %s "$signing_input" | openssl dgst -sha256 -mac HMAC -macopt hexkey:"$secret" -binary | hex)
say mac "$mac"
signature=$(printf %s "$signing_input" | openssl dgst -sha256 -mac HMAC -macopt hexkey:"$secret" -binary | base64url)
printf '%s.%s\n' "$signing_input" "$signature"
