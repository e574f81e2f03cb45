/* sandbox_test.c - asks from inside: what a process may no longer do after sandbox_enter, and what it still may.
 * Each question is asked by a process of its own, which answers with its exit status. What can not be asked, because
 * the filter stops the question too, is read from /proc. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "test.h"

static char directory[] = "/tmp/jwtd-sandbox-XXXXXX", inside[64], key_file[64], outside[64], made[80];
enum { SYS_LANDLOCK_CREATE = 444 };

static bool can_open(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static bool reads_inside(void) { return can_open(inside, O_RDONLY); }
static bool appends_inside(void) { return can_open(inside, O_RDWR | O_APPEND | O_CREAT); }
static bool makes_inside(void) { return can_open(made, O_RDWR | O_CREAT | O_EXCL); }
static bool syncs_directory(void) {
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}
static bool reads_key(void) { return can_open(key_file, O_RDONLY); }
static bool writes_key(void) { return can_open(key_file, O_WRONLY); }
static bool reads_other(void) { return can_open(outside, O_RDONLY); }
static bool makes_other(void) { return can_open("/tmp/jwtd-sandbox-must-not-be", O_WRONLY | O_CREAT); }
static bool opens_socket(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }
/* To where nobody listens: who may ask is refused by the other side. */
static bool connects_to(uint16_t port) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd >= 0 && (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == ECONNREFUSED);
}
enum { GRANTED_PORT = 1, OTHER_PORT = 2 };
static bool connects(void) { return connects_to(GRANTED_PORT); }
static bool connects_elsewhere(void) { return connects_to(OTHER_PORT); }
static bool listens(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd >= 0 && listen(fd, 1) == 0;
}
static bool opens_udp_socket(void) { return socket(AF_INET, SOCK_DGRAM, 0) >= 0; }
static bool opens_other_tcp(void) { return socket(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */) >= 0 || errno != EPERM; }
static bool sends_to(uint16_t port, int flags) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd >= 0 && (sendto(fd, "x", 1, flags | MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to) == 1 || errno != EPERM);
}
static bool connects_by_sending(void) { return sends_to(OTHER_PORT, MSG_FASTOPEN); }
static bool sends(void) { return sends_to(GRANTED_PORT, 0); } /* which is not connected: another error */
static bool opens_packet_socket(void) { return socket(AF_PACKET, SOCK_RAW, 0) >= 0 || errno != EPERM; }
static bool opens_netlink_socket(void) { return socket(AF_NETLINK, SOCK_RAW, 0) >= 0; }
static bool opens_unix_socket(void) { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }
static bool runs_program(void) {
    execl("/bin/true", "true", (char *)NULL);
    return false; /* a program that ran would answer with status 0, which is no answer here */
}
static bool traces(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0; }
static bool becomes_root(void) { return setuid(0) == 0; }
static bool forks(void) {
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    return pid > 0;
}
static bool kills(void) { return kill(getppid(), 0) == 0; }
static bool makes_memory_executable(void) {
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}
static bool maps_executable_memory(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}
static void *nothing(void *argument) { return argument; }
static bool starts_thread(void) {
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}
static bool gets_random(void) {
    char byte;
    return getrandom(&byte, 1, 0) == 1;
}

static const struct {
    const char *what;
    bool (*ask)(void);
    enum { NO, YES, WHO_MAY_CONNECT } allowed; /* the last one: with a port to connect to */
} questions[] = {
    { "read a file of its directory", reads_inside, YES },
    { "append to it", appends_inside, YES },
    { "make a file there", makes_inside, YES },
    { "sync the directory", syncs_directory, YES },
    { "read the key", reads_key, YES },
    { "start a thread", starts_thread, YES },
    { "get randomness", gets_random, YES },
    { "write the key", writes_key, NO },
    { "read another file", reads_other, NO },
    { "make a file elsewhere", makes_other, NO },
    { "open a socket", opens_socket, WHO_MAY_CONNECT },
    { "connect to the port", connects, WHO_MAY_CONNECT },
    { "connect to another port", connects_elsewhere, NO },
    { "connect by sending", connects_by_sending, NO },
    { "send", sends, WHO_MAY_CONNECT },
    { "open a UDP socket", opens_udp_socket, NO },
    { "open a socket of another protocol", opens_other_tcp, NO },
    { "listen", listens, NO },
    { "open a packet socket", opens_packet_socket, NO },
    { "open a netlink socket", opens_netlink_socket, NO },
    { "open a unix socket", opens_unix_socket, NO },
    { "run a program", runs_program, NO },
    { "be traced", traces, NO },
    { "become root", becomes_root, NO },
    { "fork", forks, NO },
    { "send a signal to its parent", kills, NO },
    { "make memory executable", makes_memory_executable, NO },
    { "map executable memory", maps_executable_memory, NO },
};

static void make_file(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, "x\n", 2) != 2) perror(path);
    close(fd);
}

enum locked { UNLOCKED, LOCKED, LOCKED_BUT_FOR_A_PORT };

/* 1: allowed, 2: refused, else it died. */
static int answer(bool (*ask)(void), enum locked locked) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        const struct sandbox_grant grants[] = { { SANDBOX_READ_WRITE, directory, 0 },
                                                { SANDBOX_READ, key_file, 0 },
                                                { SANDBOX_CONNECT, NULL, GRANTED_PORT } };
        if (locked && sandbox_enter(grants, locked == LOCKED ? 2 : 3, true) != 0) _exit(3);
        _exit(ask() ? 1 : 2);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What a line of /proc/PID/FILE says behind its `name`. */
static const char *proc_line(pid_t pid, const char *file, const char *name) {
    static char text[8192];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = '\0';
    char *at = strstr(text, name);
    return at ? strtok(at + strlen(name), " \t\n") : "";
}

/* What the kernel says of a process that is inside. It is nobody's: if it could be dumped, its files in /proc were
 * nobody's, too. */
static void test_from_outside(void) {
    enum { NOBODY = 65534 };
    char path[64];
    int inside_now[2], end[2];
    struct stat st = { .st_uid = NOBODY };
    if (pipe(inside_now) != 0 || pipe(end) != 0) exit(1);
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 4096, 4096 });
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) _exit(1);
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        close(end[1]);
        const struct sandbox_grant grants[] = { { SANDBOX_READ_WRITE, directory, 0 } };
        if (sandbox_enter(grants, 1, true) != 0 || write(inside_now[1], "", 1) != 1) _exit(1);
        _exit(read(end[0], &st, 1) != 0); /* until the parent has looked */
    }
    close(inside_now[1]);
    check(read(inside_now[0], path, 1) == 1, "a process is inside");
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    check(stat(path, &st) == 0 && st.st_uid == 0, "it can not be dumped: %s belongs to %d", path, (int)st.st_uid);
    check(strcmp(proc_line(pid, "status", "\nNoNewPrivs:"), "1") == 0, "NoNewPrivs");
    check(strcmp(proc_line(pid, "status", "\nSeccomp:"), "2") == 0, "Seccomp");
    check(strcmp(proc_line(pid, "limits", "\nMax core file size"), "0") == 0, "no core file");
    close(end[1]);
    waitpid(pid, NULL, 0);
}

int main(void) {
    if (mkdtemp(directory) == NULL) return 1;
    snprintf(inside, sizeof inside, "%s/users.jsonl", directory);
    snprintf(made, sizeof made, "%s.new", inside);
    snprintf(key_file, sizeof key_file, "%s.key", directory);
    snprintf(outside, sizeof outside, "%s.other", directory);
    make_file(inside);
    make_file(key_file);
    make_file(outside);
    if (answer(gets_random, LOCKED) == 3) { /* it has said what is missing */
        bool required = getenv("CI") != NULL && strstr(sandbox_parts, "no sandbox") == NULL;
        printf("%s sandbox: this kernel or build has not all of it\n", required ? "FAIL" : "SKIP");
        printf("0 passed, %d failed, %d skipped\n", required, !required);
        return required;
    }
    check(answer(reads_other, UNLOCKED) == 1, "without the sandbox another file can be read");
    check(answer(opens_socket, UNLOCKED) == 1, "without the sandbox a socket can be opened");
    bool ports = syscall(SYS_LANDLOCK_CREATE, NULL, 0, 1) >= 4; /* Linux 6.7 */
    for (enum locked how = LOCKED; how <= LOCKED_BUT_FOR_A_PORT; how++)
        for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
            bool may_connect = how == LOCKED_BUT_FOR_A_PORT;
            if (may_connect && !ports && questions[i].ask == connects_elsewhere) continue;
            int got = answer(questions[i].ask, how), allowed = (int)questions[i].allowed;
            check(got == (allowed == YES || (allowed == WHO_MAY_CONNECT && may_connect) ? 1 : 2), "may it %s%s: %s",
                  questions[i].what, may_connect ? ", if it may connect" : "",
                  got == 1   ? "yes"
                  : got == 2 ? "no"
                             : "it died");
            if (questions[i].ask == makes_inside) unlink(made);
        }
    test_from_outside();
    unlink(inside);
    unlink(key_file);
    unlink(outside);
    rmdir(directory);
    return test_end();
}
