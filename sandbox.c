/* sandbox.c - no_new_privs, Landlock and a seccomp filter, by the kernel's own numbers (Linux:
 * include/uapi/linux/landlock.h, seccomp.h, filter.h, audit.h), since not every libc comes with the kernel's headers.
 *
 * The filter is a list of what may be called; all else fails, with EPERM, so that a libc that probes for something
 * goes on without it. Files are left to Landlock: the filter can't see a path. Memory never becomes executable, and a
 * clone is a thread or nothing. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bytes.h"
#include "log.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__x86_64__)
enum { AUDIT_ARCH = (int)0xc000003e };
#elif defined(__aarch64__)
enum { AUDIT_ARCH = (int)0xc00000b7 };
#elif defined(__arm__)
enum { AUDIT_ARCH = 0x40000028 };
#elif defined(__riscv) && __riscv_xlen == 64
enum { AUDIT_ARCH = (int)0xc00000f3 };
#else
enum { AUDIT_ARCH = 0 }; /* no filter for this machine yet */
#endif

const char sandbox_parts[] =
#ifdef SANITIZED
    "no sandbox (sanitizers)";
#else
    "sandbox: Landlock, seccomp where its calls are known";
#endif

/* ---- another user ----------------------------------------------------- */

/* The third and fourth fields of the line of /etc/passwd that begins with `name`. */
static int find_user(const char *name, int64_t *uid, int64_t *gid) {
    char text[65536];
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0) close(fd);
    struct slice rest = { text, n > 0 ? (size_t)n : 0 };
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        if (!slice_is(slice_cut(&line, ':'), name)) continue;
        slice_cut(&line, ':');
        *uid = slice_decimal(slice_cut(&line, ':'));
        *gid = slice_decimal(slice_cut(&line, ':'));
        return *uid > 0 && *gid > 0 ? 0 : -1;
    }
    return -1;
}

/* The kernel's own calls, which are about one thread, and there is no other yet: the libc's functions stop all threads
 * first, which takes 1.6 KB in musl. Where the original calls of these names take 16 bits, others take 32. */
#ifdef SYS_setuid32
enum { SET_GROUPS = SYS_setgroups32, SET_GID = SYS_setgid32, SET_UID = SYS_setuid32 };
#else
enum { SET_GROUPS = SYS_setgroups, SET_GID = SYS_setgid, SET_UID = SYS_setuid };
#endif

int sandbox_become(const char *user) {
    struct slice second = slice_of(user), first = slice_cut(&second, ':');
    int64_t uid = slice_decimal(first), gid = second.at ? slice_decimal(second) : uid;
    if ((uid <= 0 || gid <= 0) && find_user(user, &uid, &gid) != 0)
        return log_line("--user ", user, ": no such user, or root", NULL);
    if (syscall(SET_GROUPS, 0, NULL) != 0 || syscall(SET_GID, (gid_t)gid) != 0 || syscall(SET_UID, (uid_t)uid) != 0)
        return log_line("can't become ", user, ": ", strerror(errno), NULL);
    if (syscall(SET_UID, 0) == 0 || syscall(SET_GID, 0) == 0)
        return log_line("root came back after becoming ", user, NULL);
    return 0;
}

/* ---- files and ports: Landlock --------------------------------------------------- */

enum {
    LL_WRITE_FILE = 1 << 1,
    LL_READ_FILE = 1 << 2,
    LL_READ_DIR = 1 << 3,
    LL_REMOVE_FILE = 1 << 5,
    LL_MAKE_REG = 1 << 8,
    LL_TRUNCATE = 1 << 14,
    LL_CONNECT_TCP = 1 << 1,
    LL_PATH_BENEATH = 1, /* the kind of rule */
    LL_NET_PORT = 2,
    LL_CREATE = 444, /* the calls have these numbers on every machine */
    LL_ADD_RULE = 445,
    LL_RESTRICT_SELF = 446,
};

struct landlock_rules {
    uint64_t files, net, scopes;
};

struct __attribute__((packed)) landlock_path {
    uint64_t allowed;
    int32_t fd;
};

struct landlock_port {
    uint64_t allowed, port;
};

static int allow_path(int rules, const char *path, uint64_t allowed) {
    struct landlock_path rule = { .allowed = allowed, .fd = open(path, O_PATH | O_CLOEXEC) };
    if (rule.fd < 0) return -1;
    long result = syscall(LL_ADD_RULE, rules, LL_PATH_BENEATH, &rule, 0);
    close(rule.fd);
    return (int)result;
}

static int restrict_access(const struct sandbox_grant *grants, size_t n) {
    long version = syscall(LL_CREATE, NULL, 0, 1);
    if (version < 1) return -1;
    /* each version of the interface knows more rights, and takes a longer struct */
    uint64_t files = version < 2 ? 0x1fff : version < 3 ? 0x3fff : version < 5 ? 0x7fff : 0xffff;
    /* to bind and to connect; other processes' abstract sockets, and signals */
    struct landlock_rules handled = { .files = files, .net = 3, .scopes = 3 };
    size_t size = version < 4   ? offsetof(struct landlock_rules, net)
                  : version < 6 ? offsetof(struct landlock_rules, scopes)
                                : sizeof handled;
    const uint64_t rights[] = {
        [SANDBOX_READ] = LL_READ_FILE,
        [SANDBOX_READ_WRITE] = LL_WRITE_FILE | LL_READ_FILE | LL_READ_DIR | LL_REMOVE_FILE | LL_MAKE_REG | LL_TRUNCATE,
        [SANDBOX_REMOVE] = LL_REMOVE_FILE,
    };
    long rules = syscall(LL_CREATE, &handled, size, 0);
    if (rules < 0) return -1;
    int result = 0;
    for (size_t i = 0; i < n; i++)
        if (grants[i].right != SANDBOX_CONNECT)
            result |= allow_path((int)rules, grants[i].path, rights[grants[i].right] & files);
        else if (version >= 4)
            result |= (int)syscall(LL_ADD_RULE, rules, LL_NET_PORT,
                                   &(struct landlock_port){ LL_CONNECT_TCP, grants[i].port }, 0);
    if (result == 0) result = (int)syscall(LL_RESTRICT_SELF, rules, 0);
    close((int)rules);
    return result;
}

/* ---- system calls: seccomp --------------------------------------------- */

struct bpf {
    uint16_t code;
    uint8_t jump_true, jump_false;
    uint32_t k;
};

struct bpf_program {
    uint16_t len;
    const struct bpf *filter;
};

enum {
    LOAD = 0x20,     /* BPF_LD | BPF_W | BPF_ABS: a word of struct seccomp_data */
    IF_EQUAL = 0x15, /* BPF_JMP | BPF_JEQ | BPF_K */
    AND = 0x54,      /* BPF_ALU | BPF_AND | BPF_K */
    RETURN = 0x06,   /* BPF_RET | BPF_K */
    AT_NUMBER = 0,
    AT_ARCH = 4,
    AT_ARGUMENTS = 16, /* eight bytes each, and the lower half first: all machines here are little-endian */
    ALLOW = 0x7fff0000,
    FAIL = 0x00050000, /* with this errno */
    FILTER_MAX = 256,
    THREAD_FLAG = 0x00010000, /* CLONE_THREAD */
    TYPE_BITS = 0xf,          /* of a socket: without SOCK_NONBLOCK and SOCK_CLOEXEC */
};

/* On 32-bit machines, calls that take or give 32 bits of time have names of their own in musl. */
enum {
#ifdef SYS_clock_gettime32
    CLOCK_GETTIME = SYS_clock_gettime32,
    CLOCK_NANOSLEEP = SYS_clock_nanosleep_time32,
#else
    CLOCK_GETTIME = SYS_clock_gettime,
    CLOCK_NANOSLEEP = SYS_clock_nanosleep,
#endif
};

/* What a serving process calls, the most frequent first. */
/* clang-format off */
static const int allowed_calls[] = {
    SYS_read, SYS_sendto, SYS_epoll_pwait,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_accept4, SYS_close, SYS_futex, SYS_write, CLOCK_GETTIME, SYS_epoll_ctl, SYS_shutdown, SYS_recvfrom,
    SYS_pread64, SYS_fdatasync, SYS_fsync, SYS_ftruncate, SYS_flock, SYS_fstat, SYS_openat,
    SYS_ppoll, CLOCK_NANOSLEEP, SYS_nanosleep,
#ifdef SYS_poll
    SYS_poll, SYS_stat, SYS_lstat, SYS_open, SYS_unlink, /* of the older machines */
#endif
#ifdef SYS_newfstatat
    SYS_newfstatat,
#endif
#ifdef SYS_statx
    SYS_statx,
#endif
#ifdef SYS_fstat64 /* of 32 bits */
    SYS_fstat64, SYS_stat64, SYS_fstatat64, SYS_ftruncate64, SYS_fcntl64,
#endif
#ifdef SYS_clock_gettime64
    SYS_clock_gettime64, SYS_ppoll_time64, SYS_clock_nanosleep_time64, SYS_futex_time64, SYS_rt_sigtimedwait_time64,
#endif
    SYS_unlinkat, SYS_fcntl, SYS_lseek, SYS_getrandom, SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk,
    SYS_rt_sigprocmask, SYS_rt_sigtimedwait, SYS_rt_sigaction, SYS_rt_sigreturn, SYS_sigaltstack, SYS_setpriority,
    SYS_gettid, SYS_getpid, SYS_tgkill, SYS_set_robust_list, SYS_sched_getaffinity, SYS_sched_yield, SYS_eventfd2,
    SYS_epoll_create1, SYS_restart_syscall, SYS_exit, SYS_exit_group,
#ifdef SYS_rseq
    SYS_rseq,
#endif
};
/* clang-format on */

/* Calls that are allowed only where an argument has some bits as wanted; of several rows for a call, each must hold. */
static const struct condition {
    int call;
    uint32_t argument, bits, wanted;
    bool connects; /* only where connecting is allowed at all */
} conditions[] = {
#ifdef SYS_mmap
    { SYS_mmap, 2, PROT_EXEC, 0, false },
#endif
#ifdef SYS_mmap2
    { SYS_mmap2, 2, PROT_EXEC, 0, false },
#endif
    { SYS_mprotect, 2, PROT_EXEC, 0, false },
    { SYS_clone, 0, THREAD_FLAG, THREAD_FLAG, false },
    /* TCP only: Landlock's ports do not apply to other protocols of the same families */
    { SYS_socket, 0, ~(uint32_t)(AF_INET ^ AF_INET6), AF_INET, true },
    { SYS_socket, 1, TYPE_BITS, SOCK_STREAM, true },
    { SYS_socket, 2, UINT32_MAX, 0, true },
    { SYS_connect, 0, 0, 0, true },
    { SYS_sendto, 3, MSG_FASTOPEN, 0, true }, /* which would connect too */
};
enum { CONDITIONS = sizeof conditions / sizeof *conditions };

static uint16_t put_conditions(struct bpf *filter, uint16_t n, bool connects) {
    enum { ROW = 4 };
    for (size_t i = 0, rows; i < CONDITIONS; i += rows) {
        for (rows = 1; i + rows < CONDITIONS && conditions[i + rows].call == conditions[i].call;) rows++;
        if (conditions[i].connects && !connects) continue;
        filter[n++] = (struct bpf){ IF_EQUAL, 0, (uint8_t)(rows * ROW + 1), (uint32_t)conditions[i].call };
        for (const struct condition *c = &conditions[i]; c < &conditions[i + rows]; c++) {
            filter[n++] = (struct bpf){ LOAD, 0, 0, AT_ARGUMENTS + 8 * c->argument };
            filter[n++] = (struct bpf){ AND, 0, 0, c->bits };
            filter[n++] = (struct bpf){ IF_EQUAL, 1, 0, c->wanted };
            filter[n++] = (struct bpf){ RETURN, 0, 0, FAIL | EPERM };
        }
        filter[n++] = (struct bpf){ RETURN, 0, 0, ALLOW };
    }
    return n;
}

static int filter_calls(bool connects) {
    struct bpf filter[FILTER_MAX];
    uint16_t n = 0;
    filter[n++] = (struct bpf){ LOAD, 0, 0, AT_ARCH };
    filter[n++] = (struct bpf){ IF_EQUAL, 1, 0, (uint32_t)AUDIT_ARCH };
    filter[n++] = (struct bpf){ RETURN, 0, 0, FAIL | EPERM };
    filter[n++] = (struct bpf){ LOAD, 0, 0, AT_NUMBER };
    for (size_t i = 0; i < sizeof allowed_calls / sizeof *allowed_calls; i++) {
        if (connects && allowed_calls[i] == SYS_sendto) continue; /* it has a condition */
        filter[n++] = (struct bpf){ IF_EQUAL, 0, 1, (uint32_t)allowed_calls[i] };
        filter[n++] = (struct bpf){ RETURN, 0, 0, ALLOW };
    }
    n = put_conditions(filter, n, connects);
#ifdef SYS_clone3 /* its flags lie in memory, where no filter looks: without it, libc calls clone */
    filter[n++] = (struct bpf){ IF_EQUAL, 0, 1, SYS_clone3 };
    filter[n++] = (struct bpf){ RETURN, 0, 0, FAIL | ENOSYS };
#endif
    filter[n++] = (struct bpf){ RETURN, 0, 0, FAIL | EPERM };
    enum { SET_MODE_FILTER = 2 };
    return prctl(PR_SET_SECCOMP, SET_MODE_FILTER, &(struct bpf_program){ n, filter });
}

/* ---- all of it ---------------------------------------------------------- */

int sandbox_enter(const struct sandbox_grant *grants, size_t n, bool require) {
#ifdef SANITIZED
    (void)grants, (void)n;
    return require ? log_line("sandbox: not in a build with sanitizers", NULL) : 0;
#endif
    int missing = 0;
    bool connects = false;
    for (size_t i = 0; i < n; i++) connects |= grants[i].right == SANDBOX_CONNECT;
    prlimit(0, RLIMIT_CORE, &(struct rlimit){ 0, 0 }, NULL);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        missing |= log_line("sandbox: not on this kernel: no_new_privs: ", strerror(errno), NULL);
    if (restrict_access(grants, n) != 0)
        missing |= log_line("sandbox: not on this kernel: Landlock: ", strerror(errno), NULL);
    if (AUDIT_ARCH == 0)
        missing |= log_line("sandbox: this build has no seccomp filter for its machine", NULL);
    else if (filter_calls(connects) != 0)
        missing |= log_line("sandbox: not on this kernel: seccomp: ", strerror(errno), NULL);
    return require ? missing : 0;
}
