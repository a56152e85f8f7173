#include "sender.h"

#include "thread.h"

static const char *const state_words[] = {
#define X(state, word) word,
    GCH_SENDER_STATE_MAP(X)
#undef X
};

const char *gch_sender_state_word(enum gch_sender_state state)
{
    return state_words[state];
}

/* What callers wait for, as a turn found it. */
struct wishes {
    uint64_t flush; /* the newest ticket */
    bool flush_open;
    uint64_t connect; /* the newest ticket */
    bool connect_open;
};

/* ---- reports ---- */

static void set_state(struct gch_sender *sender, enum gch_sender_state state)
{
    pthread_mutex_lock(&sender->lock);
    sender->report.state = state;
    pthread_cond_broadcast(&sender->news);
    pthread_mutex_unlock(&sender->lock);
}

static enum gch_cause cause_of(enum gch_trouble trouble)
{
    switch (trouble) {
    case GCH_TROUBLE_AUTH:
        return GCH_CAUSE_AUTH;
    case GCH_TROUBLE_SCHEMA:
        return GCH_CAUSE_SCHEMA;
    case GCH_TROUBLE_EMBEDDED:
        return GCH_CAUSE_EMBEDDED;
    default:
        return GCH_CAUSE_UNREACHABLE;
    }
}

/* The words are posted before the state, so that who waits for the state finds them. */
static void note_success(struct gch_sender *sender)
{
    enum gch_trouble trouble = sender->report.trouble; /* Only this thread writes it. */
    if (trouble != GCH_TROUBLE_NONE) {
        struct gch_err err;
        gch_notice_resolve(sender->notices, cause_of(trouble));
        gch_notice_resolve(sender->notices, GCH_CAUSE_UNREACHABLE);
        gch_notice_resolve(sender->notices, GCH_CAUSE_EMBEDDED);
        gch_notice_resolve(sender->notices, GCH_CAUSE_AUTH);
        (void)gch_err_set(&err, GCH_OK, "ClickHouse at %s is back; delivering what waited", sender->place->shown);
        gch_notice_post(sender->notices, GCH_CAUSE_RECOVERED, err.text);
        gch_notice_resolve(sender->notices, GCH_CAUSE_RECOVERED);
    }
    gch_retry_reset(&sender->retry);
    sender->not_before = 0;
    pthread_mutex_lock(&sender->lock);
    sender->report.state = GCH_SENDER_READY;
    sender->report.trouble = GCH_TROUBLE_NONE;
    sender->report.last_error.text[0] = '\0';
    pthread_cond_broadcast(&sender->news);
    pthread_mutex_unlock(&sender->lock);
}

/* It answered and only could not take these rows now: there is no reason to look for it and its tables again. A code is
 * enough, because behind some proxies the headers of a success are missing. */
static bool server_is_well(const struct gch_reply *reply)
{
    bool answered = reply->from_clickhouse || reply->code != 0;
    return answered && (reply->error_class == GCH_CLASS_RETRY || reply->error_class == GCH_CLASS_SPLIT);
}

/* Records a failed attempt and returns how long to wait. A connection that an idle embedded server dropped is no
 * trouble, and a table that does not fit may fit once the tables were looked after: the first failure is tried again at
 * once and not spoken of. */
static uint32_t note_failure(struct gch_sender *sender, const struct wishes *wishes, enum gch_trouble trouble,
                             const char *text)
{
    bool embedded = sender->place->mode == GCH_MODE_EMBEDDED;
    bool quiet =
        sender->retry.attempts == 0 && (trouble == GCH_TROUBLE_SCHEMA || (embedded && trouble != GCH_TROUBLE_EMBEDDED));
    uint32_t wait = gch_retry_next(&sender->retry, sender->delivery.reply.retry_after_ms);
    gch_count(&sender->counters->retries, 1);
    sender->connection.ready = sender->connection.ready && server_is_well(&sender->delivery.reply);
    if (quiet)
        return 0;
    gch_notice_post(sender->notices, cause_of(trouble), text);
    pthread_mutex_lock(&sender->lock);
    sender->report.state = trouble == GCH_TROUBLE_AUTH ? GCH_SENDER_PAUSED : GCH_SENDER_RETRYING;
    sender->report.trouble = trouble;
    (void)gch_err_set(&sender->report.last_error, GCH_ERR_REMOTE, "%s", text);
    sender->attempts_failed += 1;
    sender->connect_failed = wishes->connect;
    pthread_cond_broadcast(&sender->news);
    pthread_mutex_unlock(&sender->lock);
    return trouble == GCH_TROUBLE_AUTH && wait < GCH_AUTH_PAUSE_MS ? GCH_AUTH_PAUSE_MS : wait;
}

static void note_connection(struct gch_sender *sender)
{
    pthread_mutex_lock(&sender->lock);
    sender->report.state = sender->report.trouble == GCH_TROUBLE_NONE ? GCH_SENDER_READY : GCH_SENDER_RETRYING;
    sender->report.endpoint = sender->connection.endpoint;
    sender->report.release = sender->connection.transport.release;
    sender->report.migrations_applied = sender->connection.migrations_applied;
    pthread_mutex_unlock(&sender->lock);
}

/* ---- the thread ---- */

static struct wishes take_wishes(struct gch_sender *sender)
{
    pthread_mutex_lock(&sender->lock);
    struct wishes wishes = {sender->flush_wanted, sender->flush_wanted > sender->flush_done, sender->connect_wanted,
                            sender->connect_wanted > sender->connect_done &&
                                sender->connect_wanted > sender->connect_failed};
    atomic_store(&sender->connect_waits, false);
    pthread_mutex_unlock(&sender->lock);
    return wishes;
}

/* All tickets up to this one: done is flush_done or connect_done. */
static void complete(struct gch_sender *sender, uint64_t *done, uint64_t ticket)
{
    pthread_mutex_lock(&sender->lock);
    *done = ticket;
    pthread_cond_broadcast(&sender->news);
    pthread_mutex_unlock(&sender->lock);
}

/* Rows wait for company, at most batch_interval. */
static bool own_rows_due(struct gch_sender *sender, uint64_t now)
{
    uint64_t backlog = gch_outbox_backlog(sender->outbox);
    if (backlog == 0) {
        sender->waiting_since = 0;
        return false;
    }
    if (sender->waiting_since == 0)
        sender->waiting_since = now;
    return backlog >= sender->batch_bytes || now - sender->waiting_since >= sender->batch_interval_ms;
}

static enum gch_status ensure_connected(struct gch_sender *sender, struct gch_err *err, enum gch_trouble *trouble)
{
    struct gch_connection *connection = &sender->connection;
    if (connection->ready)
        return GCH_OK;
    set_state(sender, GCH_SENDER_CONNECTING);
    enum gch_status status = gch_connection_make(connection, &sender->delivery.reply, &sender->stop, err);
    if (status == GCH_OK) {
        sender->delivery.schema_checked = true;
        note_connection(sender);
    } else if (status == GCH_ERR_REMOTE) {
        (void)gch_err_set(err, status, "%s", sender->delivery.reply.err.text);
    }
    *trouble = status == GCH_ERR_REMOTE ? sender->delivery.reply.trouble : GCH_TROUBLE_EMBEDDED;
    return status;
}

/* Connects when there is a reason to, and delivers. That a server can be reached proves nothing yet: only rows that it
 * took, or a pass without any, end a back-off. */
static enum gch_status pass(struct gch_sender *sender, const struct wishes *wishes, bool own, bool orphans,
                            struct gch_err *err, enum gch_trouble *trouble)
{
    /* Who asks for a connection wants to know that the server answers now, not that it did. */
    sender->connection.ready = sender->connection.ready && !wishes->connect_open;
    enum gch_status status = ensure_connected(sender, err, trouble);
    if (status != GCH_OK)
        return status;
    complete(sender, &sender->connect_done, wishes->connect);
    status = gch_drainer_run(&sender->drainer, own, orphans);
    if (sender->drainer.windows_settled != sender->windows_noted || status == GCH_OK)
        note_success(sender);
    sender->windows_noted = sender->drainer.windows_settled;
    if (status != GCH_OK && status != GCH_ERR_AGAIN) {
        (void)gch_err_set(err, status, "%s", sender->delivery.reply.err.text);
        *trouble = sender->delivery.reply.trouble;
    } else if (status == GCH_OK && own) {
        sender->waiting_since = 0;
    }
    return status;
}

static bool may_try(struct gch_sender *sender, const struct wishes *wishes, uint64_t now)
{
    bool hurry = wishes->connect_open || (wishes->flush_open && wishes->flush > sender->flush_hurried);
    if (now < sender->not_before && !hurry)
        return false;
    sender->flush_hurried = wishes->flush;
    return true;
}

/* One turn of the loop: what is to be done now, done. */
static void turn(struct gch_sender *sender)
{
    uint64_t now = gch_monotonic_ms();
    struct wishes wishes = take_wishes(sender);
    if (!may_try(sender, &wishes, now))
        return;
    bool own = own_rows_due(sender, now) || (wishes.flush_open && gch_outbox_backlog(sender->outbox) > 0);
    bool scan = wishes.flush_open || now >= sender->next_scan;
    bool orphans = scan ? gch_drainer_has_orphan(&sender->drainer)
                        : sender->drainer.orphan_open || gch_drainer_has_put_off(&sender->drainer);
    if (scan)
        sender->next_scan = now + GCH_SCAN_INTERVAL_MS;
    if (own || orphans || wishes.connect_open) {
        struct gch_err err = {{0}};
        enum gch_trouble trouble = GCH_TROUBLE_NONE;
        enum gch_status status = pass(sender, &wishes, own, orphans, &err, &trouble);
        if (status == GCH_ERR_STOPPED || status == GCH_ERR_AGAIN)
            return;
        if (status != GCH_OK) {
            sender->not_before = gch_monotonic_ms() + note_failure(sender, &wishes, trouble, err.text);
            return;
        }
    }
    if (wishes.flush_open && !gch_drainer_has_put_off(&sender->drainer))
        complete(sender, &sender->flush_done, wishes.flush);
}

static void *body(void *argument)
{
    struct gch_sender *sender = argument;
    while (!atomic_load(&sender->stop)) {
        turn(sender);
        pthread_mutex_lock(&sender->lock);
        bool wanted = sender->flush_wanted > sender->flush_done || gch_drainer_has_put_off(&sender->drainer);
        bool more = (wanted && gch_monotonic_ms() >= sender->not_before) || atomic_load(&sender->connect_waits);
        if (!atomic_load(&sender->stop) && !more)
            (void)gch_cond_wait_ms(&sender->wake, &sender->lock, GCH_TICK_MS);
        pthread_mutex_unlock(&sender->lock);
    }
    pthread_mutex_lock(&sender->lock);
    sender->ended = true;
    sender->report.state = GCH_SENDER_STOPPED;
    pthread_cond_broadcast(&sender->news);
    struct gch_last last = sender->last;
    pthread_mutex_unlock(&sender->lock);
    if (last.call != NULL)
        last.call(last.argument);
    return NULL;
}

/* ---- set-up ---- */

enum gch_status gch_sender_init(struct gch_sender *sender, const struct gch_sender_options *options,
                                const struct gch_place *place, const struct gch_migrations *migrations,
                                struct gch_outbox *outbox, struct gch_counters *counters, struct gch_notices *notices)
{
    const struct gch_settings *settings = options->settings;
    memset(sender, 0, sizeof(*sender));
    pthread_mutex_init(&sender->lock, NULL);
    gch_cond_init(&sender->wake);
    gch_cond_init(&sender->news);
    sender->outbox = outbox;
    sender->place = place;
    sender->counters = counters;
    sender->notices = notices;
    sender->batch_bytes = (size_t)settings->number[GCH_OPTION_batch_bytes];
    sender->batch_interval_ms = gch_settings_ms(settings, GCH_OPTION_batch_interval);
    uint64_t seed;
    gch_random(&seed, sizeof(seed));
    gch_retry_init(&sender->retry, seed);
    gch_delivery_init(&sender->delivery, &sender->connection.transport, counters, notices);
    sender->delivery.slice_ms = sender->batch_interval_ms / 2;
    if (sender->delivery.slice_ms < GCH_SLICE_MIN_MS)
        sender->delivery.slice_ms = GCH_SLICE_MIN_MS;
    sender->delivery.sync = settings->sync != GCH_SYNC_NEVER;
    gch_drainer_init(&sender->drainer, outbox, &sender->delivery, counters, notices, &sender->stop,
                     sender->batch_bytes);
    sender->drainer.pause = &sender->connect_waits;
    sender->drainer.own_interval_ms = sender->batch_interval_ms;
    struct gch_connection_options connection = {place,    migrations,      notices,
                                                settings, options->python, options->package_path};
    return gch_connection_init(&sender->connection, &connection, counters);
}

enum gch_status gch_sender_start(struct gch_sender *sender)
{
    enum gch_status status = gch_thread_start(&sender->thread, "genesis-sender", body, sender);
    sender->started = status == GCH_OK;
    return status;
}

static bool wait_ended_locked(struct gch_sender *sender, uint32_t wait_ms)
{
    uint64_t until = gch_monotonic_ms() + wait_ms;
    while (!sender->ended) {
        uint64_t now = gch_monotonic_ms();
        if (now >= until)
            return false;
        (void)gch_cond_wait_ms(&sender->news, &sender->lock, (uint32_t)(until - now));
    }
    return true;
}

bool gch_sender_stop(struct gch_sender *sender, uint32_t wait_ms)
{
    if (!sender->started)
        return true;
    atomic_store(&sender->stop, true);
    gch_transport_abort(&sender->connection.transport);
    pthread_mutex_lock(&sender->lock);
    pthread_cond_signal(&sender->wake);
    bool ended = wait_ended_locked(sender, wait_ms);
    pthread_mutex_unlock(&sender->lock);
    if (ended)
        pthread_join(sender->thread, NULL);
    else
        pthread_detach(sender->thread);
    sender->started = false;
    return ended;
}

bool gch_sender_leave(struct gch_sender *sender, struct gch_last last)
{
    pthread_mutex_lock(&sender->lock);
    bool running = !sender->ended;
    sender->last = last;
    pthread_mutex_unlock(&sender->lock);
    return running;
}

void gch_sender_deinit(struct gch_sender *sender)
{
    gch_drainer_deinit(&sender->drainer);
    gch_delivery_deinit(&sender->delivery);
    gch_connection_deinit(&sender->connection);
    pthread_cond_destroy(&sender->wake);
    pthread_cond_destroy(&sender->news);
    pthread_mutex_destroy(&sender->lock);
}
