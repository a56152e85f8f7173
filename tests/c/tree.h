/* A directory tree as bytes in memory: read from disk, changed, and written again as often as a test likes. */
#ifndef TREE_H
#define TREE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_MAX  64
#define TREE_PATH 128

struct tree_entry {
    char path[TREE_PATH]; /* from the root of the tree */
    bool directory;
    size_t len;
    uint8_t *bytes;
    const uint8_t *live; /* a map of the file on disk, NULL for a directory and an empty file */
};

/* Zeroed is empty. Directories stand before what is in them. */
struct tree {
    struct tree_entry entries[TREE_MAX];
    size_t count;
};

static inline void tree_deinit(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->entries[i].live != NULL)
            munmap((void *)(uintptr_t)tree->entries[i].live, tree->entries[i].len);
        free(tree->entries[i].bytes);
    }
    tree->count = 0;
}

static inline bool tree_read_file(struct tree_entry *entry, int fd)
{
    if (entry->len == 0)
        return true;
    void *map = mmap(NULL, entry->len, PROT_READ, MAP_SHARED, fd, 0);
    entry->bytes = malloc(entry->len);
    if (map == MAP_FAILED || entry->bytes == NULL)
        return false;
    entry->live = map;
    memcpy(entry->bytes, map, entry->len);
    return true;
}

static inline bool tree_read_below(struct tree *tree, int root_fd, const char *below)
{
    int fd = openat(root_fd, below[0] == '\0' ? "." : below, O_RDONLY | O_DIRECTORY);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    bool read = listing != NULL;
    for (struct dirent *found = read ? readdir(listing) : NULL; read && found != NULL; found = readdir(listing)) {
        struct stat state;
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
            continue;
        struct tree_entry *entry = &tree->entries[tree->count];
        memset(entry, 0, sizeof(*entry));
        int len = snprintf(entry->path, TREE_PATH, "%s%s%s", below, below[0] == '\0' ? "" : "/", found->d_name);
        read = ++tree->count < TREE_MAX && len < TREE_PATH && fstatat(root_fd, entry->path, &state, 0) == 0;
        entry->directory = read && S_ISDIR(state.st_mode);
        if (entry->directory)
            read = tree_read_below(tree, root_fd, entry->path);
        if (!read || entry->directory)
            continue;
        entry->len = (size_t)state.st_size;
        int file_fd = openat(root_fd, entry->path, O_RDONLY);
        read = file_fd >= 0 && tree_read_file(entry, file_fd);
        close(file_fd);
    }
    if (listing != NULL)
        closedir(listing);
    return read;
}

/* Reads all that is below path. False: it cannot be read, or is too much. */
static inline bool tree_read(struct tree *tree, const char *path)
{
    tree->count = 0;
    int root_fd = open(path, O_RDONLY | O_DIRECTORY);
    bool read = root_fd >= 0 && tree_read_below(tree, root_fd, "");
    close(root_fd);
    return read;
}

/* The entry of a path, or NULL. */
static inline struct tree_entry *tree_find(struct tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->entries[i].path, path) == 0)
            return &tree->entries[i];
    }
    return NULL;
}

/* Whether both hold the same paths with the same lengths; the bytes may differ. */
static inline bool tree_same_shape(struct tree *tree, struct tree *other)
{
    bool same = tree->count == other->count;
    for (size_t i = 0; same && i < tree->count; i++) {
        const struct tree_entry *entry = tree_find(other, tree->entries[i].path);
        same = entry != NULL && entry->len == tree->entries[i].len;
    }
    return same;
}

/* Writes the tree into an empty directory, with directories that look old. */
static inline bool tree_write(const struct tree *tree, int root_fd)
{
    static const struct timespec old[2] = {{1000, 0}, {1000, 0}};
    bool written = true;
    for (size_t i = 0; written && i < tree->count; i++) {
        const struct tree_entry *entry = &tree->entries[i];
        if (entry->directory) {
            written = mkdirat(root_fd, entry->path, 0700) == 0;
            continue;
        }
        int fd = openat(root_fd, entry->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        written = fd >= 0 && (entry->len == 0 || write(fd, entry->bytes, entry->len) == (ssize_t)entry->len);
        close(fd);
    }
    for (size_t i = 0; written && i < tree->count; i++) {
        if (tree->entries[i].directory)
            written = utimensat(root_fd, tree->entries[i].path, old, 0) == 0;
    }
    return written;
}

/* Removes all that is below a directory. */
static inline bool tree_clear(int root_fd, const char *name)
{
    int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    bool cleared = listing != NULL;
    for (struct dirent *found = cleared ? readdir(listing) : NULL; found != NULL; found = readdir(listing)) {
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, found->d_name, 0) == 0)
            continue;
        cleared = tree_clear(fd, found->d_name) && unlinkat(fd, found->d_name, AT_REMOVEDIR) == 0 && cleared;
    }
    if (listing != NULL)
        closedir(listing);
    return cleared;
}

#endif
