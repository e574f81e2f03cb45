/* revoked.h - whose tokens were revoked, and when: a table of a size chosen at the start that forgets by itself.
 *
 * An account's entry says that its tokens issued before a time, `not_before`, are no longer valid; it is kept until
 * none of them would be valid anyway. If eight accounts share a set and a ninth comes, the oldest entry goes and its
 * time holds for everybody in that set without an entry, and for whoever gets the place: they must log in again, but
 * nobody's old tokens become valid again.
 *
 * One thread at a time may put; any number look up meanwhile, without a lock. The table is all zeros at first, except
 * `bits`. Times are seconds since 1970, kept in 32 bits from November 2023 to 2159, since some machines have no 64-bit
 * atomics. */
#ifndef REVOKED_H
#define REVOKED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REVOKED_WAYS = 8 };

struct revoked {
    unsigned bits;          /* there are 2 to the power of this many sets, of 104 bytes each */
    _Atomic uint32_t until; /* that of the entry that is kept longest */
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

/* `name` is a keyed hash of the account's name, so that nobody can choose names that share a set. An entry that
 * exists gets the later of the old and new times. */
void revoked_put(struct revoked *r, uint64_t name, int64_t not_before, int64_t until, int64_t now);

/* Has everything been forgotten? */
bool revoked_is_empty(const struct revoked *r, int64_t now);

/* The time from which this account's tokens are valid; 0: all are. */
int64_t revoked_not_before(const struct revoked *r, uint64_t name, int64_t now);

#endif
