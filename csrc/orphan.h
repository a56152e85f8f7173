/* The outboxes of dead processes: found, locked, read in the order in which their rows were logged, and removed when
 * they are empty.
 *
 * A scan lists the writer directories once; the sender then takes them one by one. Threads: the sender's.
 */
#ifndef GCH_ORPHAN_H
#define GCH_ORPHAN_H

#include <stdbool.h>

#include "segment_reader.h"
#include "writer_dir.h"

#define GCH_SCAN_MAX 65536 /* writer directories looked at in one scan */

/* The names found by a scan. Zeroed is empty. */
struct gch_scan {
    char (*names)[GCH_DIR_NAME_MAX];
    size_t count;
    size_t at;
    uint64_t bytes; /* of all segments in directories that are not own_name */
};

/* Lists ROOT. Also removes what processes that died half-way left: ".new-" directories that nobody has locked. */
enum gch_status gch_scan_run(struct gch_scan *scan, int root_fd, const char *own_name,
                             struct gch_err *err) GCH_MUST_CHECK;
void gch_scan_deinit(struct gch_scan *scan);

struct gch_orphan_segment {
    char name[40];
    uint64_t id;
    uint64_t not_before_us;
    enum gch_status status; /* of its header: GCH_OK, GCH_ERR_INVALID when it is damaged, GCH_ERR_AGAIN when it was
                               never written, GCH_ERR_IO when it cannot be looked at now */
};

struct gch_orphan {
    struct gch_writer_dir dir;
    struct gch_orphan_segment *segments; /* oldest first */
    size_t count;
    size_t at;
};

/* Locks the next directory of the scan whose writer is dead and that holds a segment due now. GCH_ERR_AGAIN: none is
 * left. */
enum gch_status gch_orphan_take(struct gch_orphan *orphan, struct gch_scan *scan, int root_fd,
                                uint64_t now_us) GCH_MUST_CHECK;

/* Takes over a directory that is locked already, with what is in it. It is closed when that fails. */
enum gch_status gch_orphan_take_dir(struct gch_orphan *orphan, const struct gch_writer_dir *dir) GCH_MUST_CHECK;

/* Opens its next segment that is due; one that is no segment any more is moved to ROOT/damaged, one that cannot be
 * opened now (no descriptor left, say) stays for later. GCH_ERR_AGAIN: none. */
enum gch_status gch_orphan_open(struct gch_orphan *orphan, int root_fd, uint64_t now_us,
                                struct gch_segment_reader *reader) GCH_MUST_CHECK;

/* The opened segment is delivered: removes its file and moves on. */
void gch_orphan_finish_segment(struct gch_orphan *orphan);

/* Leaves the opened segment for later and moves on. */
void gch_orphan_skip_segment(struct gch_orphan *orphan);

/* Lets go, and removes the directory when no segment is left in it. */
void gch_orphan_release(struct gch_orphan *orphan, int root_fd);

#endif
