/* browser_test.c - cookies, forms, origins and paths, with those that must be refused.
 *
 * Sources: RFC 6265 (cookies), WHATWG URL 4.4 (what a browser takes for a host) and 5 (forms), W3C Fetch Metadata. */
#include "browser.h"
#include "test.h"

#define S(text)                                                                                                        \
    { text, sizeof(text) - 1 }

static const struct {
    const char *field;
    unsigned times;
    const char *value;
} cookies[] = {
    { "jwtd=abc", 1, "abc" },
    { "jwtd=", 1, "" },
    { "jwtd=a=b", 1, "a=b" },
    { "a=b; jwtd=abc; c=d", 1, "abc" },
    { "a=b;jwtd=abc", 1, "abc" },
    { " jwtd = abc ", 1, "abc" },
    { "a=\"jwtd=x\"; jwtd=abc", 1, "abc" },
    { "", 0, "" },
    { "jwtd", 0, "" },
    { "jwtd; a=b", 0, "" },
    { "JWTD=abc", 0, "" },
    { "xjwtd=abc; jwtdx=abc; jwt=abc", 0, "" },
    { "a=jwtd=abc", 0, "" },
    { "jwtd=abc; jwtd=abc", 2, "abc" },
    { "jwtd=abc; a=b; jwtd=", 2, "abc" },
    { "jwtd=; jwtd=abc; jwtd=abc", 2, "" },
};

static void test_cookies(void) {
    for (size_t i = 0; i < sizeof cookies / sizeof *cookies; i++) {
        size_t len = strlen(cookies[i].field);
        char *field = guarded(cookies[i].field, len);
        struct slice value = { "", 0 };
        unsigned times = browser_cookie((struct slice){ field, len }, "jwtd", &value);
        check(times == cookies[i].times && slice_is(value, cookies[i].value), "%s: %u times, %.*s", cookies[i].field,
              times, (int)value.len, value.at);
        guarded_free(field, len);
    }
}

static const struct {
    const char *fault; /* NULL: none */
    struct slice form, value;
} forms[] = {
    { NULL, S("username=Romel&password=x"), S("Romel") },
    { NULL, S("password=x&username=Romel"), S("Romel") },
    { NULL, S("username="), S("") },
    { NULL, S("username"), S("") },
    { NULL, S("username=a+b%20c%2b%2B"), S("a b c++") },
    { NULL, S("username=%00%ff%C3%bc"), S("\0\xff\xc3\xbc") },
    { NULL, S("username=a=b"), S("a=b") },
    { NULL, S("user%6Eame=Romel"), S("Romel") },
    { NULL, S("&&username=Romel&"), S("Romel") },
    { NULL, S("username=12345678"), S("12345678") },
    { NULL, S("x=%&y=%zz&username=Romel"), S("Romel") },
    { NULL, S("a_name_of_more_than_sixteen=x&username=Romel"), S("Romel") },
    { " is missing", S(""), S("") },
    { " is missing", S("password=x"), S("") },
    { " is missing", S("Username=Romel"), S("") },
    { " is missing", S("xusername=Romel&usernamex=Romel"), S("") },
    { " is missing", S("x=1;username=Romel"), S("") },
    { " is given twice", S("username=a&username=a"), S("a") },
    { " is given twice", S("username=a&user%6eame=b"), S("a") },
    { " is malformed", S("username=%"), S("") },
    { " is malformed", S("username=a%4"), S("") },
    { " is malformed", S("username=a%4g"), S("") },
    { " is malformed", S("username=a%&password=41"), S("") },
    { " is too long", S("username=123456789"), S("") },
    { " is too long", S("username=12345678%39"), S("") },
};

static void test_forms(void) {
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char out[8];
        struct slice value, form = forms[i].form;
        char *copy = guarded(form.at, form.len);
        const char *fault = browser_form_field((struct slice){ copy, form.len }, "username", out, sizeof out, &value);
        bool same = fault && forms[i].fault ? strcmp(fault, forms[i].fault) == 0 : fault == forms[i].fault;
        check(same && (fault || slice_equal(value, forms[i].value)), "%s:%s", form.at, fault ? fault : " is taken");
        guarded_free(copy, form.len);
    }
}

static const struct {
    bool same;
    const char *site, *origin, *host, *why;
} origins[] = {
    { true, "same-origin", "", "a", "the browser says so" },
    { true, "same-origin", "https://a", "a", "both" },
    { true, "", "https://a", "a", "Origin alone" },
    { true, "", "http://a:8080", "a:8080", "a port, plain HTTP" },
    { true, "", "https://[::1]:8080", "[::1]:8080", "IPv6" },
    { false, "", "", "a", "neither" },
    { false, "", "", "", "nothing" },
    { false, "cross-site", "https://a", "a", "another site, whatever Origin says" },
    { false, "same-site", "https://a", "a", "another host of the site" },
    { false, "none", "", "a", "typed" },
    { false, "Same-Origin", "", "a", "other letters" },
    { false, "same-origin, cross-site", "", "a", "a list" },
    { false, "", "https://b", "a", "another host" },
    { false, "", "https://a.evil", "a", "a longer one" },
    { false, "", "https://evil.a", "a", "below it" },
    { false, "", "https://a:8080", "a", "another port" },
    { false, "", "https://a", "a:443", "a port that a browser leaves out" },
    { false, "", "null", "a", "a sandbox, or a file" },
    { false, "", "null", "null", "a host named so" },
    { false, "", "a", "a", "no scheme" },
    { false, "", "ftp://a", "a", "another scheme" },
    { false, "", "https:a", "a", "no slashes" },
    { false, "", "https:", "", "no host" },
    { false, "", "https://", "", "no host" },
    { false, "", "https", "a", "no colon" },
    { false, "", "https://a/", "a", "a path" },
    { false, "", "https://a https://b", "a", "a list" },
};

static void test_origins(void) {
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++)
        check(browser_is_same_origin(slice_of(origins[i].site), slice_of(origins[i].origin),
                                     slice_of(origins[i].host)) == origins[i].same,
              "%s: %s, %s to %s", origins[i].why, origins[i].site, origins[i].origin, origins[i].host);
}

static const struct {
    const char *referer, *host, *form, *next, *why; /* next is NULL: nowhere */
} nexts[] = {
    { "https://a/?next=/p", "a", "x=y", "/p", "the page's query" },
    { "http://a:8080/auth/?next=%2Fp", "a:8080", "", "/p", "under a path, a port, escaped" },
    { "https://[::1]:8080/?next=/p", "[::1]:8080", "", "/p", "IPv6" },
    { "https://a/?error=user&next=%2Fp%3Fa%3D1%26b%3D2", "a", "", "/p?a=1&b=2", "behind an error" },
    { "https://a/?next=/p?a=1&b=2&next=/q", "a", "", "/p?a=1&b=2&next=/q", "unescaped: to its end" },
    { "https://a/?next=/a+b%2B%20c", "a", "", "/a+b%2B%20c", "a slash: as it stands" },
    { "https://a/?next=%2Fa+b%2B%20c", "a", "", "/a+b+ c", "none: unescaped, and + is one in a path" },
    { "https://a/?next=%2fa%2520b", "a", "", "/a%20b", "once, whatever comes out" },
    { "https://a/?next=/100%25", "a", "", "/100%25", "as it was asked for: a percent sign" },
    { "https://a/?next=/s?q=a%26b", "a", "", "/s?q=a%26b", "an ampersand" },
    { "https://a/?next=/a?b=%2B1", "a", "", "/a?b=%2B1", "a plus" },
    { "https://a/?next=/%2fa", "a", "", "/%2fa", "a slash that was escaped is none" },
    { "https://a/?next=/%0d%0aX", "a", "", "/%0d%0aX", "nor is a line's end" },
    { "https://a/?next=/%", "a", "", "/%", "no escape" },
    { "https://a/?next=/\\evil", "a", "", "/\\evil", "a backslash: browser_is_path looks" },
    { "https://a/?next=//evil", "a", "", "//evil", "another host: so it does here" },
    { "https://a/?next=%2F%2Fevil", "a", "", "//evil", "and here" },
    { "https://a/?next=%2F%5cevil", "a", "", "/\\evil", "and here" },
    { "https://a/?next=/p", "a", "next=/q", "/q", "the form's own comes first" },
    { "https://a/?next=/p", "a", "n%65xt=/q+r", "/q r", "however it is written" },
    { "https://a/?next=/p", "a", "next=", "", "an empty one too" },
    { "https://a/?next=/p", "a", "next=/a&next=/b", NULL, "the form's, twice" },
    { "https://a/?next=/p", "a", "next=%", NULL, "the form's, malformed" },
    { "https://a/?next=/p", "a", "next=/123456789012345678901234567890", NULL, "the form's, too long" },
    { "https://b/?next=/p", "a", "", NULL, "another host" },
    { "https://a.evil/?next=/p", "a", "", NULL, "a longer one" },
    { "https://evil.a/?next=/p", "a", "", NULL, "below it" },
    { "https://a:8080/?next=/p", "a", "", NULL, "another port" },
    { "https://a@evil/?next=/p", "a", "", NULL, "a user named so" },
    { "https://evil/a/?next=/p", "a", "", NULL, "a path named so" },
    { "https://evil/https://a/?next=/p", "a", "", NULL, "behind another" },
    { "https:///a/?next=/p", "a", "", NULL, "three slashes" },
    { "https:/a/?next=/p", "a", "", NULL, "one" },
    { "//a/?next=/p", "a", "", NULL, "no scheme" },
    { "ftp://a/?next=/p", "a", "", NULL, "another scheme" },
    { "/auth/?next=/p", "a", "", NULL, "a path alone" },
    { "about:blank", "a", "", NULL, "no page" },
    { "https:///?next=/p", "", "", NULL, "no host" },
    { "https://a?next=/p", "a", "", NULL, "no path: no browser writes it so" },
    { "https://a/next=/p", "a", "", NULL, "no query" },
    { "https://a/?xnext=/p&nextx=/p&Next=/p", "a", "", NULL, "other names" },
    { "https://a/?next", "a", "", NULL, "no value" },
    { "https://a/?next=", "a", "", NULL, "an empty one" },
    { "https://a/", "a", "", NULL, "nothing" },
    { "https://a", "a", "", NULL, "an origin" },
    { "", "a", "", NULL, "no Referer" },
    { "https://a/?next=%2F%", "a", "", NULL, "malformed" },
    { "https://a/?next=%2F%4", "a", "", NULL, "malformed" },
    { "https://a/?next=%2F%4g", "a", "", NULL, "malformed" },
    { "https://a/?next=/1234567890123456789", "a", "", "/1234567890123456789", "as long as may be" },
    { "https://a/?next=/12345678901234567890", "a", "", NULL, "too long" },
    { "https://a/?next=%2F12345678901234567890", "a", "", NULL, "too long" },
};

static void test_nexts(void) {
    for (size_t i = 0; i < sizeof nexts / sizeof *nexts; i++) {
        char room[20];
        size_t len = strlen(nexts[i].referer);
        char *referer = guarded(nexts[i].referer, len);
        struct slice referred = browser_referred((struct slice){ referer, len }, slice_of(nexts[i].host));
        struct slice next = browser_next(slice_of(nexts[i].form), referred, room, sizeof room);
        check(slice_is(next, nexts[i].next ? nexts[i].next : ""), "%s: %s and %s lead to %.*s", nexts[i].why,
              nexts[i].referer, nexts[i].form, (int)next.len, next.at ? next.at : "");
        guarded_free(referer, len);
    }
}

static const struct {
    struct slice next;
    const char *path, *value; /* as it stands in a Location and in a query; NULL: it is refused */
} paths[] = {
    { S("/"), "/", "%2F" },
    { S("/private?a=1&b=%26#c"), "/private?a=1&b=%26#c", "%2Fprivate%3Fa%3D1%26b%3D%2526%23c" },
    { S("/a//b"), "/a//b", "%2Fa%2F%2Fb" },
    { S("/100%25"), "/100%25", "%2F100%2525" },
    { S("/%2f/a%5C%0d%0aX:%"), "/%2f/a%5C%0d%0aX:%", "%2F%252f%2Fa%255C%250d%250aX%3A%25" },
    { S("/?next=//evil"), "/?next=//evil", "%2F%3Fnext%3D%2F%2Fevil" },
    { S("/a b<\">"), "/a%20b%3C%22%3E", "%2Fa%20b%3C%22%3E" },
    { S("/\xc3\xbc-._~09AZaz"), "/%C3%BC-._~09AZaz", "%2F%C3%BC-._~09AZaz" },
    { S(""), NULL, NULL },
    { S("//evil"), NULL, NULL },
    { S("///evil"), NULL, NULL },
    { S("/\\evil"), NULL, NULL },
    { S("\\/evil"), NULL, NULL },
    { S("\\\\evil"), NULL, NULL },
    { S("/a\\b"), NULL, NULL },
    { S("https://evil"), NULL, NULL },
    { S("https:evil"), NULL, NULL },
    { S("javascript:alert(1)"), NULL, NULL },
    { S("evil"), NULL, NULL },
    { S(" //evil"), NULL, NULL },
    { S("/\t/evil"), NULL, NULL },
    { S("/\n/evil"), NULL, NULL },
    { S("/\r\nSet-Cookie: a=b"), NULL, NULL },
    { S("/a\0b"), NULL, NULL },
    { S("/a\x7f"), NULL, NULL },
    { S("/a\x1f"), NULL, NULL },
};

static void test_paths(void) {
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct slice next = paths[i].next;
        char path[100], value[100];
        struct buffer p = { .at = path, .cap = sizeof path }, v = { .at = value, .cap = sizeof value };
        check(browser_is_path(next) == (paths[i].path != NULL), "path %zu: %s", i, next.at);
        if (paths[i].path == NULL) continue;
        browser_put_path(&p, next);
        browser_put_value(&v, next);
        check(slice_is((struct slice){ path, p.len }, paths[i].path), "%s: %.*s", next.at, (int)p.len, path);
        check(slice_is((struct slice){ value, v.len }, paths[i].value), "%s: %.*s", next.at, (int)v.len, value);
    }
    for (int c = 0; c < 256; c++) { /* no byte of a value is more than itself */
        char one = (char)c, out[3];
        struct buffer b = { .at = out, .cap = sizeof out };
        browser_put_value(&b, (struct slice){ &one, 1 });
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c && strchr("-._~", c) != NULL);
        check(b.len == (plain ? 1 : 3) && out[0] == (plain ? one : '%'), "byte %d in a value", c);
    }
}

int main(void) {
    test_cookies();
    test_forms();
    test_origins();
    test_nexts();
    test_paths();
    return test_end();
}
