#include "syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "descriptor.h"
#include "disk.h"
#include "thread.h"

/* One step: a segment and what of it is to be synced, as it was when it was pinned. */
struct step {
    struct gch_segment *segment;
    uint64_t from;
    uint64_t to;
    uint64_t rows; /* in [0, to) */
    bool mapped;
};

void gch_syncer_init(struct gch_syncer *syncer, enum gch_sync mode, uint32_t interval_ms, struct gch_outbox *outbox)
{
    memset(syncer, 0, sizeof(*syncer));
    pthread_mutex_init(&syncer->lock, NULL);
    gch_cond_init(&syncer->wake);
    gch_cond_init(&syncer->news);
    syncer->mode = mode;
    syncer->interval_ms = interval_ms;
    syncer->outbox = outbox;
}

void gch_syncer_deinit(struct gch_syncer *syncer)
{
    pthread_cond_destroy(&syncer->wake);
    pthread_cond_destroy(&syncer->news);
    pthread_mutex_destroy(&syncer->lock);
}

/* What the server has is not the outbox's any more. */
static bool is_unsynced(const struct gch_segment *segment)
{
    uint64_t end = gch_segment_end(segment);
    return !segment->memory && !segment->sync_failed && segment->synced < end && segment->acked < end;
}

/* Pins the oldest segment with something new, past the one that this pass has just been at and up to the last. */
static bool pin_next(struct gch_outbox *outbox, uint64_t after_id, uint64_t last_id, struct step *step)
{
    pthread_mutex_lock(&outbox->lock);
    struct gch_segment *segment = outbox->oldest;
    while (segment != NULL && (segment->id <= after_id || !is_unsynced(segment)))
        segment = segment->later;
    if (segment != NULL && segment->id > last_id)
        segment = NULL;
    outbox->pinned = segment;
    if (segment != NULL) {
        *step = (struct step){.segment = segment,
                              .from = segment->synced,
                              .to = gch_segment_end(segment),
                              .rows = segment->rows,
                              .mapped = !segment->retired};
    }
    pthread_mutex_unlock(&outbox->lock);
    return segment != NULL;
}

/* A broken segment is left as soon as the keeper has another one, at most every GCH_ROTATE_REST_MS. */
static void give_up_locked(struct gch_syncer *syncer, struct gch_segment *segment)
{
    uint64_t now = gch_monotonic_ms();
    gch_count(&syncer->outbox->counters->syncs_failed, 1);
    segment->sync_failed = true;
    if (segment != syncer->outbox->current || syncer->names_failed || now < syncer->rotate_at)
        return;
    syncer->outbox->rotate = true;
    syncer->rotate_at = now + GCH_ROTATE_REST_MS;
}

static void unpin(struct gch_syncer *syncer, const struct step *step, enum gch_status status)
{
    struct gch_outbox *outbox = syncer->outbox;
    struct gch_segment *segment = step->segment;
    pthread_mutex_lock(&outbox->lock);
    if (status == GCH_OK) {
        gch_count(&outbox->counters->rows_synced, step->rows - segment->rows_synced);
        gch_count(&outbox->counters->syncs, 1);
        segment->synced = step->to;
        segment->rows_synced = step->rows;
    } else if (status != GCH_ERR_AGAIN) {
        give_up_locked(syncer, segment);
    }
    outbox->pinned = NULL;
    pthread_cond_signal(&outbox->wake);
    pthread_mutex_unlock(&outbox->lock);
}

static void say_failed(struct gch_outbox *outbox, int reason)
{
    struct gch_err err;
    (void)gch_err_set(
        &err, GCH_ERR_IO,
        "the disk did not sync the outbox %s: %s. Rows are delivered as usual, but a power failure before "
        "that may lose some; see syncs_failed and rows_synced in stats()",
        outbox->root, strerror(reason));
    gch_notice_post(outbox->notices, GCH_CAUSE_SYNC, err.text);
}

/* The names that lead to the segment: its own, and once those of the directories above. */
static enum gch_status sync_names(struct gch_syncer *syncer)
{
    struct gch_outbox *outbox = syncer->outbox;
    enum gch_status status = syncer->names_failed ? GCH_ERR_IO : GCH_OK;
    if (status == GCH_OK && !syncer->path_synced) {
        status = gch_disk_sync_path(outbox->root_fd);
        syncer->path_synced = status == GCH_OK;
    }
    uint64_t made = gch_counted(&outbox->names_made);
    if (status == GCH_OK && made != syncer->names_synced) {
        status = gch_disk_sync_dir(outbox->writer.dir_fd);
        if (status == GCH_OK)
            syncer->names_synced = made;
    }
    syncer->names_failed = status != GCH_OK && status != GCH_ERR_AGAIN;
    return status;
}

/* A segment that the keeper has put away has neither map nor descriptor. */
static enum gch_status sync_file(const struct gch_outbox *outbox, const char *name)
{
    int fd = gch_descriptor_open(outbox->writer.dir_fd, name, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ? GCH_ERR_INVALID : GCH_ERR_AGAIN;
    enum gch_status status = gch_disk_sync_file(fd);
    int failed = errno;
    gch_descriptor_close(fd);
    errno = failed;
    return status;
}

static enum gch_status sync_step(struct gch_syncer *syncer, const struct step *step)
{
    enum gch_status status = step->mapped ? gch_disk_sync_map(step->segment->map, step->from, step->to)
                                          : sync_file(syncer->outbox, step->segment->name);
    return status == GCH_OK ? sync_names(syncer) : status;
}

static uint64_t current_id(struct gch_outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    uint64_t id = outbox->current == NULL ? 0 : outbox->current->id;
    pthread_mutex_unlock(&outbox->lock);
    return id;
}

/* Goes over each segment once, and not past the one that is current now: it ends however fast rows come, and no row
 * counts as synced before those that were logged before it. A file that somebody removed is the sender's to complain
 * about. */
static void pass(struct gch_syncer *syncer)
{
    struct step step = {0};
    uint64_t after_id = 0;
    uint64_t last_id = current_id(syncer->outbox);
    while (pin_next(syncer->outbox, after_id, last_id, &step)) {
        after_id = step.segment->id;
        errno = EIO;
        enum gch_status status = sync_step(syncer, &step);
        if (status != GCH_OK && status != GCH_ERR_INVALID)
            say_failed(syncer->outbox, errno);
        unpin(syncer, &step, status);
    }
}

/* Waits until a pass is due. False: it is the last one. */
static bool wait_due_locked(struct gch_syncer *syncer, uint64_t last)
{
    while (!syncer->stopping && syncer->asked == syncer->done) {
        uint64_t now = gch_monotonic_ms();
        if (syncer->mode == GCH_SYNC_INTERVAL && now >= last + syncer->interval_ms)
            break;
        uint64_t wait = syncer->mode == GCH_SYNC_INTERVAL ? last + syncer->interval_ms - now : 60000;
        (void)gch_cond_wait_ms(&syncer->wake, &syncer->lock, (uint32_t)wait);
    }
    return !syncer->stopping;
}

static void *body(void *argument)
{
    struct gch_syncer *syncer = argument;
    uint64_t last = gch_monotonic_ms();
    bool more = true;
    pthread_mutex_lock(&syncer->lock);
    while (more) {
        more = wait_due_locked(syncer, last);
        uint64_t asked = syncer->asked;
        last = gch_monotonic_ms();
        pthread_mutex_unlock(&syncer->lock);
        pass(syncer);
        pthread_mutex_lock(&syncer->lock);
        syncer->done = asked;
        syncer->late = false;
        pthread_cond_broadcast(&syncer->news);
    }
    syncer->ended = true;
    pthread_cond_broadcast(&syncer->news);
    pthread_mutex_unlock(&syncer->lock);
    return NULL;
}

enum gch_status gch_syncer_start(struct gch_syncer *syncer)
{
    if (syncer->mode == GCH_SYNC_NEVER)
        return GCH_OK;
    enum gch_status status = gch_thread_start(&syncer->thread, "genesis-syncer", body, syncer);
    syncer->started = status == GCH_OK;
    return status;
}

static void say_late(struct gch_syncer *syncer)
{
    struct gch_err err;
    (void)gch_err_set(&err, GCH_ERR_IO,
                      "the disk has not synced the outbox %s for %d s; until it does, log calls do not wait for it",
                      syncer->outbox->root, GCH_SYNC_WAIT_MS / 1000);
    gch_notice_post(syncer->outbox->notices, GCH_CAUSE_SYNC, err.text);
}

void gch_syncer_wait(struct gch_syncer *syncer)
{
    if (syncer->mode != GCH_SYNC_ALWAYS || !syncer->started)
        return;
    uint64_t until = gch_monotonic_ms() + GCH_SYNC_WAIT_MS;
    bool late = false;
    pthread_mutex_lock(&syncer->lock);
    uint64_t ticket = ++syncer->asked;
    pthread_cond_signal(&syncer->wake);
    while (syncer->done < ticket && !syncer->late && !syncer->ended) {
        uint64_t now = gch_monotonic_ms();
        late = now >= until;
        syncer->late = late;
        if (!late)
            (void)gch_cond_wait_ms(&syncer->news, &syncer->lock, (uint32_t)(until - now));
    }
    pthread_mutex_unlock(&syncer->lock);
    if (late)
        say_late(syncer);
}

bool gch_syncer_stop(struct gch_syncer *syncer, uint32_t wait_ms)
{
    if (!syncer->started)
        return true;
    uint64_t until = gch_monotonic_ms() + wait_ms;
    pthread_mutex_lock(&syncer->lock);
    syncer->stopping = true;
    pthread_cond_signal(&syncer->wake);
    for (uint64_t now = gch_monotonic_ms(); !syncer->ended && now < until; now = gch_monotonic_ms())
        (void)gch_cond_wait_ms(&syncer->news, &syncer->lock, (uint32_t)(until - now));
    bool ended = syncer->ended;
    pthread_mutex_unlock(&syncer->lock);
    if (ended)
        pthread_join(syncer->thread, NULL);
    syncer->started = !ended;
    return ended;
}
