/* Records, in order, what a program does to the files below FAULTS_ROOT: for replays of power failures.
 *
 * Preloaded into the program. FAULTS_LOG names the file that takes the records; each is a head and two byte strings.
 * What the program stores through shared mappings is seen as pages that differ from their last image, looked for at
 * each sync, each report and each munmap. A sync is two records: what was there when it was asked for is on disk when
 * it has returned. The program calls faults_report(text) to put a line of its own into the order.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define PAGE      4096
#define FILES_MAX 4096
#define MAPS_MAX  256
#define EXPORT    __attribute__((visibility("default")))
/* clang-format off */
#define REAL(name) ((__typeof__(&name))real(#name))
/* clang-format on */

struct head {
    uint32_t op;
    uint32_t file;
    uint64_t at;
    uint64_t count;
    uint32_t first_len;
    uint32_t second_len;
};

struct file {
    dev_t device;
    ino_t inode;
};

struct map {
    uint8_t *at;
    size_t size;
    uint32_t file;
    uint8_t *image;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static char root[PATH_MAX];
static struct file files[FILES_MAX]; /* number 0 is not used */
static uint32_t file_count = 1;
static struct map maps[MAPS_MAX];
static uint32_t sync_count;

EXPORT void faults_report(const char *text);

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static void fail(const char *what)
{
    (void)!dprintf(2, "record.c: %s\n", what);
    abort();
}

__attribute__((constructor)) static void begin(void)
{
    const char *log = getenv("FAULTS_LOG");
    const char *place = getenv("FAULTS_ROOT");
    if (log == NULL || place == NULL)
        return;
    (void)snprintf(root, sizeof(root), "%s", place);
    log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(uint32_t op, uint32_t file, uint64_t at, uint64_t count, const void *first, size_t first_len,
                const char *second)
{
    size_t second_len = second == NULL ? 0 : strlen(second);
    struct head head = {op, file, at, count, (uint32_t)first_len, (uint32_t)second_len};
    if (REAL(write)(log_fd, &head, sizeof(head)) != (ssize_t)sizeof(head) ||
        REAL(write)(log_fd, first, first_len) != (ssize_t)first_len ||
        REAL(write)(log_fd, second, second_len) != (ssize_t)second_len)
        fail("the log cannot be written");
}

static void put_path(uint32_t op, uint32_t file, const char *path)
{
    put(op, file, 0, 0, path, strlen(path), NULL);
}

/* Where a descriptor or a name relative to one leads; false when it is not below the root. */
static bool path_of(int dir_fd, const char *name, char path[PATH_MAX])
{
    char link[64];
    if (log_fd < 0)
        return false;
    if (name != NULL && (name[0] == '/' || dir_fd == AT_FDCWD)) {
        (void)snprintf(path, PATH_MAX, "%s", name);
    } else {
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
        ssize_t len = readlink(link, path, PATH_MAX - 1);
        if (len < 0)
            return false;
        path[len] = '\0';
        if (name != NULL)
            (void)snprintf(path + len, PATH_MAX - (size_t)len, "/%s", name);
    }
    size_t len = strlen(root);
    return strncmp(path, root, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* The number of a regular file that was made while we looked, else 0. The newest of an inode counts. */
static uint32_t file_of(int fd)
{
    struct stat found;
    if (log_fd < 0 || fd < 0 || fd == log_fd || fstat(fd, &found) != 0 || !S_ISREG(found.st_mode))
        return 0;
    for (uint32_t i = file_count - 1; i > 0; i--) {
        if (files[i].inode == found.st_ino && files[i].device == found.st_dev)
            return i;
    }
    return 0;
}

static void add_file(int fd, const char *path)
{
    struct stat found;
    if (file_count == FILES_MAX || fstat(fd, &found) != 0)
        fail("too many files");
    files[file_count].inode = found.st_ino;
    files[file_count].device = found.st_dev;
    put_path('C', file_count++, path);
}

static void look_at_map(struct map *map)
{
    for (size_t at = 0; at < map->size; at += PAGE) {
        size_t len = map->size - at < PAGE ? map->size - at : PAGE;
        if (memcmp(map->image + at, map->at + at, len) == 0)
            continue;
        memcpy(map->image + at, map->at + at, len);
        put('S', map->file, at, 0, map->image + at, len, NULL);
    }
}

static void look_at_maps(void)
{
    for (int i = 0; i < MAPS_MAX; i++) {
        if (maps[i].at != NULL)
            look_at_map(&maps[i]);
    }
}

void faults_report(const char *text)
{
    if (log_fd < 0)
        return;
    pthread_mutex_lock(&lock);
    look_at_maps();
    put_path('P', 0, text);
    pthread_mutex_unlock(&lock);
}

/* ---- names ---- */

static int open_recorded(int dir_fd, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    if ((flags & O_CREAT) == 0 || !path_of(dir_fd, name, path))
        return REAL(openat)(dir_fd, name, flags, mode);
    pthread_mutex_lock(&lock);
    bool there = faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    int fd = REAL(openat)(dir_fd, name, flags, mode);
    int failed = errno;
    if (fd >= 0 && !there)
        add_file(fd, path);
    pthread_mutex_unlock(&lock);
    errno = failed;
    return fd;
}

#define OPEN(name, first, dir_fd, path)                                                                                \
    EXPORT int name(first const char *path, int flags, ...)                                                            \
    {                                                                                                                  \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;                                               \
        va_end(more);                                                                                                  \
        return open_recorded(dir_fd, path, flags, mode);                                                               \
    }

#define NOTHING
#define DIRECTORY int dir_fd,
OPEN(open, NOTHING, AT_FDCWD, path)
OPEN(open64, NOTHING, AT_FDCWD, path)
OPEN(openat, DIRECTORY, dir_fd, path)
OPEN(openat64, DIRECTORY, dir_fd, path)

EXPORT int mkdirat(int dir_fd, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    bool ours = path_of(dir_fd, name, path);
    pthread_mutex_lock(&lock);
    int result = REAL(mkdirat)(dir_fd, name, mode);
    int failed = errno;
    if (result == 0 && ours)
        put_path('M', 0, path);
    pthread_mutex_unlock(&lock);
    errno = failed;
    return result;
}

EXPORT int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

EXPORT int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    char first[PATH_MAX];
    char second[PATH_MAX];
    bool ours = path_of(from_fd, from, first) && path_of(to_fd, to, second);
    pthread_mutex_lock(&lock);
    int result = REAL(renameat)(from_fd, from, to_fd, to);
    int failed = errno;
    if (result == 0 && ours)
        put('R', 0, 0, 0, first, strlen(first), second);
    pthread_mutex_unlock(&lock);
    errno = failed;
    return result;
}

EXPORT int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

EXPORT int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    char first[PATH_MAX];
    char second[PATH_MAX];
    bool ours = path_of(from_fd, from, first) && path_of(to_fd, to, second);
    pthread_mutex_lock(&lock);
    int result = REAL(linkat)(from_fd, from, to_fd, to, flags);
    int failed = errno;
    if (result == 0 && ours)
        put('L', 0, 0, 0, first, strlen(first), second);
    pthread_mutex_unlock(&lock);
    errno = failed;
    return result;
}

EXPORT int unlinkat(int dir_fd, const char *name, int flags)
{
    char path[PATH_MAX];
    bool ours = path_of(dir_fd, name, path);
    pthread_mutex_lock(&lock);
    if (ours)
        look_at_maps();
    int result = REAL(unlinkat)(dir_fd, name, flags);
    int failed = errno;
    if (result == 0 && ours)
        put_path('U', 0, path);
    pthread_mutex_unlock(&lock);
    errno = failed;
    return result;
}

EXPORT int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

/* ---- bytes ---- */

static ssize_t write_recorded(int fd, const void *bytes, size_t len, off_t at, bool positioned)
{
    uint32_t file = file_of(fd);
    if (file == 0)
        return positioned ? REAL(pwrite)(fd, bytes, len, at) : REAL(write)(fd, bytes, len);
    pthread_mutex_lock(&lock);
    look_at_maps();
    off_t place = positioned ? at : lseek(fd, 0, SEEK_CUR);
    ssize_t done = positioned ? REAL(pwrite)(fd, bytes, len, at) : REAL(write)(fd, bytes, len);
    int failed = errno;
    if (done > 0)
        put('W', file, (uint64_t)place, 0, bytes, (size_t)done, NULL);
    pthread_mutex_unlock(&lock);
    errno = failed;
    return done;
}

EXPORT ssize_t write(int fd, const void *bytes, size_t len)
{
    return write_recorded(fd, bytes, len, 0, false);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return write_recorded(fd, bytes, len, at, true);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
    return write_recorded(fd, bytes, len, at, true);
}

EXPORT int posix_fallocate(int fd, off_t from, off_t len)
{
    uint32_t file = file_of(fd);
    pthread_mutex_lock(&lock);
    int failed = REAL(posix_fallocate)(fd, from, len);
    if (failed == 0 && file != 0)
        put('T', file, (uint64_t)(from + len), 0, NULL, 0, NULL);
    pthread_mutex_unlock(&lock);
    return failed;
}

EXPORT int ftruncate(int fd, off_t len)
{
    uint32_t file = file_of(fd);
    pthread_mutex_lock(&lock);
    int result = REAL(ftruncate)(fd, len);
    int failed = errno;
    if (result == 0 && file != 0)
        put('T', file, (uint64_t)len, 0, NULL, 0, NULL);
    pthread_mutex_unlock(&lock);
    errno = failed;
    return result;
}

EXPORT void *mmap(void *wanted, size_t size, int protection, int flags, int fd, off_t at)
{
    void *map = REAL(mmap)(wanted, size, protection, flags, fd, at);
    uint32_t file = map == MAP_FAILED || (flags & MAP_SHARED) == 0 || (protection & PROT_WRITE) == 0 ? 0 : file_of(fd);
    if (file == 0)
        return map;
    uint8_t *image = malloc(size);
    pthread_mutex_lock(&lock);
    int i = 0;
    while (i < MAPS_MAX && maps[i].at != NULL)
        i++;
    if (i == MAPS_MAX || image == NULL)
        fail("too many maps");
    memcpy(image, map, size);
    maps[i] = (struct map){map, size, file, image};
    pthread_mutex_unlock(&lock);
    return map;
}

EXPORT int munmap(void *map, size_t size)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAPS_MAX; i++) {
        if (maps[i].at != map || maps[i].at == NULL)
            continue;
        look_at_map(&maps[i]);
        free(maps[i].image);
        maps[i].at = NULL;
    }
    pthread_mutex_unlock(&lock);
    return REAL(munmap)(map, size);
}

/* ---- syncs ---- */

static uint32_t begin_sync(uint32_t file, uint64_t at, uint64_t count, const char *directory)
{
    pthread_mutex_lock(&lock);
    look_at_maps();
    uint32_t number = ++sync_count;
    put(file != 0 ? 'B' : 'b', file != 0 ? file : number, at, file != 0 ? count : 0, &number, sizeof(number),
        directory);
    pthread_mutex_unlock(&lock);
    return number;
}

static void end_sync(uint32_t number)
{
    pthread_mutex_lock(&lock);
    put('F', number, 0, 0, NULL, 0, NULL);
    pthread_mutex_unlock(&lock);
}

static int sync_recorded(int fd, bool data_only)
{
    char path[PATH_MAX];
    struct stat found;
    uint32_t file = file_of(fd);
    bool directory = file == 0 && fstat(fd, &found) == 0 && S_ISDIR(found.st_mode) && path_of(fd, NULL, path);
    uint32_t number = file != 0 || directory ? begin_sync(file, 0, UINT64_MAX, directory ? path : NULL) : 0;
    int result = data_only ? REAL(fdatasync)(fd) : REAL(fsync)(fd);
    int failed = errno;
    if (number != 0 && result == 0)
        end_sync(number);
    errno = failed;
    return result;
}

EXPORT int fsync(int fd)
{
    return sync_recorded(fd, false);
}

EXPORT int fdatasync(int fd)
{
    return sync_recorded(fd, true);
}

EXPORT int msync(void *start, size_t len, int flags)
{
    uint32_t number = 0;
    for (int i = 0; i < MAPS_MAX && number == 0; i++) {
        const uint8_t *at = start;
        if (maps[i].at != NULL && at >= maps[i].at && at < maps[i].at + maps[i].size)
            number = begin_sync(maps[i].file, (uint64_t)(at - maps[i].at), len, NULL);
    }
    int result = REAL(msync)(start, len, flags);
    int failed = errno;
    if (number != 0 && result == 0 && (flags & MS_SYNC) != 0)
        end_sync(number);
    errno = failed;
    return result;
}
