/* The outbox: where a row is the moment a log call returns, and where it stays until the server has it.
 *
 * On disk:  ROOT/w-<pid>-<random>/lock        flock()ed by the process that writes here, for as long as it lives
 *           ROOT/w-<pid>-<random>/000001.seg  its segments, see segment.h
 *           ROOT/quarantine/                  rows the server refused, see aside.h
 * A writer directory whose lock is free is an orphan: any process may lock it, deliver it and remove it (orphan.h).
 * One lock for a writer, not one for a segment: a backlog of 256 segments then costs the experiment one descriptor, not
 * 256, and a dead writer's segments are adopted together, in order, by one process.
 *
 * In memory: a list of segments, oldest first. The last is current (appended to); one more may be prepared as next.
 *     prepared (next) -> current -> sealed -> delivered -> disposed (recycled as a later next, or removed)
 * The caller appends to current and, when it is full, seals it and goes on in next. The keeper thread prepares next,
 * puts away the maps of sealed segments, and disposes of delivered ones. The sender reads the oldest and marks it
 * delivered. Only the keeper (or gch_outbox_close, when the keeper has ended) frees a segment, so the sender's pointer
 * to the oldest stays good.
 *
 * What a crash leaves: before the directory's rename, a ".new-" directory that the next scan removes; between create
 * and first append, an empty segment; in an append, a torn tail; after delivery, rows that are sent again and replace
 * themselves.
 *
 * When no file can be made (disk full, read-only home) rows go to memory segments, up to GCH_OUTBOX_MEMORY_MAX; a
 * notice says that durability is off. The keeper, not the caller, then tries the disk again and again, and rows go on
 * in the first file that can be made; a caller does only while there is no segment at all. At the cap, or with memory
 * full too, the row is refused.
 *
 * The syncer (syncer.h) brings what is appended to the disk itself; gch_outbox_close syncs what it saves from memory
 * when `syncs` is set.
 *
 * Locks: `lock` guards every field marked (lock). It is held for a memcpy and a checksum, never across a system call
 * that touches a file. After fork() the child never touches this struct again; descriptor.h closes what it inherited.
 */
#ifndef GCH_OUTBOX_H
#define GCH_OUTBOX_H

#include <pthread.h>
#include <stdbool.h>

#include "buf.h"
#include "counters.h"
#include "notice.h"
#include "segment.h"
#include "segment_reader.h"
#include "tables.h"
#include "writer_dir.h"

#define GCH_OUTBOX_MEMORY_MAX (64U << 20)
#define GCH_DISK_RETRY_MS     200
#define GCH_DISK_CALM_MS      60000 /* a disk that comes and goes is complained about again only after such a pause */

struct gch_outbox {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the keeper waits on it */
    struct gch_counters *counters;
    struct gch_notices *notices;
    char *root;
    uint64_t max_bytes;
    size_t segment_size;
    bool syncs;                              /* set by the owner before the first row: files outlive a power failure */
    struct gch_buf schemas[GCH_TABLE_COUNT]; /* the SCHEMA frames, made once */

    _Atomic int root_fd;          /* -1 until the directory could be opened */
    struct gch_writer_dir writer; /* written under (lock), once, by the first row; its dir_fd is -1 until then */

    struct gch_segment *oldest;   /* (lock) */
    struct gch_segment *current;  /* (lock) the last of the list, or NULL */
    struct gch_segment *next;     /* (lock) prepared, not in the list */
    struct gch_segment *finished; /* (lock) delivered, waiting for the keeper */
    char spare[40];               /* (lock) a delivered file that waits to be recycled, or "" */
    uint64_t last_id;             /* (lock) */
    unsigned file_count;          /* (lock) names given out */
    size_t memory_bytes;          /* (lock) in memory segments */
    bool disk_failed;             /* (lock) the last attempt to make a file failed */
    uint64_t disk_retry_at;       /* (lock) monotonic ms; 0: it has not failed, or not lately */
    bool kept;                    /* (lock) the keeper runs */
    bool full;                    /* (lock) the last attempt found the outbox at its cap */
    bool stopping;                /* (lock) */
    bool rotate;                  /* (lock) the keeper makes a next segment and goes on in it; set by the syncer */
    struct gch_segment *pinned;   /* (lock) the syncer is at it: its map and file stay */
    _Atomic uint64_t names_made;  /* files made in the writer's directory */
    _Atomic uint64_t own_bytes;   /* files of this writer */
    _Atomic uint64_t other_bytes; /* files of other writers, as last seen */
};

enum gch_status gch_outbox_init(struct gch_outbox *outbox, const char *root, uint64_t max_bytes, size_t segment_size,
                                struct gch_counters *counters, struct gch_notices *notices) GCH_MUST_CHECK;

/* Opens ROOT, making the directories on the way (0700). Called by the first append and by the sender; safe to repeat.
 */
enum gch_status gch_outbox_open_root(struct gch_outbox *outbox, struct gch_err *err) GCH_MUST_CHECK;

/* When it returns GCH_OK the row is in a page that outlives the process (or in memory, see above). GCH_ERR_FULL,
 * GCH_ERR_TOO_BIG, GCH_ERR_NOMEM: it was not taken. */
enum gch_status gch_outbox_append_row(struct gch_outbox *outbox, enum gch_table_id table, const uint8_t *row,
                                      size_t len) GCH_MUST_CHECK;

enum gch_status gch_outbox_append_update(struct gch_outbox *outbox, const uint8_t *payload, size_t len) GCH_MUST_CHECK;

/* The keeper's thread body: returns after gch_outbox_stop_keeper. */
void gch_outbox_keep(struct gch_outbox *outbox);
void gch_outbox_stop_keeper(struct gch_outbox *outbox);

/* ---- the sender's side ---- */

/* Copies the name of our writer directory, "" before the first row. */
void gch_outbox_copy_name(struct gch_outbox *outbox, char name[GCH_DIR_NAME_MAX]);

/* The oldest undelivered segment, whether it is sealed, and its published end; NULL when there is none. */
struct gch_segment *gch_outbox_peek(struct gch_outbox *outbox, bool *sealed, uint64_t *end);

/* Opens a reader of one of our own segments. GCH_ERR_INVALID: its file was removed or overwritten by somebody else. */
enum gch_status gch_outbox_open_reader(struct gch_outbox *outbox, const struct gch_segment *segment,
                                       struct gch_segment_reader *reader, struct gch_err *err) GCH_MUST_CHECK;

/* The sealed segment is delivered whole; the pointer is dead after this call. */
void gch_outbox_finish(struct gch_outbox *outbox, struct gch_segment *segment);

/* Payload bytes that wait: published and not acked. */
uint64_t gch_outbox_backlog(struct gch_outbox *outbox);

/* Rows and updates that are only in memory now and that gch_outbox_close would have to give up, because the disk
 * refuses still. */
uint64_t gch_outbox_unsaved(struct gch_outbox *outbox);

/* ---- the end ---- */

/* Disposes of what is delivered, removes the writer's directory when nothing is left, and lets go of its lock. The
 * keeper and the sender have ended. */
void gch_outbox_close(struct gch_outbox *outbox);

#endif
