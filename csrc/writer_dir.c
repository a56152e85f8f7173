#include "writer_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "thread.h"

static enum gch_status make_parents(char *path)
{
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        int made = mkdir(path, 0700);
        int failed = errno;
        *at = '/';
        if (made != 0 && failed != EEXIST) {
            struct stat there;
            if (failed == ENOENT || stat(path, &there) != 0) {
                errno = failed;
                return GCH_ERR_IO;
            }
        }
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? GCH_OK : GCH_ERR_IO;
}

enum gch_status gch_path_open(const char *path, int *fd, struct gch_err *err)
{
    *fd = gch_descriptor_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    if (*fd >= 0)
        return GCH_OK;
    char *copy = strdup(path);
    if (copy == NULL)
        return GCH_ERR_NOMEM;
    enum gch_status status = make_parents(copy);
    free(copy);
    if (status == GCH_OK)
        *fd = gch_descriptor_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    if (*fd < 0)
        return gch_err_set(err, GCH_ERR_IO,
                           "cannot use the directory %s: %s; set GENESIS_CH_HOME to one that can be written", path,
                           strerror(errno));
    return GCH_OK;
}

static enum gch_status open_locked(struct gch_writer_dir *dir, int root_fd)
{
    dir->lock_fd = -1;
    dir->dir_fd = gch_descriptor_open(root_fd, dir->name, O_RDONLY | O_DIRECTORY);
    if (dir->dir_fd < 0)
        return GCH_ERR_IO;
    dir->lock_fd = gch_descriptor_open(dir->dir_fd, "lock", O_RDWR | O_CREAT);
    if (dir->lock_fd < 0)
        return GCH_ERR_IO;
    return flock(dir->lock_fd, LOCK_EX | LOCK_NB) == 0 ? GCH_OK : GCH_ERR_BUSY;
}

static enum gch_status create_once(struct gch_writer_dir *dir, int root_fd)
{
    uint64_t random;
    gch_random(&random, sizeof(random));
    dir->dir_fd = -1;
    dir->lock_fd = -1;
    (void)snprintf(dir->name, sizeof(dir->name), ".new-%ld-%016" PRIx64, (long)getpid(), random);
    return mkdirat(root_fd, dir->name, 0700) == 0 ? open_locked(dir, root_fd) : GCH_ERR_IO;
}

enum gch_status gch_writer_dir_create(struct gch_writer_dir *dir, int root_fd, struct gch_err *err)
{
    enum gch_status status = create_once(dir, root_fd);
    if (status == GCH_OK)
        return GCH_OK;
    status = gch_err_set(err, GCH_ERR_IO, "cannot make a directory in the outbox: %s", strerror(errno));
    gch_writer_dir_remove(dir, root_fd);
    gch_writer_dir_close(dir);
    return status;
}

enum gch_status gch_writer_dir_publish(struct gch_writer_dir *dir, int root_fd, struct gch_err *err)
{
    char name[GCH_DIR_NAME_MAX];
    (void)snprintf(name, sizeof(name), GCH_DIR_PREFIX "%s", dir->name + strlen(".new-"));
    if (renameat(root_fd, dir->name, root_fd, name) != 0)
        return gch_err_set(err, GCH_ERR_IO, "cannot rename a directory in the outbox: %s", strerror(errno));
    memcpy(dir->name, name, sizeof(name));
    return GCH_OK;
}

/* Between the opening of the lock file and the lock, its last owner may have removed it: then we hold the lock of
 * nothing. */
static bool still_there(const struct gch_writer_dir *dir)
{
    struct stat held;
    struct stat found;
    return fstat(dir->lock_fd, &held) == 0 && fstatat(dir->dir_fd, "lock", &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_ino == found.st_ino && held.st_dev == found.st_dev;
}

enum gch_status gch_writer_dir_adopt(struct gch_writer_dir *dir, int root_fd, const char *name)
{
    (void)snprintf(dir->name, sizeof(dir->name), "%s", name);
    enum gch_status status = open_locked(dir, root_fd);
    if (status == GCH_OK && still_there(dir))
        return GCH_OK;
    gch_writer_dir_close(dir);
    return GCH_ERR_BUSY;
}

void gch_writer_dir_remove(struct gch_writer_dir *dir, int root_fd)
{
    if (dir->dir_fd < 0)
        return;
    if (unlinkat(dir->dir_fd, "lock", 0) == 0 && unlinkat(root_fd, dir->name, AT_REMOVEDIR) != 0) {
        /* Something else is in it: give the lock file back, so that the directory stays adoptable. */
        int lock_fd = gch_descriptor_open(dir->dir_fd, "lock", O_RDWR | O_CREAT | O_EXCL);
        gch_descriptor_close(lock_fd);
    }
}

void gch_writer_dir_close(struct gch_writer_dir *dir)
{
    gch_descriptor_close(dir->lock_fd);
    gch_descriptor_close(dir->dir_fd);
    dir->lock_fd = -1;
    dir->dir_fd = -1;
}
