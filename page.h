/* page.h - the page at /, and what its answer says beyond it. */
#ifndef PAGE_H
#define PAGE_H

#include "bytes.h"
#include "sha256.h"

enum {
    PAGE_MAX = 12 * 1024, /* bytes that index.html may have (tests/page_test.c looks) */
    PAGE_FIELDS_MAX = 640,
};

struct page {
    struct slice html, field_lines; /* each line with its CRLF */
    char room[PAGE_FIELDS_MAX];
};

/* `html` with the fields that go with it: a Content-Security-Policy that lets nothing come from elsewhere and nothing
 * run but its own <style> and <script>, one of each. */
void page_init(struct page *page, sha256_compress *compress, const char *html);

/* index.html, with a NUL. */
extern const char page_html[];

#endif
