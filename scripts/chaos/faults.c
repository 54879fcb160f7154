/* Loaded before libc (LD_PRELOAD): a fault at one of the calls that change files below a folder, counted over all threads.
 *
 *   FAULT_BELOW  the folder          FAULT_AT  which call, from 1 on
 *   FAULT        short: the write takes half of its bytes, as the system may do at any time
 *                kill:  the process is killed before the call
 *                tear:  half of the bytes are written, then the process is killed
 *                error: the call is not made and fails with EIO
 *                count: nothing
 *   FAULT_NOTE   a file that gets a byte for each call (count), or when the fault happens
 *
 * Sees what is called through libc: of what watchcap does, all but fallocate. */
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

static void note(void) {
    const char *path = getenv("FAULT_NOTE");
    int file = path ? REAL(open)(path, O_CREAT | O_WRONLY | O_APPEND, 0600) : -1;
    if (file >= 0) {
        REAL(write)(file, "x", 1);
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

static int fail(void) {
    note();
    errno = EIO;
    return -1;
}

static void die(void) {
    note();
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* What to do with this call: 0 nothing, 's' short, 't' tear, 'e' fail. Kills by itself. */
static int fault(int applies) {
    const char *kind = getenv("FAULT"), *at = getenv("FAULT_AT");
    if (!applies || !kind) return 0;
    long number = atomic_fetch_add(&made, 1) + 1;
    if (*kind == 'c') note();
    if (!at || number != atol(at)) return 0;
    if (*kind == 'k') die();
    return *kind == 's' || *kind == 't' || *kind == 'e' ? *kind : 0;
}

#define WRITES(call, len, half)                              \
    do {                                                     \
        int what = fault(below_fd(fd));                      \
        if (what == 'e') return fail();                      \
        if (what && (len) > 1) {                             \
            if (what == 's') note();                         \
            ssize_t wrote = half;                            \
            if (what == 't') die();                          \
            return wrote;                                    \
        }                                                    \
        if (what == 't') die();                              \
        return call;                                         \
    } while (0)

ssize_t write(int fd, const void *buf, size_t len) { WRITES(REAL(write)(fd, buf, len), len, REAL(write)(fd, buf, len / 2)); }
ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t at) { WRITES(REAL(pwrite64)(fd, buf, len, at), len, REAL(pwrite64)(fd, buf, len / 2, at)); }
ssize_t pwrite(int fd, const void *buf, size_t len, off_t at) { return pwrite64(fd, buf, len, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
    size_t len = count > 0 ? parts[0].iov_len : 0;
    WRITES(REAL(writev)(fd, parts, count), len, REAL(write)(fd, parts[0].iov_base, len / 2));
}

#define OTHER(condition, call)                  \
    do {                                        \
        int what = fault(condition);            \
        if (what == 'e') return fail();         \
        if (what == 't') die();                 \
        return call;                            \
    } while (0)

int fsync(int fd) { OTHER(below_fd(fd), REAL(fsync)(fd)); }
int fdatasync(int fd) { OTHER(below_fd(fd), REAL(fdatasync)(fd)); }
int ftruncate64(int fd, off64_t len) { OTHER(below_fd(fd), REAL(ftruncate64)(fd, len)); }
int fchmod(int fd, mode_t mode) { OTHER(below_fd(fd), REAL(fchmod)(fd, mode)); }
int chmod(const char *path, mode_t mode) { OTHER(below(path), REAL(chmod)(path, mode)); }
int mkdir(const char *path, mode_t mode) { OTHER(below(path), REAL(mkdir)(path, mode)); }
int rmdir(const char *path) { OTHER(below(path), REAL(rmdir)(path)); }
int unlink(const char *path) { OTHER(below(path), REAL(unlink)(path)); }
int unlinkat(int dir, const char *path, int flags) { OTHER(dir == AT_FDCWD ? below(path) : below_fd(dir), REAL(unlinkat)(dir, path, flags)); }
int rename(const char *from, const char *to) { OTHER(below(from), REAL(rename)(from, to)); }
int open64(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    OTHER((flags & (O_CREAT | O_TRUNC)) && below(path), REAL(open64)(path, flags, mode));
}
