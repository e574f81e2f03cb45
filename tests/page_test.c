/* page_test.c - the policy that goes with a page. The hash of "alert('Hello, world.');" is the example of CSP level 3,
 * section 2.3.1, that of "doSomething();" MDN's; the others were made with openssl dgst -sha256 -binary | base64. */
#include "page.h"

#include "test.h"

#define NOTHING "'none'"
#define HELLO "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
#define DO "'sha256-RFWPLDbv2BY+rCkDzsE+0fr8ylGr2R2faWMhq4lfEQc='"
#define EMPTY "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"

static const struct row {
    const char *html, *style, *script;
} rows[] = {
    { "<style>doSomething();</style><script>alert('Hello, world.');</script>", DO, HELLO },
    { "<script>doSomething();</script>x<style>alert('Hello, world.');</style>", HELLO, DO },
    { "<style></style><script></script>", EMPTY, EMPTY },
    { "<script>doSomething();</script><script>alert('Hello, world.');</script>", NOTHING, DO }, /* the first */
    { "<script src=\"x\"></script><style>doSomething();", NOTHING, NOTHING },
    { "", NOTHING, NOTHING },
};

/* The sources that a directive of the policy has, up to the next `;` or the line's end. */
static bool allows(const char *fields, const char *directive, const char *sources) {
    const char *at = strstr(fields, directive);
    size_t len = strlen(sources);
    if (at == NULL) return false;
    at += strlen(directive);
    return strncmp(at, sources, len) == 0 && (at[len] == ';' || at[len] == '\r');
}

/* The fields of a page, with a NUL. */
static const char *fields_of(struct page *page, const char *html) {
    static char text[PAGE_FIELDS_MAX + 1];
    page_init(page, sha256_compress_portable, html);
    memcpy(text, page->field_lines.at, page->field_lines.len);
    text[page->field_lines.len] = '\0';
    return text;
}

static void test_policy(void) {
    static struct page page;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *html = guarded(rows[i].html, strlen(rows[i].html) + 1);
        const char *fields = fields_of(&page, html);
        check(allows(fields, "; style-src ", rows[i].style), "style of %s: %s", html, fields);
        check(allows(fields, "; script-src ", rows[i].script), "script of %s: %s", html, fields);
        check(allows(fields, "Content-Security-Policy: default-src ", NOTHING), "default-src: %s", fields);
        check(allows(fields, "; frame-ancestors ", NOTHING), "frame-ancestors: %s", fields);
        check(slice_is(page.html, rows[i].html), "the page as it was given: %s", html);
        guarded_free(html, strlen(rows[i].html) + 1);
    }
}

/* What is embedded is the file, fits, and has nothing that the policy would refuse. */
static void test_index(void) {
    static char file[2 * PAGE_MAX];
    static struct page page;
    FILE *f = fopen("index.html", "rb");
    size_t len = f ? fread(file, 1, sizeof file, f) : 0;
    if (f) fclose(f);
    const char *fields = fields_of(&page, page_html), *end = fields + strlen(fields);
    if (f) check(slice_equal(page.html, (struct slice){ file, len }), "index.html is what is embedded");
    check(page.html.len > 0 && page.html.len <= PAGE_MAX, "index.html has %zu bytes of %d", page.html.len, PAGE_MAX);
    check(end - fields < PAGE_FIELDS_MAX && end - fields > 3 && strcmp(end - 3, "'\r\n") == 0, "whole: %s", fields);
    for (const char *line = fields; *line; line = strstr(line, "\r\n") + 2)
        check(strchr(line, ':') && strchr(line, ':') < strstr(line, "\r\n"), "a field line: %s", line);
    check(!strstr(fields, NOTHING "; script-src") && !strstr(fields, NOTHING "\r\n"), "style and script");
    const char *refused[] = { " style=", " onclick=", " onload=", "http:", "https:", "innerHTML", " src=" };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *found = strstr(page_html, refused[i]);
        while (found && strncmp(found, "http://www.w3.org/2000/svg", 26) == 0) found = strstr(found + 1, refused[i]);
        check(!found, "index.html has%s", refused[i]);
    }
}

int main(void) {
    test_policy();
    test_index();
    return test_end();
}
