/* Rows put aside, so that they do not hold up the rest: parked to be tried again, or in quarantine for a person to look
 * at.
 *
 * Both are segments like any other. A parked one lies in an orphan directory of its own whose segment says not to touch
 * it before a certain time; whichever process scans the outbox then delivers it. A quarantined one lies in
 * ROOT/quarantine/<id>.seg with <id>.txt beside it: table, number of rows, the server's code and words. Only when the
 * copy is written may the original be acknowledged; with sync it is on disk by then, name and all. A copy that cannot
 * be synced is as good as the disk allows: it stays, and GCH_ERR_AGAIN says so. Threads: the sender's.
 */
#ifndef GCH_ASIDE_H
#define GCH_ASIDE_H

#include "segment.h"
#include "writer_dir.h"

#define GCH_PARK_MS              60000        /* how long parked rows wait */
#define GCH_QUARANTINE_BYTES_MAX (256U << 20) /* on the disk; what is refused beyond it is parked instead */

struct gch_aside {
    enum gch_frame_kind kind; /* ROW or UPDATE */
    uint8_t table;            /* as numbered in the schema's segment */
    const void *schema;       /* the SCHEMA payload of ROW */
    size_t schema_len;
    const uint8_t *payload;
    size_t len;
};

enum gch_status gch_aside_park(int root_fd, const struct gch_aside *frames, size_t count, uint64_t not_before_us,
                               bool sync, struct gch_err *err) GCH_MUST_CHECK;

/* As gch_aside_park, but due at once and still locked by *dir: nobody else takes the rows while this process lives. */
enum gch_status gch_aside_put_off(int root_fd, const struct gch_aside *frames, size_t count, bool sync,
                                  struct gch_writer_dir *dir, struct gch_err *err) GCH_MUST_CHECK;

/* What the quarantine takes on the disk. */
uint64_t gch_aside_quarantine_bytes(int root_fd);

enum gch_status gch_aside_quarantine(int root_fd, const struct gch_aside *frame, const char *reason, bool sync,
                                     struct gch_err *err) GCH_MUST_CHECK;

/* Keeps the damaged bytes of a segment for a person to look at: ROOT/damaged/<id>.seg, a second name of the same file.
 */
enum gch_status gch_aside_keep_damaged(int root_fd, int dir_fd, const char *name, uint64_t id) GCH_MUST_CHECK;

#endif
