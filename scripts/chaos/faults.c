/* Loaded before libc (LD_PRELOAD): a fault at one of the calls that change files below a folder, counted over all threads.
 *
 *   FAULT_BELOW  the folder          FAULT_AT  which call, from 1 on
 *   FAULT        short: the write takes half of its bytes, as the system may do at any time
 *                kill:  the process is killed before the call
 *                tear:  half of the bytes are written, then the process is killed
 *                error: the call is not made and fails with EIO
 *                count: nothing
 *   FAULT_NOTE   a file that gets the name of each call (count), or of the one where the fault happens
 *
 * Sees what is called through libc. watchcap's own calls on files are among that only when it is built with `--features faults`: rustix makes
 * system calls by itself otherwise. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long made;

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

static void note(const char *call) {
    const char *path = getenv("FAULT_NOTE");
    int file = path ? REAL(open)(path, O_CREAT | O_WRONLY | O_APPEND, 0600) : -1;
    char line[64];
    int len = snprintf(line, sizeof line, "%s\n", call);
    if (file >= 0) {
        REAL(write)(file, line, len);
        close(file);
    }
}

static int below(const char *path) {
    const char *folder = getenv("FAULT_BELOW");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int below_fd(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t got = readlink(link, path, sizeof path - 1);
    if (got < 0) return 0;
    path[got] = 0;
    return below(path);
}

/* The same of a name in an open folder. */
static int below_at(int dir, const char *path) {
    if (dir == AT_FDCWD || (path && *path == '/')) return below(path);
    char link[64], whole[8192];
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t got = readlink(link, whole, 4095);
    if (got < 0 || !path) return 0;
    snprintf(whole + got, sizeof whole - got, "/%s", path);
    return below(whole);
}

static int fail(const char *call) {
    note(call);
    errno = EIO;
    return -1;
}

static void die(const char *call) {
    note(call);
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* What to do with this call: 0 nothing, 's' short, 't' tear, 'e' fail. Kills by itself. */
static int fault(const char *call, int applies) {
    const char *kind = getenv("FAULT"), *at = getenv("FAULT_AT");
    if (!applies || !kind) return 0;
    long number = atomic_fetch_add(&made, 1) + 1;
    if (*kind == 'c') note(call);
    if (!at || number != atol(at)) return 0;
    if (*kind == 'k') die(call);
    return *kind == 's' || *kind == 't' || *kind == 'e' ? *kind : 0;
}

#define WRITES(call, len, half)                              \
    do {                                                     \
        int what = fault(__func__, below_fd(fd));            \
        if (what == 'e') return fail(__func__);              \
        if (what && (len) > 1) {                             \
            if (what == 's') note(__func__);                 \
            ssize_t wrote = half;                            \
            if (what == 't') die(__func__);                  \
            return wrote;                                    \
        }                                                    \
        if (what == 't') die(__func__);                      \
        return call;                                         \
    } while (0)

ssize_t write(int fd, const void *buf, size_t len) { WRITES(REAL(write)(fd, buf, len), len, REAL(write)(fd, buf, len / 2)); }
ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t at) { WRITES(REAL(pwrite64)(fd, buf, len, at), len, REAL(pwrite64)(fd, buf, len / 2, at)); }
ssize_t pwrite(int fd, const void *buf, size_t len, off_t at) { return pwrite64(fd, buf, len, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
    size_t len = count > 0 ? parts[0].iov_len : 0;
    WRITES(REAL(writev)(fd, parts, count), len, REAL(write)(fd, parts[0].iov_base, len / 2));
}

#define OTHER(condition, call)                    \
    do {                                          \
        int what = fault(__func__, condition);    \
        if (what == 'e') return fail(__func__);   \
        if (what == 't') die(__func__);           \
        return call;                              \
    } while (0)

/* The mode stands behind the flags when they make a file. */
#define MODE(flags)              \
    va_list list;                \
    va_start(list, flags);       \
    mode_t mode = va_arg(list, mode_t); \
    va_end(list)

#define MAKES(flags) ((flags) & (O_CREAT | O_TRUNC))

int fsync(int fd) { OTHER(below_fd(fd), REAL(fsync)(fd)); }
int fdatasync(int fd) { OTHER(below_fd(fd), REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t len) { OTHER(below_fd(fd), REAL(ftruncate)(fd, len)); }
int ftruncate64(int fd, off64_t len) { OTHER(below_fd(fd), REAL(ftruncate64)(fd, len)); }
int fallocate64(int fd, int how, off64_t at, off64_t len) { OTHER(below_fd(fd), REAL(fallocate64)(fd, how, at, len)); }
int fallocate(int fd, int how, off_t at, off_t len) { OTHER(below_fd(fd), REAL(fallocate)(fd, how, at, len)); }
int fchmod(int fd, mode_t mode) { OTHER(below_fd(fd), REAL(fchmod)(fd, mode)); }
int chmod(const char *path, mode_t mode) { OTHER(below(path), REAL(chmod)(path, mode)); }
int fchmodat(int dir, const char *path, mode_t mode, int flags) { OTHER(below_at(dir, path), REAL(fchmodat)(dir, path, mode, flags)); }
int mkdir(const char *path, mode_t mode) { OTHER(below(path), REAL(mkdir)(path, mode)); }
int mkdirat(int dir, const char *path, mode_t mode) { OTHER(below_at(dir, path), REAL(mkdirat)(dir, path, mode)); }
int rmdir(const char *path) { OTHER(below(path), REAL(rmdir)(path)); }
int unlink(const char *path) { OTHER(below(path), REAL(unlink)(path)); }
int unlinkat(int dir, const char *path, int flags) { OTHER(below_at(dir, path), REAL(unlinkat)(dir, path, flags)); }
int rename(const char *from, const char *to) { OTHER(below(from), REAL(rename)(from, to)); }
int renameat(int dir, const char *from, int other, const char *to) { OTHER(below_at(dir, from), REAL(renameat)(dir, from, other, to)); }
int renameat2(int dir, const char *from, int other, const char *to, unsigned flags) { OTHER(below_at(dir, from), REAL(renameat2)(dir, from, other, to, flags)); }
int linkat(int dir, const char *from, int other, const char *to, int flags) { OTHER(below_at(other, to), REAL(linkat)(dir, from, other, to, flags)); }
int open64(const char *path, int flags, ...) {
    MODE(flags);
    OTHER(MAKES(flags) && below(path), REAL(open64)(path, flags, mode));
}
int openat(int dir, const char *path, int flags, ...) {
    MODE(flags);
    OTHER(MAKES(flags) && below_at(dir, path), REAL(openat)(dir, path, flags, mode));
}
int openat64(int dir, const char *path, int flags, ...) {
    MODE(flags);
    OTHER(MAKES(flags) && below_at(dir, path), REAL(openat64)(dir, path, flags, mode));
}
