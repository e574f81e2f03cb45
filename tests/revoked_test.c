/* revoked_test.c - the table of tokens that were revoked: what it remembers, for how long, whom it makes room for,
 * and that a reader beside a writer never gets another account's time. */
#include "revoked.h"
#include "test.h"

#include <pthread.h>

#define T ((int64_t)1800000000)
enum { LIFE = 3600 };

enum { BITS = 12, SETS = 1 << BITS };
static struct revoked *table;

static void clear(void) {
    free(table);
    table = calloc(1, revoked_size(BITS));
    if (table == NULL) exit(1);
    table->bits = BITS;
}

/* The n-th account of a set. */
#define in_set(set, n) (((uint64_t)(n) + 1) << 40 | (set))

/* What is put first and then, and what is known of an account at a time. */
static const struct {
    const char *why;
    struct {
        uint64_t name;
        int64_t not_before, until, now;
    } puts[2];
    uint64_t name;
    int64_t now, expected;
} rows[] = {
    { "nobody", { { 0, 0, 0, 0 } }, in_set(1, 1), T, 0 },
    { "at once", { { in_set(1, 1), T, T + LIFE, T } }, in_set(1, 1), T, T },
    { "another of the set", { { in_set(1, 1), T, T + LIFE, T } }, in_set(1, 2), T, 0 },
    { "the same in another set", { { in_set(1, 1), T, T + LIFE, T } }, in_set(2, 1), T, 0 },
    { "to its end", { { in_set(1, 1), T, T + LIFE, T } }, in_set(1, 1), T + LIFE - 1, T },
    { "at its end", { { in_set(1, 1), T, T + LIFE, T } }, in_set(1, 1), T + LIFE, 0 },
    { "long ago", { { in_set(1, 1), T, T + LIFE, T + LIFE } }, in_set(1, 1), T, 0 },
    { "nearly so", { { in_set(1, 1), T, T + LIFE, T + LIFE - 1 } }, in_set(1, 1), T, T },
    { "twice",
      { { in_set(1, 1), T, T + LIFE, T }, { in_set(1, 1), T + 9, T + 9 + LIFE, T + 9 } },
      in_set(1, 1),
      T + 9,
      T + 9 },
    { "twice, the later first",
      { { in_set(1, 1), T + 9, T + 9 + LIFE, T + 9 }, { in_set(1, 1), T, T + LIFE, T } },
      in_set(1, 1),
      T + 8 + LIFE,
      T + 9 },
    { "twice, the first is kept longer",
      { { in_set(1, 1), T, T + 9 * LIFE, T }, { in_set(1, 1), T + 9, T + LIFE, T + 9 } },
      in_set(1, 1),
      T + 9 * LIFE - 1,
      T + 9 },
    { "again, when it was forgotten",
      { { in_set(1, 1), T, T + 1, T }, { in_set(1, 1), T + 2, T + 2 + LIFE, T + 2 } },
      in_set(1, 1),
      T + 2,
      T + 2 },
    { "a name whose hash is 0", { { 0, T, T + LIFE, T } }, 0, T, T },
    { "ahead of the clock", { { in_set(1, 1), T + 50, T + 50 + LIFE, T } }, in_set(1, 1), T, T + 50 },
    { "past 2038",
      { { in_set(1, 1), 2147483648, 2147483648 + LIFE, 2147483648 } },
      in_set(1, 1),
      2147483648,
      2147483648 },
    { "past 2106",
      { { in_set(1, 1), 4294967297, 4294967297 + LIFE, 4294967297 } },
      in_set(1, 1),
      4294967297,
      4294967297 },
    { "past 2106, its end",
      { { in_set(1, 1), 4294967297, 4294967297 + LIFE, 4294967297 } },
      in_set(1, 1),
      4294967297 + LIFE,
      0 },
    { "for a hundred years", { { in_set(1, 1), T, T + 3153600000, T } }, in_set(1, 1), T + 3153599999, T },
    { "for longer than all", { { in_set(1, 1), T, 900000000000000000, T } }, in_set(1, 1), 800000000000000000, T },
};

static void test_rows(void) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        clear();
        for (int p = 0; p < 2; p++)
            if (rows[i].puts[p].until)
                revoked_put(table, rows[i].puts[p].name, rows[i].puts[p].not_before, rows[i].puts[p].until,
                            rows[i].puts[p].now);
        int64_t known = revoked_not_before(table, rows[i].name, rows[i].now);
        check(known == rows[i].expected, "%s: %lld, not %lld", rows[i].why, (long long)known,
              (long long)rows[i].expected);
        check(known == 0 || !revoked_is_empty(table, rows[i].now), "%s: it is not empty", rows[i].why);
    }
    clear();
    check(revoked_is_empty(table, 0) && revoked_is_empty(table, T), "empty at first");
    revoked_put(table, 7, T, T + LIFE, T);
    revoked_put(table, 8, T + 1, T + 2, T + 1);
    check(!revoked_is_empty(table, T + LIFE - 1) && revoked_is_empty(table, T + LIFE), "empty when all is forgotten");
}

/* Times before its own: later tokens count, and earlier ones do not. */
static void test_early(void) {
    clear();
    revoked_put(table, 7, 5, T, 1000);
    check(revoked_not_before(table, 7, 1000) >= 5, "of 1970");
}

/* A full set: the oldest goes, its time holds for who has no entry there, and for nobody longer than it should. */
static void test_full_set(void) {
    clear();
    for (int64_t n = 0; n < REVOKED_WAYS; n++) revoked_put(table, in_set(5, n), T + n, T + n + LIFE, T + n);
    check(revoked_not_before(table, in_set(5, 99), T + 8) == 0, "eight of a set: nobody else is meant");
    revoked_put(table, in_set(5, 8), T + 8, T + 8 + LIFE, T + 8);
    for (int64_t n = 1; n <= REVOKED_WAYS; n++)
        check(revoked_not_before(table, in_set(5, n), T + 8) == T + n, "the ninth: %lld is there", (long long)n);
    check(revoked_not_before(table, in_set(5, 0), T + 8) == T, "the oldest is everybody");
    check(revoked_not_before(table, in_set(5, 99), T + 8) == T, "everybody of this set");
    check(revoked_not_before(table, in_set(6, 99), T + 8) == 0, "and of no other");
    check(revoked_not_before(table, in_set(5, 99), T + LIFE) == 0, "as long as the oldest was meant to last");
    revoked_put(table, in_set(5, 0), T + 9, T + 9 + LIFE, T + 9);
    check(revoked_not_before(table, in_set(5, 0), T + 9) == T + 9 &&
              revoked_not_before(table, in_set(5, 1), T + 9) == T + 1,
          "who comes again has an entry of his own");

    clear(); /* else a reader that is half way through an entry, while it is lent out, could see an earlier time */
    for (int64_t n = 0; n < REVOKED_WAYS; n++) revoked_put(table, in_set(5, n), T + n, T + n + LIFE, T + n);
    revoked_put(table, in_set(5, 8), T - 1, T + LIFE, T + 8);
    check(revoked_not_before(table, in_set(5, 8), T + 8) == T, "an entry's time does not go back, whoever gets it");

    clear(); /* those that say nothing any more go first, and without a trace */
    for (int64_t n = 0; n < REVOKED_WAYS; n++)
        revoked_put(table, in_set(5, n), T + n, n == 3 ? T + 10 : T + n + LIFE, T + n);
    revoked_put(table, in_set(5, 8), T + 10, T + 10 + LIFE, T + 10);
    check(revoked_not_before(table, in_set(5, 0), T + 10) == T &&
              revoked_not_before(table, in_set(5, 8), T + 10) == T + 10,
          "a forgotten one makes room");
    check(revoked_not_before(table, in_set(5, 3), T + 10) == 0 &&
              revoked_not_before(table, in_set(5, 99), T + 10) == 0,
          "and is nobody's");
}

/* Whoever was put in is never forgotten too early, however many there are. */
static void test_many(void) {
    enum { MANY = 8 * SETS * REVOKED_WAYS };
    size_t wrong = 0;
    clear();
    for (uint64_t n = 0; n < MANY; n++) revoked_put(table, n * 0x9e3779b97f4a7c15, T + (int64_t)n, T + MANY + LIFE, T);
    for (uint64_t n = 0; n < MANY; n++)
        wrong += revoked_not_before(table, n * 0x9e3779b97f4a7c15, T + MANY) < T + (int64_t)n;
    check(wrong == 0, "%d accounts: %zu lost", MANY, wrong);
}

/* ---- a writer and readers ---------------------------------------------- */

enum { READERS = 3, ROUNDS = 200000, ACCOUNTS = 2 * REVOKED_WAYS };
static atomic_bool done;
static _Atomic int64_t put_last[ACCOUNTS]; /* what was certainly known of an account before now */

static void *read_all(void *argument) {
    size_t *wrong = argument;
    while (!atomic_load(&done))
        for (uint64_t n = 0; n < ACCOUNTS; n++) {
            int64_t before = atomic_load(&put_last[n]), known = revoked_not_before(table, in_set(5, n), T);
            *wrong += known < before; /* its own, or a later one that holds for everybody */
        }
    return NULL;
}

static void *read_nobody(void *argument) {
    size_t *wrong = argument;
    while (!atomic_load(&done)) *wrong += revoked_not_before(table, in_set(6, 99), T) != 0;
    return NULL;
}

static void test_threads(void) {
    pthread_t threads[READERS + 1];
    size_t wrong[READERS + 1] = { 0 };
    clear();
    revoked_put(table, in_set(6, 1), T, INT64_MAX, T);
    for (int i = 0; i < READERS + 1; i++)
        if (pthread_create(&threads[i], NULL, i < READERS ? read_all : read_nobody, &wrong[i]) != 0) abort();
    for (int64_t round = 0; round < ROUNDS; round++) {
        uint64_t n = (uint64_t)round * 7 % ACCOUNTS;
        revoked_put(table, in_set(5, n), T + round, INT64_MAX, T);
        atomic_store(&put_last[n], T + round);
    }
    atomic_store(&done, true);
    for (int i = 0; i < READERS + 1; i++) pthread_join(threads[i], NULL);
    check(wrong[0] + wrong[1] + wrong[2] == 0, "readers beside a writer: %zu times an earlier time than was known",
          wrong[0] + wrong[1] + wrong[2]);
    check(wrong[READERS] == 0, "a reader of another set: %zu times somebody else's time", wrong[READERS]);
}

int main(void) {
    clear();
    test_rows();
    test_early();
    test_full_set();
    test_many();
    test_threads();
    return test_end();
}
