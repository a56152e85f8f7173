/* A directory for one test, made in the working directory (test_c.py gives each program an empty one), and short-cuts
 * around it. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "descriptor.h"

/* The path, owned by the caller, who frees it. */
static inline char *scratch_path(void)
{
    char name[] = "scratch-XXXXXX";
    char here[4096];
    char *path = malloc(8192);
    CHECK(mkdtemp(name) != NULL && getcwd(here, sizeof(here)) != NULL && path != NULL);
    (void)snprintf(path, 8192, "%s/%s", here, name);
    return path;
}

static inline int scratch_open(void)
{
    char *path = scratch_path();
    int fd = gch_descriptor_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    CHECK(fd >= 0);
    free(path);
    return fd;
}

/* How many entries of a directory start with prefix; -1 when it is not there. */
static inline int scratch_count(int dir_fd, const char *name, const char *prefix)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    int count = 0;
    if (listing == NULL)
        return -1;
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing))
        count += entry->d_name[0] != '.' ? strncmp(entry->d_name, prefix, strlen(prefix)) == 0
                                         : prefix[0] == '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    closedir(listing);
    return count;
}

/* Makes a file with these bytes. */
static inline void scratch_write(int dir_fd, const char *name, const void *bytes, size_t len)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

#endif
