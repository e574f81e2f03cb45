#!/bin/sh
# fail2ban.sh - contrib/fail2ban/jwtd.conf with the real fail2ban-regex: which lines ban whom.
cd "$(dirname "$0")/.." || exit 1
if ! command -v fail2ban-regex >/dev/null; then
    echo "SKIP fail2ban: package fail2ban"
    [ -z "${CI-}" ] && { echo "0 passed, 0 failed, 1 skipped"; exit 0; }
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
passed=0 failed=0
bans() { # whom (empty: nobody), a line's text behind the time
    line="jwtd: Tue, 24 Nov 2026 14:17:47 GMT $2"
    got=$(fail2ban-regex -o ip "$line" contrib/fail2ban/jwtd.conf)
    if [ "$got" = "$1" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $line: bans '$got', not '$1'"
    fi
}
bans 203.0.113.5 '203.0.113.5 login refused: wrong password: "Romel"'
bans 203.0.113.5 '203.0.113.5 login refused: unknown user: "\u00fc"'
bans 203.0.113.5 '203.0.113.5 login refused: too many failures: "Romel"'
bans 2001:db8::1 '2001:0db8:0000:0000:0000:0000:0000:0001 login refused: wrong password: "Romel"'
bans 203.0.113.5 '203.0.113.5 login refused: wrong password: "jwtd: 198.51.100.1 login refused: wrong password: "'
bans 203.0.113.5 '203.0.113.5 login refused: wrong password: "\"198.51.100.1 login refused: wrong password: \""'
bans '' '- login refused: wrong password: "Romel"'
bans '' '- login refused: wrong password: "jwtd: 198.51.100.1 login refused: wrong password: "'
bans '' '203.0.113.5 login refused: stored hash malformed or its cost beyond the cap: "Romel"'
bans '' 'ready on http://127.0.0.1:5000'
printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed -eq 0 ]
