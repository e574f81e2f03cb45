#!/bin/bash
# browser.sh [FOLDER] - the page at /: its fields as curl and openssl see them, and the page itself in headless Chromium,
# alone, with JavaScript off, and under a path of a real nginx. FOLDER gets pictures of it. Half a minute.

# shellcheck source=tests/interop_common.sh
. "$(dirname "$0")/interop_common.sh"
pictures=${1:-$dir/pictures}
mkdir -p "$pictures"

# jwtd [OPTION...]: one more server, of its own accounts.
jwtd() {
    local state
    state=$(mktemp -d "$dir/state.XXXX")
    start env STATE_DIRECTORY="$state" JWTD_SECRET='a key of thirty-two bytes or more' \
        "$JWTD_BIN" --listen 127.0.0.1:0 --hash scrypt:1024:8:1 "$@"
}
# verdict WHAT: counts the command before it.
verdict() { if [ $? -eq 0 ]; then pass; else fail "$1"; fi; }

# What the policy says of the style and the script is what openssl says of them.
source_of() { # style or script
    perl -0ne "print \$1 if /<$1>(.*?)<\\/$1>/s" "$dir/page" | openssl dgst -sha256 -binary | base64
}
jwtd
curl -sS -D "$dir/fields" -o "$dir/page" "$url/" && tr -d '\r' <"$dir/fields" >"$dir/lines"
cmp -s "$dir/page" "$top/index.html"
verdict "the page is index.html"
for line in 'HTTP/1.1 200 OK' 'Content-Type: text/html; charset=utf-8' 'Cache-Control: no-cache' \
    'X-Content-Type-Options: nosniff' 'Referrer-Policy: same-origin' "Content-Length: $(wc -c <"$top/index.html")"; do
    grep -qx "$line" "$dir/lines"
    verdict "the page's field $line"
done
curl -sSI "$url/" | tr -d '\r' | grep -v '^Date:' >"$dir/head" && grep -v '^Date:' "$dir/lines" | cmp -s - "$dir/head"
verdict "HEAD says what GET says"
if need openssl openssl openssl version && need perl perl-base perl -v; then
    for part in style script; do
        grep -qF "; $part-src 'sha256-$(source_of $part)'" "$dir/lines"
        verdict "the policy names the $part"
    done
fi

# nginx_with CONFIGURATION: a real nginx; PORT and SITE in what stands in its `http` become free ports. Sets url: PORT's.
free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })'; }
nginx_with() {
    local port site
    port=$(free_port) site=$(free_port)
    mkdir -p "$dir/nginx"
    cat >"$dir/nginx/conf" <<END_OF_CONF
daemon off;
pid $dir/nginx/pid;
error_log stderr notice;
events { }
http {
    access_log off;
    client_body_temp_path $dir/nginx/body;
    proxy_temp_path $dir/nginx/proxy;
    fastcgi_temp_path $dir/nginx/fastcgi;
    uwsgi_temp_path $dir/nginx/uwsgi;
    scgi_temp_path $dir/nginx/scgi;
    $(printf '%s\n' "$1" | sed "s/PORT/127.0.0.1:$port/; s/SITE/127.0.0.1:$site/")
}
END_OF_CONF
    rm -f "$dir/nginx/said"
    mkfifo "$dir/nginx/said"
    nginx -p "$dir/nginx" -c "$dir/nginx/conf" -e stderr 2>"$dir/nginx/said" &
    running+=($!)
    timeout 10 sed '/start worker process /q' "$dir/nginx/said" >>"$dir/log"
    url=http://127.0.0.1:$port
}

npm_folder=$top/build/npm playwright=playwright-core@1.65.1
install_playwright() {
    command -v node && command -v npm || return
    grep -q "\"version\": \"${playwright#*@}\"" "$npm_folder/node_modules/playwright-core/package.json" 2>/dev/null && return
    mkdir -p "$npm_folder" && npm install --prefix "$npm_folder" --no-audit --no-fund --ignore-scripts $playwright
}
need chromium chromium command -v chromium || finish
if ! install_playwright >"$dir/npm.log" 2>&1; then
    skip "the page in a browser: package npm (npm install $playwright)"
    finish
fi
browse() { peer node "$top/tests/browser.mjs" "$npm_folder" "$pictures" "$@"; }

browse alone "$url"
jwtd --ttl 2
browse expiry "$url"
jwtd --register closed
browse closed "$url"
if need nginx nginx-light command -v nginx; then
    jwtd
    nginx_with "server { listen PORT; location /auth/ { proxy_pass $url/; } }"
    browse under_a_path "$url/auth/"

    # a site that nginx guards, as contrib/nginx.conf has it
    jwtd --insecure-cookie --trusted-proxy 127.0.0.1
    curl -sS -o /dev/null "$url/register" -H 'Content-Type: application/json' -d '{"username":"Romel","password":"pass1425"}'
    verdict "an account for the guarded site"
    nginx_with "$(sed "s/127\.0\.0\.1:5000/${url#http://}/; s/127\.0\.0\.1:8081/SITE/; s/listen 8080/listen PORT/" \
        "$top/contrib/nginx.conf")
        server {
            listen SITE;
            location / { default_type text/html; return 200 '<p id=site>\$http_remote_user asks for \$request_uri</p>'; }
            location /favicon.ico { return 204; }
        }"
    browse guarded "$url"
fi

finish
