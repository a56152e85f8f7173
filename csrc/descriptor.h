/* The descriptors of the core, in one table, so that a forked child can close what it inherited: a lock, a segment or a
 * connection that lives on in a child would keep a dead writer's outbox from being adopted, or mix two processes'
 * bytes.
 *
 * Every descriptor is opened and closed through here. fork() waits for an open or close in progress, so that a child
 * finds each one in the table. Cap: GCH_DESCRIPTORS_MAX; one beyond it works, and stays open in children. Any thread.
 */
#ifndef GCH_DESCRIPTOR_H
#define GCH_DESCRIPTOR_H

#include <dirent.h>
#include <stddef.h>

#define GCH_DESCRIPTORS_MAX 256

/* As openat() with O_CLOEXEC and O_NOFOLLOW added and mode 0600; -1 with errno. */
int gch_descriptor_open(int dir_fd, const char *name, int flags);

/* A second descriptor of the same open file; -1 with errno. */
int gch_descriptor_duplicate(int fd);

/* All size bytes of fd mapped shared, for reading and writing; MAP_FAILED with errno. fork() waits for one in progress:
 * no child has the map (Linux). */
void *gch_descriptor_map(int fd, size_t size);

/* A close-on-exec socket; -1 with errno. */
int gch_descriptor_socket(int family, int type, int protocol);

/* -1 is passed over. */
void gch_descriptor_close(int fd);

/* A listing of the directory behind dir_fd, or NULL. */
DIR *gch_descriptor_list(int dir_fd);
void gch_descriptor_end_list(DIR *listing);

/* For pthread_atfork. The child's closes all; it is async-signal-safe. */
void gch_descriptor_before_fork(void);
void gch_descriptor_after_fork_in_parent(void);
void gch_descriptor_after_fork_in_child(void);

#endif
