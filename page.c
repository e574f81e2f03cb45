/* page.c - the page at /: index.html as it is, and its fields.
 *
 * The Content-Security-Policy (CSP level 3) names the style and the script by their SHA-256, so that a script which
 * got into the page in some other way would not run. They are hashed at start: whoever edits index.html has nothing
 * to keep in step. */
#include "page.h"

#include "base64url.h"

/* The assembler puts the page in, and a NUL after it. */
__asm__(".pushsection .rodata\n"
        ".globl page_html\n"
        "page_html: .incbin \"index.html\"\n"
        ".byte 0\n"
        ".popsection\n");

/* Where `text` stands in what is left of a page, or NULL. (strstr would be larger than the rest of this file.) */
static const char *find(const char *html, const char *text) {
    html = strchr(html, *text);
    while (html && strncmp(html, text, strlen(text)) != 0) html = strchr(html + 1, *text);
    return html;
}

/* 'sha256-...' of what stands between the first `open` and the next `close`. */
static void put_source(struct buffer *b, sha256_compress *compress, const char *html, const char *open,
                       const char *close) {
    uint8_t digest[SHA256_DIGEST];
    const char *start = find(html, open), *end = start ? find(start, close) : NULL;
    size_t skip = strlen(open);
    if (end == NULL) {
        put_text(b, "'none'");
        return;
    }
    sha256_of(compress, start + skip, (size_t)(end - start) - skip, "", 0, digest);
    put_text(b, "'sha256-");
    put_base64(b, digest, sizeof digest); /* which CSP wants */
    put_char(b, '\'');
}

void page_init(struct page *page, sha256_compress *compress, const char *html) {
    struct buffer b = { .at = page->room, .cap = sizeof page->room };
    page->html = slice_of(html);
    put_text(&b, "Cache-Control: no-cache\r\n"
                 "X-Content-Type-Options: nosniff\r\n"
                 "Referrer-Policy: same-origin\r\n"
                 "Content-Security-Policy: default-src 'none'; img-src data:; connect-src 'self'; form-action 'self'; "
                 "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; style-src ");
    put_source(&b, compress, html, "<style>", "</style>");
    put_text(&b, "; script-src ");
    put_source(&b, compress, html, "<script>", "</script>");
    put_text(&b, "\r\n");
    page->field_lines = (struct slice){ b.at, b.len };
}
