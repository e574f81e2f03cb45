/* page.c - the page at /: index.html as it is, and its fields.
 *
 * The Content-Security-Policy (CSP level 3) names the style and the script by their SHA-256, so that a script which
 * got into the page in some other way would not run. They are hashed at start: whoever edits index.html has nothing
 * to keep in step. */
#include "page.h"

/* The assembler puts it in, and a NUL behind it. */
__asm__(".pushsection .rodata\n"
        ".globl page_html\n"
        "page_html: .incbin \"index.html\"\n"
        ".byte 0\n"
        ".popsection\n");

/* Base64 (RFC 4648 4), which CSP wants, and not base64url: whole groups of three bytes, then the two that 32 leave. */
static void put_base64(struct buffer *b, const uint8_t digest[SHA256_DIGEST]) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < SHA256_DIGEST; i += 3) {
        uint32_t third = i + 2 < SHA256_DIGEST ? digest[i + 2] : 0;
        uint32_t group = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | third;
        for (int shift = 18; shift >= 0; shift -= 6) put_char(b, alphabet[group >> shift & 63]);
    }
    if (!b->overflow) b->at[b->len - 1] = '='; /* for the byte that the last group has not */
}

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
    put_base64(b, digest);
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
