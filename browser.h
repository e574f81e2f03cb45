/* browser.h - what browsers send, and where they are led: cookies (RFC 6265), forms
 * (application/x-www-form-urlencoded, WHATWG URL 5), where a request comes from (Origin, Sec-Fetch-Site, Referer), and
 * paths of the same host. No state: from slices to slices. */
#ifndef BROWSER_H
#define BROWSER_H

#include "bytes.h"

/* How often the cookie is in a Cookie field's value: 0, 1, or 2 for more. *value is the first one's. */
unsigned browser_cookie(struct slice field, const char *name, struct slice *value);

/* The field of a form, decoded into `out`; it may contain NUL, and need not be UTF-8. NULL, or what is wrong with it:
 * " is missing". The name is ASCII, at most 16 characters. */
const char *browser_form_field(struct slice form, const char *name, char *out, size_t cap, struct slice *value);

/* Was this request sent by a page of the host that it was sent to? Three field values, empty where there is none. */
bool browser_is_same_origin(struct slice fetch_site, struct slice origin, struct slice host);

/* What follows `next=` in the query of the page that sent the request, to its end and unchanged; `at` is NULL if there
 * is none, or the page is another host's. */
struct slice browser_referred(struct slice referer, struct slice host);

/* Where a form would like to go: its field `next`, decoded, or, if it has none, `referred`, unchanged if that begins
 * with a slash, else decoded. Empty: nowhere, or it can not be read. */
struct slice browser_next(struct slice form, struct slice referred, char *out, size_t cap);

/* Does it lead nowhere but to this host, whoever reads it? A path, with or without a query. */
bool browser_is_path(struct slice s);

/* Appends such a path, escaped for a Location field, or anything, escaped as a value in a query. */
void browser_put_path(struct buffer *out, struct slice path);
void browser_put_value(struct buffer *out, struct slice value);

#endif
