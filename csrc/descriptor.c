#include "descriptor.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Held for reading by an open or a close, for writing by a fork. */
static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;
static _Atomic int table[GCH_DESCRIPTORS_MAX]; /* fd + 1, 0: free */

static int enter(int fd)
{
    for (int i = 0; fd >= 0 && i < GCH_DESCRIPTORS_MAX; i++) {
        int empty = 0;
        if (atomic_compare_exchange_strong(&table[i], &empty, fd + 1))
            break;
    }
    return fd;
}

static void leave(int fd)
{
    for (int i = 0; i < GCH_DESCRIPTORS_MAX; i++) {
        int entry = fd + 1;
        if (atomic_compare_exchange_strong(&table[i], &entry, 0))
            return;
    }
}

int gch_descriptor_open(int dir_fd, const char *name, int flags)
{
    pthread_rwlock_rdlock(&gate);
    int fd = enter(openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600));
    pthread_rwlock_unlock(&gate);
    return fd;
}

int gch_descriptor_duplicate(int fd)
{
    pthread_rwlock_rdlock(&gate);
    int made = enter(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    pthread_rwlock_unlock(&gate);
    return made;
}

void *gch_descriptor_map(int fd, size_t size)
{
    pthread_rwlock_rdlock(&gate);
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
#ifdef __linux__
    if (map != MAP_FAILED)
        (void)madvise(map, size, MADV_DONTFORK);
#endif
    pthread_rwlock_unlock(&gate);
    return map;
}

int gch_descriptor_socket(int family, int type, int protocol)
{
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC;
#endif
    pthread_rwlock_rdlock(&gate);
    int fd = enter(socket(family, type, protocol));
    pthread_rwlock_unlock(&gate);
    return fd;
}

void gch_descriptor_close(int fd)
{
    if (fd < 0)
        return;
    pthread_rwlock_rdlock(&gate);
    leave(fd);
    close(fd);
    pthread_rwlock_unlock(&gate);
}

DIR *gch_descriptor_list(int dir_fd)
{
    int fd = gch_descriptor_open(dir_fd, ".", O_RDONLY | O_DIRECTORY);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (listing == NULL)
        gch_descriptor_close(fd);
    return listing;
}

void gch_descriptor_end_list(DIR *listing)
{
    pthread_rwlock_rdlock(&gate);
    leave(dirfd(listing));
    closedir(listing);
    pthread_rwlock_unlock(&gate);
}

void gch_descriptor_before_fork(void)
{
    pthread_rwlock_wrlock(&gate);
}

void gch_descriptor_after_fork_in_parent(void)
{
    pthread_rwlock_unlock(&gate);
}

void gch_descriptor_after_fork_in_child(void)
{
    for (int i = 0; i < GCH_DESCRIPTORS_MAX; i++) {
        int entry = atomic_exchange(&table[i], 0);
        if (entry > 0)
            close(entry - 1);
    }
    pthread_rwlock_init(&gate, NULL); /* Its owner is a thread of the parent, by number. */
}
