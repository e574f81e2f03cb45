/* crypto.c - one hash at a time: ours beside OpenSSL and libsodium, in turn, on
 * one thread. Prints the median of each in milliseconds and our speed against
 * theirs; refuses to compare what does not give the same bytes.
 *
 * Built and run by bench/crypto. */
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <time.h>

#include "password.h"
#include "scrypt.h"

enum { N = 32768, R = 8, P = 1, ITERATIONS = 600000, ROUNDS_MAX = 99 };
static const char password[] = "pass1425", salt[] = "0123456789abcdef";
static sha256_compress *fastest;
static void *memory;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void our_scrypt(uint8_t *key)
{
    struct hmac_key k;
    hmac_key_init(&k, fastest, password, sizeof password - 1);
    scrypt(&k, salt, sizeof salt - 1, N, R, P, memory, key, 64);
}

static void openssl_scrypt(uint8_t *key)
{
    if (!EVP_PBE_scrypt(password, sizeof password - 1, (const uint8_t *)salt, sizeof salt - 1, N, R, P, 1 << 27, key, 64))
        abort();
}

static void sodium_scrypt(uint8_t *key)
{
    if (crypto_pwhash_scryptsalsa208sha256_ll((const uint8_t *)password, sizeof password - 1, (const uint8_t *)salt,
                                              sizeof salt - 1, N, R, P, key, 64) != 0)
        abort();
}

static void pbkdf2_by(sha256_compress *compress, uint8_t *key)
{
    struct hmac_key k;
    hmac_key_init(&k, compress, password, sizeof password - 1);
    pbkdf2_hmac_sha256(&k, salt, sizeof salt - 1, ITERATIONS, key, 32);
}

static void our_pbkdf2(uint8_t *key)
{
    pbkdf2_by(fastest, key);
}

static void portable_pbkdf2(uint8_t *key)
{
    pbkdf2_by(sha256_compress_portable, key);
}

static void openssl_pbkdf2(uint8_t *key)
{
    if (!PKCS5_PBKDF2_HMAC(password, sizeof password - 1, (const uint8_t *)salt, sizeof salt - 1, ITERATIONS,
                           EVP_sha256(), 32, key))
        abort();
}

struct entrant {
    const char *name;
    void (*run)(uint8_t *key);
    double ms[ROUNDS_MAX];
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The first entrant is the measure of all. */
static void race(const char *title, struct entrant *entrants, size_t n, int rounds)
{
    uint8_t first[64], key[64];
    for (int round = -1; round < rounds; round++) { /* one to warm up */
        for (size_t i = 0; i < n; i++) {
            double start = now();
            memset(key, 0, sizeof key);
            entrants[i].run(i == 0 ? first : key);
            if (round >= 0)
                entrants[i].ms[round] = now() - start;
            if (i > 0 && memcmp(first, key, 32) != 0) {
                printf("%s gives other bytes than %s\n", entrants[i].name, entrants[0].name);
                exit(1);
            }
        }
    }
    printf("%s, %d rounds\n", title, rounds);
    for (size_t i = 0; i < n; i++) {
        qsort(entrants[i].ms, (size_t)rounds, sizeof(double), by_size);
        printf("  %-16s %7.1f ms  (%.1f to %.1f)  %.2f times OpenSSL's speed\n", entrants[i].name,
               entrants[i].ms[rounds / 2], entrants[i].ms[0], entrants[i].ms[rounds - 1],
               entrants[0].ms[rounds / 2] / entrants[i].ms[rounds / 2]);
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    fastest = sha256_fastest(getauxval(AT_HWCAP));
    memory = password_memory(scrypt_memory(N, R, P));
    if (memory == NULL || sodium_init() < 0)
        return 1;
    struct entrant scrypts[] = {
        { "OpenSSL", openssl_scrypt, { 0 } }, { "jwtd", our_scrypt, { 0 } }, { "libsodium", sodium_scrypt, { 0 } } };
    struct entrant pbkdf2s[] = { { "OpenSSL", openssl_pbkdf2, { 0 } },
                                 { "jwtd", our_pbkdf2, { 0 } },
                                 { "jwtd, portable", portable_pbkdf2, { 0 } } };
    race("scrypt 32768:8:1", scrypts, 3, rounds);
    race("PBKDF2-HMAC-SHA256 600,000", pbkdf2s, 3, rounds);
    return 0;
}
