/* revoked.h - whose tokens were revoked, and when: a table of a size chosen at the start that forgets by itself.
 *
 * An account's entry says that its tokens given before a time, `not_before`, count no more; it is kept until none of
 * them would count anyway. Where eight accounts share a set and a ninth comes, the oldest entry goes and its time holds
 * for everybody of that set without an entry, and for whoever gets the place: they must log in again, but nobody's old
 * tokens come back.
 *
 * One thread at a time may put; any number look up meanwhile, without a lock. The table is all zeros at first, but for
 * `bits`. Times are seconds since 1970, kept in 32 bits from November 2023 to 2159, since there are machines without
 * atomics of 64. */
#ifndef REVOKED_H
#define REVOKED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REVOKED_WAYS = 8 };

struct revoked {
    unsigned bits;          /* there are as many sets as 2 to the power of this, of 104 bytes each */
    _Atomic uint32_t until; /* that of the entry which is kept longest */
    struct revoked_set {
        struct revoked_entry {
            _Atomic uint32_t who, not_before; /* nobody: 0 */
            uint32_t until;
        } entries[REVOKED_WAYS];
        _Atomic uint32_t not_before, until; /* for everybody without an entry */
    } sets[];
};

/* Bytes of a table. */
static inline size_t revoked_size(unsigned bits) {
    return sizeof(struct revoked) + (sizeof(struct revoked_set) << bits);
}

/* `name` is a keyed hash of the account's name, so that nobody can choose names that share a set. An entry that is
 * there gets the later times of both. */
void revoked_put(struct revoked *r, uint64_t name, int64_t not_before, int64_t until, int64_t now);

/* Has everything been forgotten? */
bool revoked_is_empty(const struct revoked *r, int64_t now);

/* From when on this account's tokens count; 0: all do. */
int64_t revoked_not_before(const struct revoked *r, uint64_t name, int64_t now);

#endif
