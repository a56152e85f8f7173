#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"

#if defined(__linux__) && !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23
#endif

#define DEPTH_MAX         128
#define INTERRUPTIONS_MAX 100

static int sync_once(int fd, bool directory)
{
#ifdef __APPLE__
    (void)directory;
    return fcntl(fd, F_FULLFSYNC) == -1 ? fsync(fd) : 0;
#else
    return directory ? fsync(fd) : fdatasync(fd);
#endif
}

static enum gch_status sync_descriptor(int fd, bool directory)
{
    for (int i = 0; i < INTERRUPTIONS_MAX; i++) {
        if (sync_once(fd, directory) == 0)
            return GCH_OK;
        if (errno != EINTR)
            break;
    }
    return GCH_ERR_IO;
}

enum gch_status gch_disk_sync_file(int fd)
{
    return sync_descriptor(fd, false);
}

enum gch_status gch_disk_sync_dir(int dir_fd)
{
    enum gch_status status = sync_descriptor(dir_fd, true);
    return status != GCH_OK && (errno == EINVAL || errno == ENOTSUP || errno == EROFS) ? GCH_OK : status;
}

static bool same_file(int a, int b)
{
    struct stat left;
    struct stat right;
    return fstat(a, &left) == 0 && fstat(b, &right) == 0 && left.st_ino == right.st_ino && left.st_dev == right.st_dev;
}

/* Opens the directory above. GCH_ERR_INVALID: there is none, or one that we may not open and so did not make. */
static enum gch_status open_above(int dir_fd, int *above)
{
    *above = gch_descriptor_open(dir_fd, "..", O_RDONLY | O_DIRECTORY);
    if (*above < 0)
        return errno == EACCES || errno == EPERM ? GCH_ERR_INVALID : GCH_ERR_AGAIN;
    if (!same_file(*above, dir_fd))
        return GCH_OK;
    gch_descriptor_close(*above);
    return GCH_ERR_INVALID;
}

enum gch_status gch_disk_sync_path(int dir_fd)
{
    enum gch_status status = gch_disk_sync_dir(dir_fd);
    int at = dir_fd;
    for (int depth = 0; depth < DEPTH_MAX && status == GCH_OK; depth++) {
        int above;
        status = open_above(at, &above);
        if (status != GCH_OK)
            break;
        if (at != dir_fd)
            gch_descriptor_close(at);
        at = above;
        status = gch_disk_sync_dir(at);
    }
    int failed = errno;
    if (at != dir_fd)
        gch_descriptor_close(at);
    errno = failed;
    return status == GCH_ERR_INVALID ? GCH_OK : status;
}

enum gch_status gch_disk_sync_map(uint8_t *map, uint64_t from, uint64_t to)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t begin = from & ~(page - 1);
    if (from >= to)
        return GCH_OK;
    for (int i = 0; i < INTERRUPTIONS_MAX; i++) {
        int failed = msync(map + begin, (size_t)(to - begin), MS_SYNC) == 0 ? 0 : errno;
        if (failed == EINTR)
            continue;
#ifdef __linux__
        (void)madvise(map + ((to - 1) & ~(page - 1)), (size_t)page, MADV_POPULATE_WRITE);
#endif
        errno = failed;
        return failed == 0 ? GCH_OK : GCH_ERR_IO;
    }
    return GCH_ERR_IO;
}
