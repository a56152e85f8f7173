/* Makes system calls on files below FAULTS_ROOT fail, as a full, broken or read-only disk does.
 *
 * Preloaded into a program. FAULTS_FUNCTION is open, write, fsync, rename, mmap, ftruncate, posix_fallocate, mkdir or
 * unlink (each stands for its variants; fsync also for fdatasync and msync); FAULTS_ERRNO the error's number, 0: a
 * short write. FAULTS_PERCENT of the calls fail, FAULTS_NTH: only that one of them. The program turns it on and off
 * with faults_percent() and asks faults_injected() how many calls failed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define MAPS_MAX 1024
#define EXPORT   __attribute__((visibility("default")))
/* clang-format off */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
/* clang-format on */

static char root[PATH_MAX];
static char function[32];
static int error;
static _Atomic int percent;
static _Atomic long nth;
static _Atomic long injected;
static _Atomic uint32_t state = 2463534242U;
static _Atomic(uint8_t *) map_starts[MAPS_MAX]; /* of files below the root */

EXPORT void faults_percent(int wanted);
EXPORT long faults_injected(void);

static long number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtol(text, NULL, 10);
}

__attribute__((constructor)) static void begin(void)
{
    const char *place = getenv("FAULTS_ROOT");
    const char *which = getenv("FAULTS_FUNCTION");
    if (place == NULL || which == NULL)
        return;
    (void)snprintf(root, sizeof(root), "%s", place);
    (void)snprintf(function, sizeof(function), "%s", which);
    error = (int)number("FAULTS_ERRNO", EIO);
    nth = number("FAULTS_NTH", 0);
    percent = (int)number("FAULTS_PERCENT", 100);
}

void faults_percent(int wanted)
{
    percent = wanted;
}

long faults_injected(void)
{
    return injected;
}

static uint32_t dice(void)
{
    uint32_t x = state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    state = x;
    return x;
}

/* Whether this call is to fail; what is below the root is decided by the caller. */
static bool strikes(void)
{
    if ((int)(dice() % 100) >= percent)
        return false;
    if (nth != 0 && atomic_fetch_sub(&nth, 1) != 1) {
        if (nth < 0)
            percent = 0;
        return false;
    }
    injected++;
    return true;
}

static bool is_chosen(const char *name)
{
    return percent > 0 && strcmp(function, name) == 0;
}

static bool is_below(int dir_fd, const char *name)
{
    char path[PATH_MAX];
    char link[64];
    size_t len = strlen(root);
    if (name != NULL && (name[0] == '/' || dir_fd == AT_FDCWD))
        return strncmp(name, root, len) == 0;
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
    ssize_t got = readlink(link, path, sizeof(path) - 1);
    return got >= (ssize_t)len && strncmp(path, root, len) == 0;
}

static bool fails(const char *called, int dir_fd, const char *name)
{
    if (!is_chosen(called) || !is_below(dir_fd, name) || !strikes())
        return false;
    errno = error;
    return true;
}

#define OPEN(name, first, real, dir_fd, path)                                                                          \
    EXPORT int name(first const char *path, int flags, ...)                                                            \
    {                                                                                                                  \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;                                               \
        va_end(more);                                                                                                  \
        return fails("open", dir_fd, path) ? -1 : REAL(openat)(dir_fd, path, flags, mode);                             \
    }

#define NOTHING
#define DIRECTORY int dir_fd,
OPEN(open, NOTHING, open, AT_FDCWD, path)
OPEN(open64, NOTHING, open64, AT_FDCWD, path)
OPEN(openat, DIRECTORY, openat, dir_fd, path)
OPEN(openat64, DIRECTORY, openat64, dir_fd, path)

EXPORT ssize_t write(int fd, const void *bytes, size_t len)
{
    if (!fails("write", fd, NULL))
        return REAL(write)(fd, bytes, len);
    return error == 0 ? REAL(write)(fd, bytes, len / 2) : -1;
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    if (!fails("write", fd, NULL))
        return REAL(pwrite)(fd, bytes, len, at);
    return error == 0 ? REAL(pwrite)(fd, bytes, len / 2, at) : -1;
}

EXPORT int fsync(int fd)
{
    return fails("fsync", fd, NULL) ? -1 : REAL(fsync)(fd);
}

EXPORT int fdatasync(int fd)
{
    return fails("fsync", fd, NULL) ? -1 : REAL(fdatasync)(fd);
}

EXPORT int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return fails("rename", from_fd, from) ? -1 : REAL(renameat)(from_fd, from, to_fd, to);
}

EXPORT int rename(const char *from, const char *to)
{
    return fails("rename", AT_FDCWD, from) ? -1 : REAL(rename)(from, to);
}

EXPORT int ftruncate(int fd, off_t len)
{
    return fails("ftruncate", fd, NULL) ? -1 : REAL(ftruncate)(fd, len);
}

EXPORT int posix_fallocate(int fd, off_t from, off_t len)
{
    return fails("posix_fallocate", fd, NULL) ? error : REAL(posix_fallocate)(fd, from, len);
}

EXPORT int mkdirat(int dir_fd, const char *name, mode_t mode)
{
    return fails("mkdir", dir_fd, name) ? -1 : REAL(mkdirat)(dir_fd, name, mode);
}

EXPORT int mkdir(const char *name, mode_t mode)
{
    return fails("mkdir", AT_FDCWD, name) ? -1 : REAL(mkdir)(name, mode);
}

EXPORT int unlinkat(int dir_fd, const char *name, int flags)
{
    return fails("unlink", dir_fd, name) ? -1 : REAL(unlinkat)(dir_fd, name, flags);
}

/* ---- maps: an msync has no descriptor, so the maps of files below the root are remembered ---- */

EXPORT void *mmap(void *wanted, size_t size, int protection, int flags, int fd, off_t at)
{
    bool ours = root[0] != '\0' && fd >= 0 && (flags & MAP_SHARED) != 0 && is_below(fd, NULL);
    if (ours && is_chosen("mmap") && strikes()) {
        errno = error;
        return MAP_FAILED;
    }
    uint8_t *map = REAL(mmap)(wanted, size, protection, flags, fd, at);
    for (int i = 0; ours && map != MAP_FAILED && i < MAPS_MAX; i++) {
        uint8_t *empty = NULL;
        if (atomic_compare_exchange_strong(&map_starts[i], &empty, map))
            break;
    }
    return map;
}

EXPORT int munmap(void *map, size_t size)
{
    for (int i = 0; root[0] != '\0' && i < MAPS_MAX; i++) {
        uint8_t *entry = map;
        if (entry != NULL && atomic_compare_exchange_strong(&map_starts[i], &entry, NULL))
            break;
    }
    return REAL(munmap)(map, size);
}

/* Segments here are 64 KiB, and every msync is of one of them. */
static bool is_ours(const uint8_t *at)
{
    for (int i = 0; i < MAPS_MAX; i++) {
        const uint8_t *start = map_starts[i];
        if (start != NULL && at >= start && at < start + 65536)
            return true;
    }
    return false;
}

EXPORT int msync(void *start, size_t len, int flags)
{
    if (is_chosen("fsync") && is_ours(start) && strikes()) {
        errno = error;
        return -1;
    }
    return REAL(msync)(start, len, flags);
}
