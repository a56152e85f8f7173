/* The thread that brings the outbox to the disk, so that rows outlive a power failure; a row is safe from the death of
 * the process without it.
 *
 * never:    there is no thread.
 * interval: what was appended since the last pass is synced every sync_interval while there is something new.
 * always:   a log call waits for a pass that began after its row was appended; one pass serves all that wait.
 *
 * A pass goes over the segments, oldest first, in small steps: of a mapped one the pages [synced, end), of one that is
 * put away the file; then the names that lead to it. Only then do its rows count as rows_synced. It is a thread of its
 * own because a sync may take seconds, and the keeper has the next segment to prepare.
 *
 * A sync that fails is said and counted, and its segment is never asked again: the system may have dropped the pages,
 * and a second attempt would report rows that are not there. Its other rows are delivered but never count as synced;
 * the keeper goes on in a new segment, at most every GCH_ROTATE_REST_MS, so that a broken disk does not use up the
 * outbox. When a directory cannot be synced, nothing counts as synced any more.
 *
 * Locks: `lock` guards the fields marked (lock). A segment in work is pinned in the outbox (under its lock), which
 * keeps its map and its file until the step is done. No lock is held during a sync.
 */
#ifndef GCH_SYNCER_H
#define GCH_SYNCER_H

#include "outbox.h"
#include "settings.h"

#define GCH_SYNC_WAIT_MS   5000 /* a log call waits no longer; until the disk answers, later ones do not wait at all */
#define GCH_ROTATE_REST_MS 30000

struct gch_syncer {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the thread waits on it */
    pthread_cond_t news; /* log calls and stop wait on it */
    pthread_t thread;
    struct gch_outbox *outbox;
    enum gch_sync mode;
    uint32_t interval_ms;
    bool started;
    bool stopping;  /* (lock) */
    bool ended;     /* (lock) */
    bool late;      /* (lock) the disk has not answered for GCH_SYNC_WAIT_MS */
    uint64_t asked; /* (lock) tickets given out */
    uint64_t done;  /* (lock) all up to this one have been served */

    /* the thread's own */
    bool path_synced;
    bool names_failed;
    uint64_t names_synced; /* the value of outbox->names_made that is on disk */
    uint64_t rotate_at;    /* monotonic ms */
};

void gch_syncer_init(struct gch_syncer *syncer, enum gch_sync mode, uint32_t interval_ms, struct gch_outbox *outbox);

/* GCH_OK also for never, which starts nothing. */
enum gch_status gch_syncer_start(struct gch_syncer *syncer) GCH_MUST_CHECK;

/* For log calls, without the GIL, after the append: with always, waits until the row is on disk, cannot be brought
 * there, or GCH_SYNC_WAIT_MS have passed. */
void gch_syncer_wait(struct gch_syncer *syncer);

/* A last pass, then the end of the thread. False: the disk has not answered in wait_ms; the outbox must then never be
 * freed. */
bool gch_syncer_stop(struct gch_syncer *syncer, uint32_t wait_ms);
void gch_syncer_deinit(struct gch_syncer *syncer);

#endif
