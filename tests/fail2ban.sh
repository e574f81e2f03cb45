#!/bin/sh
# fail2ban.sh - contrib/fail2ban/jwtd.conf with the real fail2ban-regex: which lines ban whom.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1
need fail2ban-regex fail2ban || finish
bans() { # whom (empty: nobody), a line's text behind the time
    line="jwtd: Tue, 24 Nov 2026 14:17:47 GMT $2"
    got=$(fail2ban-regex -o ip "$line" contrib/fail2ban/jwtd.conf)
    [ "$got" = "$1" ]
    verdict "$line" $? "bans '$got', not '$1'"
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
finish
