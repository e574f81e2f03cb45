#!/bin/sh
# mutants.sh - breaks the throttle, the sandbox and more on purpose, one line in a copy at a time: for each break a test
# must fail. (Others: constant_time.sh, a comparison with memcmp; durability.py, fdatasync, fsync and flock; etcd.py.)
# It runs itself four times at once, since many tests wait most of the time: each PART has a copy of its own and takes
# every fourth mutant.

# shellcheck source=tests/common.sh
. "$(dirname "$0")/common.sh"
cd "$top" || exit 1
need python3 python3 || finish
[ $# -gt 0 ] || at_once 1 2 3 4
part=$1 turn=0
is_mine() { turn=$((turn + 1)) && [ $((turn % 4 + 1)) -eq "$part" ]; }
judge() { # what, what is wrong with it
    if [ -z "$2" ]; then pass; else fail "$1: $2" && tail -n 20 "$dir/log"; fi
}
build() { make -s -C "$dir" BUILD=build CFLAGS=-O1 "$1" >"$dir/log" 2>&1; }
# A unit test, a part of metrics.py, or one of lifecycle.py.
target() { case $1 in *_test) echo "build/$1" ;; *) echo build/jwtd ;; esac; }
run() {
    case $1 in
    *_test) timeout 120 "$dir/build/$1" ;;
    metrics_*) JWTD_BIN=$dir/build/jwtd timeout 120 tests/metrics.sh "${1#metrics_}" ;;
    keys:*) JWTD_BIN=$dir/build/jwtd timeout 120 tests/keys.sh "${1#keys:}" ;;
    *) JWTD_BIN=$dir/build/jwtd timeout 120 tests/lifecycle.sh "$1" ;;
    esac >"$dir/log" 2>&1
}
mutant() { # the test that must fail, what is broken, the file, sed's script
    is_mine || return
    wrong=
    sed "$4" "$3" >"$dir/$3"
    if cmp -s "$3" "$dir/$3"; then
        wrong="sed changes nothing in $3"
    elif ! build "$(target "$1")"; then
        wrong="does not build"
    elif run "$1" || ! grep -q '^FAIL ' "$dir/log"; then
        wrong="no row of $1 fails"
    fi
    judge "$2" "$wrong"
    cp "$3" "$dir/$3"
}

mkdir "$dir/tests"
cp ./*.c ./*.h index.html Makefile "$dir"
cp tests/*.c tests/*.h "$dir/tests"
for test in throttle_test address_test revoked_test users_test etcd_test users_etcd_test sandbox_test throttled address_limit locked_in first_of_many \
    api_test browser_test metrics_test access_test metrics_counts metrics_gauges metrics_unwell metrics_logged metrics_no_room \
    cross_origin jwt_test keys:at_once keys:rotation keys:reload; do
    [ $test = sandbox_test ] || is_mine || continue # all parts ask what this kernel has
    wrong=
    { build "$(target $test)" && run $test; } || wrong="fails without a mutant"
    judge $test "$wrong"
    [ $test != sandbox_test ] || sandbox=$(cat "$dir/log")
done
export CI=true # a row that is skipped because of a mutant has seen it

mutant throttle_test "no throttle" throttle.c 's/^    return wait;/    return 0;/'
mutant throttle_test "failures are counted by address only" throttle.c \
    's/who(t, &source, name)/who(t, \&source, (struct slice){ "", 0 })/'
mutant throttle_test "failures are counted by account only" throttle.c \
    's/(source.known ? 2 : 1)/1/'
mutant throttle_test "an account is locked for everybody" throttle.c \
    's/who(t, &source, name)/who(t, \&(struct address){ 0 }, name)/'
mutant throttle_test "each IPv6 address has a count" address.c 's/is_ipv4(address) ? 16 : 8/16/'
mutant throttled "the throttle is not asked" api.c 's/if (wait == 0) return false;/return false;/'
mutant throttled "failures are not counted" api.c 's/if (call->api->throttle) throttle_count(/if (0) throttle_count(/'
mutant throttled "loopback has a bound for an address" server.c '/client.known &= !address_is_loopback/d'
mutant address_test "X-Forwarded-For is believed from anybody" address.c \
    's/while (address_in_any(&client, trusted, n) && /while (/'
mutant throttled "the same, seen from outside" address.c 's/while (address_in_any(&client, trusted, n) && /while (/'
mutant address_limit "an address may hold any number of connections" server.c \
    's/if (place != 0 && atomic_fetch_add/if (0 \&\& atomic_fetch_add/'
mutant first_of_many "the first to register is told from others before the hash only" users.c \
    's/if (c->how == ONLY_FIRST \&\& others)/if (0)/'
mutant api_test "registration is not asked for" api.c 's/if (!is_closed(call) && read_cred/if (read_cred/'
mutant users_test "a new file is not synced before its rename" users_file.c 's/ && fsync(fd) == 0;/;/'
mutant users_test "nor its directory behind it" users_file.c 's/ || file_sync_directory(real_path(u)) != 0)/)/'
mutant users_test "others may have the file open" users_file.c 's/if (fcntl(u->fd, F_SETLEASE, F_WRLCK) != 0) return.*//'
mutant users_test "or open it meanwhile" users_file.c 's/if (written && fcntl(u->fd, F_GETLEASE) != F_WRLCK)/if (0)/'
mutant users_test "sums that are read ahead are right" users_file.c 's/users_sum_is_right(c->compress, \(.*\)))$/\1.at)/'
mutant users_test "the line at a seam is lost" users_file.c 's/c->start + c->whole)/c->start + c->len)/'
mutant users_test "without a second thread one part is read" users_file.c 's/^        read_chunk(next);/        (void)0;/'
mutant users_test "a file that has gone again is made anew" users_file.c 's/(make ? O_CREAT : 0)/O_CREAT/'
mutant users_test "who reads cuts off what is being written" users_file.c 's/if (cut && mend == COMPLETE) return 0;//'
mutant users_test "what is no account is cut off" users_file.c 's/if (whole == 0 && !is_torn(tail))/if (0)/'
mutant users_test "another's lines are taken for those before" users_file.c 's/return memcmp(tail, u->tail, TAIL_LEN) != 0;/return false;/'
mutant users_test "who has written is seen by the length only" users_file.c 's/ || !same_time(st, u->written) ? WRITTEN/ ? WRITTEN/'
mutant users_test "a file that could not be read for now is given up" users_file.c 's/if (u->bad_line) u->bad = st/if (result != 0) u->bad = st/'
mutant users_test "old lines stay" users_file.c 's/ || !is_newest(u, record_name(&record), at))/)/'
mutant users_test "deleted accounts stay" users_file.c 's/result != 0 || !says_something(u, &record.user)/result != 0/'
mutant users_test "nor is anybody remembered" users_file.c 's/if (kept == 0 || kept/if (kept/'
mutant users_test "another owner and mode" users_file.c 's/ && fchown(fd, .*&&$/ \&\&/'
mutant users_test "a link is replaced" users_file.c 's/if (st.st_dev != u->device || st.st_ino != u->inode) return.*//'
mutant metrics_test "a bucket has what is equal to its bound" metrics.c 's/nanoseconds > (uint64_t)bounds/nanoseconds >= (uint64_t)bounds/'
mutant metrics_test "buckets are cumulative" metrics.c 's/hashes += /hashes = /'
mutant metrics_test "parts of a millisecond are lost" metrics.c 's/m->hash_rest = .*/m->hash_rest = 0;/'
mutant metrics_test "only one thread is read" metrics.c 's/for (size_t i = 0; i < n; i++)/for (size_t i = 0; i < 1; i++)/'
mutant access_test "a quote ends the request" access.c "s/ && c != '\"'//"
mutant access_test "a user named - is nobody" access.c 's/slice_is(user, "-")/0/'
mutant metrics_counts "a log-in is counted twice" api.c 's/count(call, METRICS_LOGIN_OK);/& &/'
mutant metrics_counts "the malformed are not counted" server.c '/metrics_request(/s/metrics_request/if (call->route) metrics_request/'
mutant metrics_gauges "who leaves is still counted" server.c 's/--l->open/l->open/'
mutant metrics_gauges "what is taken from the queue is still counted" server.c '/METRICS_DEQUEUED, 1/d'
mutant metrics_gauges "who is deleted is still counted" users_file.c 's/(size_t)(user->hash_len > 0) - .*/(found != 1);/'
mutant metrics_unwell "all is well" api.c 's/fault = users_fault(call->api->users)/fault = NULL/'
mutant metrics_logged "queries are logged" server.c 's/l->access.target = http_slice(buf, r->path)/&; while (*(l->access.target.at + l->access.target.len) > 32) l->access.target.len++/'
mutant metrics_no_room "the rest of a line is forgotten" server.c '/if (taken) put_bytes/d'
mutant metrics_no_room "what is dropped is not counted" server.c 's/dropped += .*/dropped += 0;/'
mutant cross_origin "any origin is allowed" server.c 's/if (slice_equal(config->origins\[i\], origin)/if (true/'
mutant cross_origin "an origin is compared by its beginning" server.c \
    's/if (slice_equal(config->origins\[i\], origin)/if (memcmp(config->origins[i].at, origin.at, config->origins[i].len) == 0/'
mutant cross_origin "errors of http.c are nobody's" server.c \
    's/    struct http_framing framing = framing_of(l, r, buf);/    struct http_framing framing = { .date = l->date }; (void)r, (void)buf;/'
mutant api_test "a malformed message makes an error of the proxy" api.c 's/refuse(call, asked ? 401 : status/refuse(call, status/'
mutant api_test "forms are taken everywhere" api.c 's/route \&\& route->forms \&\& /route \&\& /'
mutant api_test "a full queue lets its answer be stored" api.c '/^void api_busy/,/^}/s/call->response.no_store |= .*//'
mutant browser_test "what was not escaped is unescaped" browser.c "s/if (referred.len > 0 .*referred : none;//"
mutant jwt_test "only the first key verifies" jwt.c 's/i < keys->count;/i < 1;/'
mutant jwt_test "a trace changes what comes out" jwt.c 's/return right ? result : JWT_INVALID;/return t || right ? result : JWT_INVALID;/'
mutant api_test "a thread keeps its copy of the keys" api.c 's/if (mine->generation == /if (mine->generation != 0 || mine->generation == /'
mutant api_test "an early clock is taken" api.c 's/now < JWTD_RELEASED/now < 0/'
mutant keys:rotation "a rotation forgets the old keys" keys.c 's/n++ >= max/n++ >= 1/'
mutant keys:at_once "a rotation without a lock" keys.c 's/flock(fd, LOCK_EX) == 0/true/'
mutant keys:reload "a bad file empties the keys" main.c 's/if (result > 0) api_set_keys/if (result != 0) api_set_keys/'
mutant api_test "tokens revoked are not asked for" api.c 's/if (result == JWT_VALID && api_revoked_at(/if (0 \&\& api_revoked_at(/'
mutant api_test "a token comes after what is known once the hash is made" api.c \
    's/api->ttl, user.not_before);/api->ttl, users_not_before(call->api->users, c.name, time(NULL)));/'
mutant api_test "a password that was changed meanwhile is changed all the same" api.c \
    '/users_revoke(call->api->users/s/&seen, &user/(users_find(call->api->users, c.name, \&seen), \&seen), \&user/'
mutant users_test "a restart forgets what was revoked" users_file.c '/note_revoked(&u->base, hash, user)/d'
mutant users_test "a new registration forgets it" users.c '/^    next->not_before = /d'
mutant users_test "compaction forgets it" users_file.c 's/ || users_remembered_until(&u->base, user) > u->base.opened;/;/'
mutant users_test "so does a batch" users.c '/raise_to(&user->not_before, known/d'
mutant users_test "an import drops what was revoked of an account that is there" users.c 's/ && !is_later(user, known.*) return/) return/'
mutant users_test "one time hides the other in a batch" users.c '/raise_to(&r->user.not_before, k->not_before);/d'
mutant users_etcd_test "an import to etcd does so" users_etcd.c '/if (result == USERS_EXISTS) result = etcd_change/d'
mutant users_etcd_test "whose answer was lost hears that his name is taken" users_etcd.c 's/ && !says_the_same(&s.user, &next)) continue/) continue/'
mutant users_etcd_test "what is there is always mine" users_etcd.c 's/ && !says_the_same(&s.user, &next)) continue/ \&\& 0) continue/'
mutant users_etcd_test "who was overtaken writes all the same" users_etcd.c 's/c->name, s->account.revision, c->name/c->name, (uint64_t)7, c->name/'
mutant users_etcd_test "what a node revokes it does not know itself" users_etcd.c '/users_note_revoked(.*, &next);/d'
mutant users_etcd_test "clocks are taken to be the same" users_etcd.c '/u->base.clock_skew = SKEW;/d'
mutant users_etcd_test "a value about another name is believed" users_etcd.c 's/if (why == NULL \&\& !slice_equal(make_key/if (0 \&\& !slice_equal(make_key/'
mutant users_etcd_test "a restored etcd is not asked for everything" users_etcd.c 's/ || o.revision < u->revision) u->revision = 0;/) u->revision = 0;/'
mutant users_etcd_test "nor is one that has gone on since" users_etcd.c 's/is_other_cluster(u, o.cluster) || //'
mutant users_etcd_test "a full set's time is kept from who logs in" users_etcd.c 's/raise_to(&s.user.not_before, not_before);//'
mutant users_etcd_test "a question is repeated as it was" users_etcd.c 's/"kv\/txn", once, again,/"kv\/txn", once, once,/'
mutant users_etcd_test "a late import brings a deleted account back" users_etcd.c '/fill(&compares/s/COMPARE("%r")/COMPARE("%u")/'
mutant users_etcd_test "a longer token is forgotten earlier" users_etcd.c 's/next->hash_len == 0 || later || /next->hash_len == 0 || (0 \&\& later) || /'
mutant users_etcd_test "one bad key hides all behind it" users_etcd.c 's/return key >= 0 \&\& item->revision > 0/return key >= 0 \&\& value >= 0 \&\& item->revision > 0/'
mutant users_etcd_test "keys may come again for ever" users_etcd.c 's/ || comes_before(item, w))/)/'
mutant etcd_test "the same member is asked again" etcd.c 's/(at + 1) % e->count/at/'
mutant etcd_test "all wait for an etcd that is away" etcd.c 's/ || !atomic_load(&e->away)/ || 1/'
mutant etcd_test "what a member says that is being ended is a refusal" etcd.c 's/status == 403 ||/status == 403 || status == 408 ||/'
mutant etcd_test "a token outlives the etcd that gave it" etcd.c '/set_token(e, (struct slice){ "", 0 });/d'
mutant etcd_test "an answer that was cut off is one" etcd.c 's/ \&\& json_object(answer, NULL, 0, &why) == JSON_OK / /'
mutant etcd_test "a log-in's token may be anything" etcd.c 's/bool usable = http_is_whole_value(new)/bool usable = true/'
mutant etcd_test "a log-in that is lost is one" etcd.c 's/renewals -= status == 200;/renewals--;/'
mutant etcd_test "a last attempt has no time" etcd.c \
    's/^        pause_a_little();//; s/^        request = again;/&pause_a_little();/'
mutant users_etcd_test "what is revoked waits for three counts" users_etcd.c 's/ETCD_ONCE/ETCD_LONG/'
mutant etcd_test "the accounts of one prefix are keys of another" etcd.c '/a prefix has no/d'
mutant etcd_test "a slow disk is asked twice a second" etcd.c 's/attempt_ms \*= 2;/attempt_ms += 0;/'
mutant etcd_test "who speaks JSON is taken for the etcd itself" etcd.c 's/Accept: application.json.r.n//'
mutant etcd_test "what is no JSON may be a token, and is said" etcd.c "s/ && c->answer->at\[9\] != '2') {/) {/"
mutant users_etcd_test "what is no answer is not said" users_etcd.c '/^static int no_answer/,/^}/s/return log_line.*/return -1 + 0 * !u;/'
mutant users_etcd_test "a question is repeated without its ranges" users_etcd.c '/put_bytes(&b, text, middle - 2);/d'
mutant users_test "twice in a second is once" users.c 's/now > last ? now : last + 1/now/'
mutant revoked_test "the time of an entry goes back" revoked.c 's/ e->who = 0;/& e->not_before = 0;/'
mutant revoked_test "a full set forgets its oldest" revoked.c '/raise_to(&set->not_before/d'
mutant api_test "a client's Remote-User gets through where nobody is" api.c \
    's/^    put_user(call, name);/    if (name.len > 0) put_user(call, name);/'
mutant api_test "a blank at a name's end is lost on the way" http.c 's/slice_trim(value).len == value.len \&\& //'
mutant api_test "forms are taken from any site" api.c 's/(call->form || logout) \&\& !is_same/0 \&\& !is_same/'
mutant api_test "a form leads anywhere" api.c 's/if (!browser_is_path(next))/if (next.len == 0)/'
mutant browser_test "another host's page says where to" browser.c 's/!browser_is_same_origin(none, origin/0 \&\& !&/'
mutant http_test "of two Referers the last counts" http.c '/if (r->referer.at)/d'
mutant api_test "the cookie wins" api.c 's/if (!\*given \&\& call->api->cookie/if (call->api->cookie/'
mutant browser_test "//host is a path" browser.c "s/ || (s.len > 1 && s.at\\[1\\] == '\\/')//"
mutant browser_test "/\\host is a path" browser.c "s/ || s.at\\[i\\] == '..'//"
mutant browser_test "the cookie may be there twice" browser.c 's/times < 2)/times < 1)/'
case $sandbox in
*SKIP*)
    echo "SKIP the sandbox's mutants: this kernel has not all of it"
    skipped=1
    ;;
*)
    mutant keys:reload "Landlock hides a new key file" main.c 's/{ SANDBOX_READ, .path = secret }/{ SANDBOX_READ, .path = c->secret_file }/'
    mutant locked_in "no sandbox" main.c 's/return c->sandbox == OFF ? 0 : /return 1 ? 0 : /'
    mutant sandbox_test "no seccomp" sandbox.c 's/if (filter_calls(connects) != 0)/if (0)/'
    mutant sandbox_test "no Landlock" sandbox.c 's/if (restrict_access(grants, n) != 0)/if (0)/'
    mutant sandbox_test "no no_new_privs" sandbox.c 's/ || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0//'
    mutant sandbox_test "memory can be dumped" sandbox.c 's/prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || //'
    mutant sandbox_test "core files" sandbox.c '/prlimit(0, RLIMIT_CORE/d'
    mutant sandbox_test "memory becomes executable" sandbox.c 's/SYS_mprotect, 2, PROT_EXEC/SYS_mprotect, 2, 0/'
    mutant sandbox_test "fork" sandbox.c 's/{ SYS_clone, 0, THREAD_FLAG, THREAD_FLAG,/{ SYS_clone, 0, 0, 0,/'
    mutant sandbox_test "who serves from a file may connect" sandbox.c 's/if (conditions\[i\].connects \&\& !connects) continue;//'
    mutant sandbox_test "to any port" sandbox.c 's/\.net = 3, /.net = 0, /'
    mutant sandbox_test "UDP" sandbox.c 's/SYS_socket, 1, TYPE_BITS, SOCK_STREAM/SYS_socket, 1, 0, 0/'
    mutant sandbox_test "other protocols" sandbox.c 's/SYS_socket, 2, UINT32_MAX, 0/SYS_socket, 2, 0, 0/'
    mutant sandbox_test "connections by sending" sandbox.c 's/SYS_sendto, 3, MSG_FASTOPEN/SYS_sendto, 3, 0/'
    mutant sandbox_test "any kind of socket" sandbox.c 's/~(uint32_t)(AF_INET ^ AF_INET6), AF_INET/0, 0/'
    ;;
esac
finish
