/* json.h - JSON (RFC 8259), strict, in one pass over the caller's text.
 *
 * The text must be UTF-8 with every \u surrogate paired, nested at most JSON_DEPTH deep; an object that is read
 * has at most JSON_MEMBERS members. Nothing is copied or allocated: a value is given as the slice it stands in. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <sys/types.h>

#include "bytes.h"

enum { JSON_DEPTH = 32, JSON_MEMBERS = 64 };

enum json_type { JSON_ABSENT, JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A member that the caller asks for by its name, which is ASCII. json_object fills in the rest: what it is, the
 * text of its value, and how often the name was given. A last row without a name gets all members that no other
 * row names. */
struct json_member {
    const char *name;
    enum json_type type;
    unsigned times;
    struct slice raw;
};

enum json_result {
    JSON_OK,
    JSON_TWICE, /* well-formed, but some name, wanted or not, is given twice */
    JSON_BAD    /* *why says in a few words what is wrong */
};

/* Reads `text`, which must be one object and nothing else but white space. If a name is given twice, the last value
 * is kept. `why` is constant text. */
enum json_result json_object(struct slice text, struct json_member *members, size_t n, const char **why);

/* The members of an object of any size, one per call. *rest is the object and *name empty at first; each call leaves
 * what it has not read in *rest. 1 with a member's name, a JSON_STRING, and value; 0 once the object and the text
 * have ended; -1 with *why, and *rest at the fault. It is for the caller to see that no name comes twice. */
int json_next(struct slice *rest, struct slice *name, struct slice *value, const char **why);

/* The elements of an array, one per call: as json_next, and *value is empty at first. */
static inline int json_element(struct slice *rest, struct slice *value, const char **why) {
    return json_next(rest, NULL, value, why);
}

/* The characters of a JSON_STRING's raw slice as UTF-8: their number of bytes, or -1 if they do not fit
 * `cap`. They may contain NUL. */
ssize_t json_string(struct slice raw, char *out, size_t cap);

bool json_is_utf8(struct slice s);

/* Are these a JSON_STRING's characters, however they are escaped? */
bool json_string_is(struct slice raw, const char *ascii);

/* Do two of them have the same characters, however each is escaped? */
bool json_string_same(struct slice raw_a, struct slice raw_b);

/* The value of a JSON_NUMBER's raw slice: exact for integers up to 2^53, else within a few units in the last
 * place. 0, or -1: out of a double's range. */
int json_number(struct slice raw, double *value);

/* Writes UTF-8 as a JSON string in ASCII: quotes, short escapes, \uXXXX in lower-case hex for all else, as
 * Python's json.dumps does. What is not UTF-8 becomes U+FFFD. */
void json_put_string(struct buffer *b, struct slice utf8);

#endif
