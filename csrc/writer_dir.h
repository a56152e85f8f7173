/* A writer's directory in the outbox: made with its lock held, so that nobody ever sees one that is unlocked and alive.
 *
 * Names: "w-<pid>-<random>" for one that counts, ".new-<pid>-<random>" while it is being made. All functions are for
 * one thread at a time.
 */
#ifndef GCH_WRITER_DIR_H
#define GCH_WRITER_DIR_H

#include <stddef.h>

#include "status.h"

#define GCH_DIR_NAME_MAX 64
#define GCH_DIR_PREFIX   "w-"

struct gch_writer_dir {
    char name[GCH_DIR_NAME_MAX];
    int dir_fd;
    int lock_fd;
};

/* Makes every missing directory of path (0700) and opens the last one, which must not be a symbolic link. */
enum gch_status gch_path_open(const char *path, int *fd, struct gch_err *err) GCH_MUST_CHECK;

/* Makes a locked directory under its temporary name; gch_writer_dir_publish gives it the name that counts. Between the
 * two a caller may put files in that must be there from the first moment. */
enum gch_status gch_writer_dir_create(struct gch_writer_dir *dir, int root_fd, struct gch_err *err) GCH_MUST_CHECK;
enum gch_status gch_writer_dir_publish(struct gch_writer_dir *dir, int root_fd, struct gch_err *err) GCH_MUST_CHECK;

/* Opens and locks an existing one. GCH_ERR_BUSY: its writer lives, or it has gone. */
enum gch_status gch_writer_dir_adopt(struct gch_writer_dir *dir, int root_fd, const char *name) GCH_MUST_CHECK;

/* Removes the directory when only its lock is left in it. Call with the lock held, before gch_writer_dir_close. */
void gch_writer_dir_remove(struct gch_writer_dir *dir, int root_fd);

/* Lets go of the lock. Safe twice. */
void gch_writer_dir_close(struct gch_writer_dir *dir);

#endif
