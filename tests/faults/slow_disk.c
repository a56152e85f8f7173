/* LD_PRELOAD: a disk that takes its time. Every call that makes, fills, syncs or removes a file below a directory
 * called outbox first sleeps slow_disk_ms. The program sets that, and reads slow_disk_calls, through ctypes. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SEEN            __attribute__((visibility("default")))
#define POPULATE_WRITE  23
#define REAL(name, ...) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))(__VA_ARGS__)

SEEN _Atomic int slow_disk_ms;
SEEN _Atomic long slow_disk_calls;

static void rest(void)
{
    int ms = atomic_load(&slow_disk_ms);
    int before = errno;
    if (ms == 0)
        return;
    atomic_fetch_add(&slow_disk_calls, 1);
    struct timespec left = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0)
        ;
    errno = before;
}

static void rest_for(int fd)
{
    char link[64];
    char path[4096];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    path[len < 0 ? 0 : len] = '\0';
    if (strstr(path, "/outbox") != NULL)
        rest();
}

SEEN int openat(int dir_fd, const char *name, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    rest_for(dir_fd);
    return REAL(openat, dir_fd, name, flags, mode);
}

SEEN int posix_fallocate(int fd, off_t start, off_t len)
{
    rest_for(fd);
    return REAL(posix_fallocate, fd, start, len);
}

SEEN ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    rest_for(fd);
    return REAL(pwrite, fd, bytes, len, at);
}

SEEN int fsync(int fd)
{
    rest_for(fd);
    return REAL(fsync, fd);
}

SEEN int fdatasync(int fd)
{
    rest_for(fd);
    return REAL(fdatasync, fd);
}

SEEN int sync_file_range(int fd, off64_t start, off64_t len, unsigned flags)
{
    rest_for(fd);
    return REAL(sync_file_range, fd, start, len, flags);
}

SEEN int unlinkat(int dir_fd, const char *name, int flags)
{
    rest_for(dir_fd);
    return REAL(unlinkat, dir_fd, name, flags);
}

SEEN int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    rest_for(from_fd);
    return REAL(renameat, from_fd, from, to_fd, to);
}

SEEN int msync(void *at, size_t len, int flags)
{
    rest();
    return REAL(msync, at, len, flags);
}

SEEN int madvise(void *at, size_t len, int advice)
{
    if (advice == POPULATE_WRITE)
        rest();
    return REAL(madvise, at, len, advice);
}
