/* password.c - Werkzeug's password hash strings: which function, which cost, which salt; the functions
 * themselves are scrypt.c and hmac.c.
 *
 * Refuses, before it computes anything: methods that Werkzeug has given up (plain, md5, sha1), malformed
 * strings, and a cost beyond the cap. */
#include "password.h"

#include <sys/mman.h>

#include "hmac.h"
#include "json.h"
#include "scrypt.h"

const struct password_cost password_default = { PASSWORD_SCRYPT, 32768, 8, 1 };
static const struct password_cost pbkdf2_default = { PASSWORD_PBKDF2, 600000, 1, 1 };

static size_t key_len(enum password_method method) { return method == PASSWORD_SCRYPT ? 64 : SHA256_DIGEST; }

static uint64_t total(const struct password_cost *cost) { return (uint64_t)cost->N * cost->r * cost->p; }

/* In iterations of PBKDF2: one step of scrypt takes the time of about two and, for its memory, costs a guesser more. */
static uint64_t strength(const struct password_cost *cost) {
    return total(cost) * (cost->method == PASSWORD_SCRYPT ? 4 : 1);
}

/* Reads ":"-separated numbers until `rest` ends: how many, or -1. */
static int read_numbers(struct slice *rest, uint32_t *numbers, int most) {
    int n = 0;
    for (; rest->at != NULL; n++) {
        int64_t value = slice_decimal(slice_cut(rest, ':'));
        if (n == most || value < 0 || value > UINT32_MAX) return -1;
        numbers[n] = (uint32_t)value;
    }
    return n;
}

static int parse_scrypt(struct slice parameters, struct password_cost *cost, const char **why) {
    uint32_t n[3];
    *cost = password_default;
    if (parameters.at == NULL) return 0;
    *why = "scrypt takes N:r:p, N a power of two above 1";
    if (read_numbers(&parameters, n, 3) != 3 || scrypt_memory(n[0], n[1], n[2]) == 0) return -1;
    *cost = (struct password_cost){ PASSWORD_SCRYPT, n[0], n[1], n[2] };
    *why = "N * r * p of scrypt is above 1048576";
    return (uint64_t)n[1] * n[2] <= PASSWORD_SCRYPT_COST_MAX && total(cost) <= PASSWORD_SCRYPT_COST_MAX ? 0 : -1;
}

static int parse_pbkdf2(struct slice parameters, struct password_cost *cost, const char **why) {
    *cost = pbkdf2_default;
    if (parameters.at == NULL) return 0;
    *why = "of PBKDF2 only pbkdf2:sha256 is known";
    if (!slice_is(slice_cut(&parameters, ':'), "sha256")) return -1;
    if (parameters.at == NULL) return 0;
    *why = "pbkdf2:sha256 takes its number of iterations, 1 to 10000000";
    return read_numbers(&parameters, &cost->N, 1) == 1 && cost->N > 0 && cost->N <= PASSWORD_PBKDF2_COST_MAX ? 0 : -1;
}

int password_parse_cost(struct slice method, struct password_cost *cost, const char **why) {
    struct slice parameters = method, name = slice_cut(&parameters, ':');
    if (slice_is(name, "scrypt")) return parse_scrypt(parameters, cost, why);
    if (slice_is(name, "pbkdf2")) return parse_pbkdf2(parameters, cost, why);
    *why = "only scrypt:N:r:p and pbkdf2:sha256:N are known";
    return -1;
}

int password_parse(struct slice string, struct password_cost *cost, struct slice *salt, struct slice *hex) {
    const char *why;
    *hex = string;
    struct slice method = slice_cut(hex, '$');
    *salt = slice_cut(hex, '$');
    if (string.len > PASSWORD_STRING_MAX || password_parse_cost(method, cost, &why) != 0 || salt->len == 0 ||
        hex->at == NULL || hex->len != 2 * key_len(cost->method))
        return -1;
    for (size_t i = 0; i < hex->len; i++)
        if (!(hex->at[i] >= '0' && hex->at[i] <= '9') && !(hex->at[i] >= 'a' && hex->at[i] <= 'f')) return -1;
    return 0;
}

bool password_weaker(const struct password_cost *a, const struct password_cost *b) { return strength(a) < strength(b); }

void password_release(struct password_work *work) {
    if (work->memory) munmap(work->memory, work->size);
    work->memory = NULL;
    work->size = 0;
}

void *password_memory(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    madvise(memory, size, MADV_HUGEPAGE); /* where offered: the reads are spread over all of it */
    madvise(memory, size, MADV_DONTDUMP);
    return memory;
}

const char *password_fault(struct slice secret) {
    return secret.len == 0                 ? " is empty"
           : secret.len > PASSWORD_LEN_MAX ? " is too long"
           : !json_is_utf8(secret)         ? " is not UTF-8"
           /* RFC 2104 pads with zeros: "pw" and "pw\0" would be one key */
           : memchr(secret.at, '\0', secret.len) ? " has a NUL character"
                                                 : NULL;
}

static int reserve(struct password_work *work, size_t size) {
    if (size <= work->size) return 0;
    password_release(work);
    work->memory = password_memory(size);
    work->size = work->memory ? size : 0;
    return work->memory ? 0 : -1;
}

/* The key of key_len(cost->method) bytes. 0, or -1: no memory. */
static int derive(struct password_work *work, const struct password_cost *cost, struct slice password,
                  struct slice salt, uint8_t key[PASSWORD_KEY_MAX]) {
    struct hmac_key P;
    if (cost->method == PASSWORD_SCRYPT && reserve(work, scrypt_memory(cost->N, cost->r, cost->p)) != 0) return -1;
    hmac_key_init(&P, work->compress, password.at, password.len);
    if (cost->method == PASSWORD_SCRYPT)
        scrypt(&P, salt.at, salt.len, cost->N, cost->r, cost->p, work->memory, key, key_len(cost->method));
    else
        pbkdf2_hmac_sha256(&P, salt.at, salt.len, cost->N, key, key_len(cost->method));
    explicit_bzero(&P, sizeof P);
    return 0;
}

enum password_result password_check(struct password_work *work, struct slice password, struct slice string,
                                    struct password_cost *cost) {
    struct slice salt, hex;
    uint8_t key[PASSWORD_KEY_MAX];
    char computed[2 * PASSWORD_KEY_MAX];
    struct buffer out = { .at = computed, .cap = sizeof computed };
    if (password_parse(string, cost, &salt, &hex) != 0) return PASSWORD_UNUSABLE;
    if (derive(work, cost, password, salt, key) != 0) return PASSWORD_NO_MEMORY;
    put_hex(&out, key, key_len(cost->method));
    bool right = ct_equal(computed, hex.at, hex.len);
    explicit_bzero(key, sizeof key);
    explicit_bzero(computed, sizeof computed);
    return right ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

static void make_salt(char salt[PASSWORD_SALT_LEN], const uint8_t random[2 * PASSWORD_SALT_LEN]) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (int i = 0; i < PASSWORD_SALT_LEN; i++) /* sixteen bits for each: no letter is likelier by more than 0.1% */
        salt[i] = alphabet[(random[2 * i] << 8 | random[2 * i + 1]) * 62 >> 16];
}

static void put_method(struct buffer *out, const struct password_cost *cost) {
    put_text(out, cost->method == PASSWORD_SCRYPT ? "scrypt:" : "pbkdf2:sha256:");
    put_number(out, cost->N);
    if (cost->method == PASSWORD_SCRYPT) {
        put_char(out, ':');
        put_number(out, cost->r);
        put_char(out, ':');
        put_number(out, cost->p);
    }
}

int password_put(struct buffer *out, struct password_work *work, const struct password_cost *cost,
                 struct slice password, const uint8_t random[2 * PASSWORD_SALT_LEN]) {
    char salt[PASSWORD_SALT_LEN];
    uint8_t key[PASSWORD_KEY_MAX];
    make_salt(salt, random);
    if (derive(work, cost, password, (struct slice){ salt, sizeof salt }, key) != 0) return -1;
    put_method(out, cost);
    put_char(out, '$');
    put_bytes(out, salt, sizeof salt);
    put_char(out, '$');
    put_hex(out, key, key_len(cost->method));
    explicit_bzero(key, sizeof key);
    return 0;
}
