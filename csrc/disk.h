/* Syncing: asks the system to bring bytes and names to the disk itself, so that they outlive a power failure.
 *
 * Every function blocks until the disk has answered, which may take seconds, so it is for our own threads and never
 * called with a lock held. GCH_OK: on disk. GCH_ERR_IO, with errno: not known to be. After an error the system may
 * forget that the bytes were never written, so a later GCH_OK says nothing about them: write them anew instead of
 * syncing again.
 */
#ifndef GCH_DISK_H
#define GCH_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* The bytes of a file, and of its metadata what is needed to read them back; not its name. */
enum gch_status gch_disk_sync_file(int fd) GCH_MUST_CHECK;

/* The names in a directory. A file system that cannot do it (some network ones) counts as done. */
enum gch_status gch_disk_sync_dir(int dir_fd) GCH_MUST_CHECK;

/* The same for a directory and every one above it that we may open. GCH_ERR_AGAIN: no descriptor is free for that now.
 */
enum gch_status gch_disk_sync_path(int dir_fd) GCH_MUST_CHECK;

/* The bytes [from, to) of a shared mapping, rounded outward to pages. The last page is made writable again afterwards,
 * so that whoever appends to it seldom pays for that. */
enum gch_status gch_disk_sync_map(uint8_t *map, uint64_t from, uint64_t to) GCH_MUST_CHECK;

#endif
