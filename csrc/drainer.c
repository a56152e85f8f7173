#include "drainer.h"

#include <string.h>

#include "aside.h"
#include "thread.h"

void gch_drainer_init(struct gch_drainer *drainer, struct gch_outbox *outbox, struct gch_delivery *delivery,
                      struct gch_counters *counters, struct gch_notices *notices, const _Atomic bool *stop,
                      size_t batch_bytes)
{
    memset(drainer, 0, sizeof(*drainer));
    drainer->outbox = outbox;
    drainer->delivery = delivery;
    drainer->counters = counters;
    drainer->notices = notices;
    drainer->stop = stop;
    drainer->batch_bytes = batch_bytes;
    drainer->own_run_at = gch_monotonic_ms();
    gch_window_init(&drainer->own.window);
    gch_window_init(&drainer->inherited.window);
}

static void close_own(struct gch_drainer *drainer)
{
    if (drainer->own_segment != NULL)
        gch_source_deinit(&drainer->own.source);
    drainer->own_segment = NULL;
}

static void close_orphan_source(struct gch_drainer *drainer)
{
    if (drainer->orphan_source_open)
        gch_source_deinit(&drainer->inherited.source);
    drainer->orphan_source_open = false;
}

static void release_orphan(struct gch_drainer *drainer)
{
    close_orphan_source(drainer);
    if (drainer->orphan_open)
        gch_orphan_release(&drainer->orphan, drainer->outbox->root_fd);
    drainer->orphan_open = false;
}

void gch_drainer_deinit(struct gch_drainer *drainer)
{
    close_own(drainer);
    release_orphan(drainer);
    gch_scan_deinit(&drainer->scan);
    gch_window_deinit(&drainer->own.window);
    gch_window_deinit(&drainer->inherited.window);
}

/* Puts the status and the words where the sender finds those of a failed request. */
static enum gch_status fail(struct gch_drainer *drainer, enum gch_status status, const struct gch_err *err)
{
    drainer->delivery->reply.error_class = GCH_CLASS_RETRY;
    drainer->delivery->reply.trouble = GCH_TROUBLE_OUTBOX;
    return gch_err_set(&drainer->delivery->reply.err, status, "%s", err->text);
}

/* A copy that cannot be made is no reason to stop: the rows that can be read are delivered. */
static void keep_damaged(const struct gch_drainer *drainer, const struct gch_source *source, int dir_fd,
                         const char *name)
{
    enum gch_status ignored =
        source->damaged ? gch_aside_keep_damaged(drainer->outbox->root_fd, dir_fd, name, source->reader.id) : GCH_OK;
    (void)ignored;
}

static void note_damage(struct gch_drainer *drainer, struct gch_source *source)
{
    struct gch_segment_reader *reader = &source->reader;
    if (reader->damaged_frames == 0)
        return;
    struct gch_err err;
    source->damaged = true;
    gch_count(&drainer->counters->frames_damaged, reader->damaged_frames);
    gch_count(&drainer->counters->bytes_damaged, reader->damaged_bytes);
    (void)gch_err_set(&err, GCH_OK, "damaged places in the outbox %s were stepped over; the file is kept in %s/damaged",
                      drainer->outbox->root, drainer->outbox->root);
    gch_notice_post(drainer->notices, GCH_CAUSE_OUTBOX_DAMAGED, err.text);
    reader->damaged_frames = 0;
    reader->damaged_bytes = 0;
}

/* Fills the lane's window, unless it is still in work, and settles it. *more tells whether there was anything. */
static enum gch_status step(struct gch_drainer *drainer, struct gch_lane *lane, uint64_t limit, bool *more)
{
    struct gch_window *window = &lane->window;
    struct gch_err err;
    if (!lane->in_work) {
        enum gch_status status = gch_window_fill(window, &lane->source, limit, drainer->batch_bytes, &err);
        note_damage(drainer, &lane->source);
        if (status != GCH_OK)
            return fail(drainer, status, &err);
        if (lane == &drainer->own)
            drainer->own_rows += window->rows;
        else if (!drainer->orphan_is_put_off)
            gch_count(&drainer->counters->rows_adopted, window->rows);
    }
    *more = window->rows > 0;
    lane->in_work = *more;
    if (*more) {
        drainer->delivery->root_fd = drainer->outbox->root_fd;
        enum gch_status status = gch_delivery_run(drainer->delivery, window);
        if (status != GCH_OK)
            return status;
        lane->in_work = false;
        drainer->windows_settled += 1;
    }
    if (lane->source.reader.fd >= 0)
        gch_segment_ack(lane->source.reader.fd, lane->source.reader.id, window->end);
    return GCH_OK;
}

static bool is_paused(const struct gch_drainer *drainer)
{
    return drainer->pause != NULL && atomic_load(drainer->pause);
}

/* ---- our own ---- */

static enum gch_status open_own(struct gch_drainer *drainer, struct gch_segment *segment, uint64_t end)
{
    if (drainer->own_segment == segment)
        return GCH_OK;
    struct gch_err err;
    struct gch_segment_reader reader;
    close_own(drainer);
    enum gch_status status = gch_outbox_open_reader(drainer->outbox, segment, &reader, &err);
    if (status != GCH_OK)
        return fail(drainer, status, &err);
    status = gch_source_init(&drainer->own.source, &reader, end, &err);
    drainer->own_segment = segment;
    drainer->own_rows = 0;
    if (status != GCH_OK) {
        close_own(drainer);
        return fail(drainer, status, &err);
    }
    return GCH_OK;
}

static void finish_own(struct gch_drainer *drainer, struct gch_segment *segment)
{
    if (segment->rows > drainer->own_rows)
        gch_count(&drainer->counters->rows_dropped, segment->rows - drainer->own_rows);
    segment->damaged = drainer->own.source.damaged;
    keep_damaged(drainer, &drainer->own.source, drainer->outbox->writer.dir_fd, segment->name);
    close_own(drainer);
    gch_outbox_finish(drainer->outbox, segment);
}

/* Somebody removed the file of a segment: its rows are gone, and those behind it must not wait for them. */
static void lose_own(struct gch_drainer *drainer, struct gch_segment *segment)
{
    struct gch_err err;
    gch_count(&drainer->counters->rows_dropped, segment->rows);
    (void)gch_err_set(
        &err, GCH_ERR_INVALID,
        "a file of the outbox %s was removed while its rows waited in it; they are lost and counted as dropped",
        drainer->outbox->root);
    gch_notice_post(drainer->notices, GCH_CAUSE_OUTBOX_DAMAGED, err.text);
    gch_outbox_finish(drainer->outbox, segment);
}

static enum gch_status run_own(struct gch_drainer *drainer)
{
    drainer->own_run_at = gch_monotonic_ms();
    while (!atomic_load(drainer->stop)) {
        bool sealed;
        bool more = true;
        uint64_t end;
        struct gch_segment *segment = gch_outbox_peek(drainer->outbox, &sealed, &end);
        if (segment == NULL)
            return GCH_OK;
        enum gch_status status = open_own(drainer, segment, end);
        if (status == GCH_ERR_INVALID && sealed) {
            lose_own(drainer, segment);
            continue;
        }
        while (status == GCH_OK && more) {
            if (is_paused(drainer))
                return GCH_ERR_AGAIN;
            status = step(drainer, &drainer->own, end, &more);
            if (status == GCH_OK)
                segment->acked = drainer->own.window.end;
        }
        if (status != GCH_OK)
            return status;
        if (!sealed)
            return GCH_OK;
        finish_own(drainer, segment);
    }
    return GCH_ERR_STOPPED;
}

static enum gch_status let_own_pass(struct gch_drainer *drainer)
{
    bool due = drainer->own.in_work || drainer->orphan_is_put_off ||
               gch_monotonic_ms() - drainer->own_run_at >= drainer->own_interval_ms;
    return due && gch_outbox_backlog(drainer->outbox) > 0 ? run_own(drainer) : GCH_OK;
}

/* ---- those of dead processes ---- */

static enum gch_status open_orphan_segment(struct gch_drainer *drainer)
{
    struct gch_segment_reader reader;
    struct gch_err err;
    enum gch_status status = gch_orphan_open(&drainer->orphan, drainer->outbox->root_fd, gch_realtime_us(), &reader);
    if (status != GCH_OK)
        return status;
    status = gch_source_init(&drainer->inherited.source, &reader, reader.size, &err);
    drainer->orphan_source_open = true;
    if (status == GCH_OK)
        return GCH_OK;
    if (status != GCH_ERR_IO)
        close_orphan_source(drainer);
    return fail(drainer, status, &err);
}

static void finish_orphan_segment(struct gch_drainer *drainer)
{
    const struct gch_orphan *orphan = &drainer->orphan;
    keep_damaged(drainer, &drainer->inherited.source, orphan->dir.dir_fd, orphan->segments[orphan->at].name);
    close_orphan_source(drainer);
    gch_orphan_finish_segment(&drainer->orphan);
}

/* A disk that does not give back one segment must not hold up all others. It stays where it is. */
static void skip_orphan_segment(struct gch_drainer *drainer)
{
    gch_notice_post(drainer->notices, GCH_CAUSE_OUTBOX_DAMAGED, drainer->delivery->reply.err.text);
    close_orphan_source(drainer);
    gch_orphan_skip_segment(&drainer->orphan);
}

/* One window of the orphan. GCH_ERR_AGAIN: nothing of it is left that is due. */
static enum gch_status step_orphan(struct gch_drainer *drainer)
{
    struct gch_lane *lane = &drainer->inherited;
    bool more = true;
    enum gch_status status = drainer->orphan_source_open ? GCH_OK : open_orphan_segment(drainer);
    if (status == GCH_OK)
        status = step(drainer, lane, lane->source.reader.size, &more);
    if (status == GCH_ERR_IO && !lane->in_work) {
        skip_orphan_segment(drainer);
        return GCH_OK;
    }
    if (status == GCH_OK && !more)
        finish_orphan_segment(drainer);
    return status;
}

static enum gch_status drain_orphan(struct gch_drainer *drainer)
{
    enum gch_status status = GCH_OK;
    while (status == GCH_OK) {
        if (atomic_load(drainer->stop))
            return GCH_ERR_STOPPED;
        if (is_paused(drainer))
            return GCH_ERR_AGAIN;
        status = let_own_pass(drainer);
        if (status != GCH_OK)
            return status;
        status = step_orphan(drainer);
    }
    if (status != GCH_ERR_AGAIN)
        return status;
    release_orphan(drainer);
    return GCH_OK;
}

static bool scan(struct gch_drainer *drainer)
{
    struct gch_err err;
    if (gch_outbox_open_root(drainer->outbox, &err) != GCH_OK)
        return false;
    char own[GCH_DIR_NAME_MAX];
    gch_outbox_copy_name(drainer->outbox, own);
    if (gch_scan_run(&drainer->scan, drainer->outbox->root_fd, own, &err) != GCH_OK)
        return false;
    atomic_store(&drainer->outbox->other_bytes, drainer->scan.bytes);
    return drainer->scan.count > 0;
}

static bool take_put_off(struct gch_drainer *drainer)
{
    struct gch_delivery *delivery = drainer->delivery;
    while (!drainer->orphan_open && delivery->put_off_count > 0) {
        drainer->orphan_open = gch_orphan_take_dir(&drainer->orphan, &delivery->put_off[0]) == GCH_OK;
        drainer->orphan_is_put_off = drainer->orphan_open;
        delivery->put_off_count -= 1;
        memmove(delivery->put_off, delivery->put_off + 1, delivery->put_off_count * sizeof(delivery->put_off[0]));
    }
    return drainer->orphan_open;
}

static bool take_orphan(struct gch_drainer *drainer)
{
    if (drainer->orphan_open || take_put_off(drainer))
        return true;
    drainer->orphan_is_put_off = false;
    drainer->orphan_open =
        gch_orphan_take(&drainer->orphan, &drainer->scan, drainer->outbox->root_fd, gch_realtime_us()) == GCH_OK;
    /* An empty one was delivered by its last owner, who is just removing it. */
    if (drainer->orphan_open && drainer->orphan.count > 0)
        gch_count(&drainer->counters->orphans_adopted, 1);
    return drainer->orphan_open;
}

bool gch_drainer_has_put_off(const struct gch_drainer *drainer)
{
    return drainer->delivery->put_off_count > 0;
}

bool gch_drainer_has_orphan(struct gch_drainer *drainer)
{
    return drainer->orphan_open || gch_drainer_has_put_off(drainer) || (scan(drainer) && take_orphan(drainer));
}

static enum gch_status run_orphans(struct gch_drainer *drainer)
{
    enum gch_status status = GCH_OK;
    while (status == GCH_OK && take_orphan(drainer))
        status = drain_orphan(drainer);
    return status;
}

enum gch_status gch_drainer_run(struct gch_drainer *drainer, bool own, bool orphans)
{
    enum gch_status status = GCH_OK;
    if (own || drainer->own.in_work)
        status = run_own(drainer);
    if (status == GCH_OK && (orphans || drainer->orphan_source_open))
        status = run_orphans(drainer);
    return status;
}
