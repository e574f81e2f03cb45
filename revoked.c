/* revoked.c - a set-associative table that is read while it is written.
 *
 * A reader uses an entry's time only if the entry is its account's both before and after: a writer that gives the entry
 * to another account first says that it is nobody's. Even then the entry's time never goes back, since the entry may
 * have been given away and returned between a reader's two looks. What an entry said that has to go holds for everybody
 * before it goes, and readers look at that last. */
#include "revoked.h"

static const int64_t BASE = 1700000000; /* before the first token was ever revoked here */

/* UINT32_MAX is later than all, and no `now` reaches it: what is kept until then is kept for good. */
static uint32_t shorten(int64_t seconds) {
    return seconds <= BASE ? 1 : seconds - BASE < UINT32_MAX ? (uint32_t)(seconds - BASE) : UINT32_MAX;
}

static uint32_t shorten_now(int64_t now) {
    uint32_t s = shorten(now);
    return s < UINT32_MAX ? s : UINT32_MAX - 1;
}

static int64_t lengthen(uint32_t s) { return s == 0 ? 0 : BASE + s; }

/* The set is chosen by other bits. */
static uint32_t who(uint64_t name) { return (uint32_t)(name >> 32) | 1; }

static void raise_to(_Atomic uint32_t *at, uint32_t value) {
    if (*at < value) *at = value;
}

/* The account's entry, or the one that makes room for it: one that has expired, else the oldest. */
static struct revoked_entry *find_entry(struct revoked_set *set, uint32_t account, uint32_t now) {
    struct revoked_entry *first = NULL;
    uint32_t oldest = UINT32_MAX;
    for (struct revoked_entry *e = set->entries; e < set->entries + REVOKED_WAYS; e++) {
        uint32_t age = e->until > now ? e->not_before : 0;
        if (e->who == account) return e;
        if (first == NULL || age < oldest) first = e, oldest = age;
    }
    return first;
}

void revoked_put(struct revoked *r, uint64_t name, int64_t not_before, int64_t until, int64_t now) {
    struct revoked_set *set = &r->sets[name & (((uint64_t)1 << r->bits) - 1)];
    uint32_t end = shorten(until), now_s = shorten_now(now);
    if (end <= now_s) return;
    struct revoked_entry *e = find_entry(set, who(name), now_s);
    raise_to(&r->until, end);
    if (e->who != who(name)) {
        if (e->until > now_s) {
            raise_to(&set->until, e->until);
            raise_to(&set->not_before, e->not_before);
        }
        e->who = 0;
        e->until = 0;
    }
    raise_to(&e->not_before, shorten(not_before));
    if (e->until < end) e->until = end;
    e->who = who(name);
}

bool revoked_is_empty(const struct revoked *r, int64_t now) { return r->until <= shorten_now(now); }

int64_t revoked_not_before(const struct revoked *r, uint64_t name, int64_t now) {
    const struct revoked_set *set = &r->sets[name & (((uint64_t)1 << r->bits) - 1)];
    if (revoked_is_empty(r, now)) return 0;
    for (const struct revoked_entry *e = set->entries; e < set->entries + REVOKED_WAYS; e++) {
        if (e->who != who(name)) continue;
        uint32_t not_before = e->not_before;
        if (e->who == who(name)) return lengthen(not_before);
    }
    return set->until > shorten_now(now) ? lengthen(set->not_before) : 0;
}
