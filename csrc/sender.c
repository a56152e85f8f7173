#include "sender.h"

#include <stdio.h>

#include "thread.h"

#define CODE_ACCESS_DENIED 497

static const char *const state_words[] = {
#define X(state, word) word,
    GCH_SENDER_STATE_MAP(X)
#undef X
};

const char *gch_sender_state_word(enum gch_sender_state state)
{
    return state_words[state];
}

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

static void note_success(struct gch_sender *sender)
{
    pthread_mutex_lock(&sender->lock);
    enum gch_trouble trouble = sender->report.trouble;
    sender->report.state = GCH_SENDER_READY;
    sender->report.trouble = GCH_TROUBLE_NONE;
    sender->report.last_error.text[0] = '\0';
    pthread_cond_broadcast(&sender->news);
    pthread_mutex_unlock(&sender->lock);
    gch_retry_reset(&sender->retry);
    if (trouble == GCH_TROUBLE_NONE)
        return;
    struct gch_err err;
    gch_notice_resolve(sender->notices, cause_of(trouble));
    (void)gch_err_set(&err, GCH_OK, "ClickHouse at %s is back; delivering what waited", sender->transport.url.shown);
    gch_notice_post(sender->notices, GCH_CAUSE_RECOVERED, err.text);
    gch_notice_resolve(sender->notices, GCH_CAUSE_RECOVERED);
}

/* Records a failed attempt and returns how long to wait. A connection that an idle embedded server dropped is no trouble, and a table
 * that does not fit may fit once the tables were looked after: the first failure is tried again at once and not spoken of. */
static uint32_t note_failure(struct gch_sender *sender, enum gch_trouble trouble, const char *text)
{
    bool embedded = sender->place->mode == GCH_MODE_EMBEDDED;
    bool quiet = sender->retry.attempts == 0 && (trouble == GCH_TROUBLE_SCHEMA || (embedded && trouble != GCH_TROUBLE_EMBEDDED));
    uint32_t wait = gch_retry_next(&sender->retry, sender->delivery.reply.retry_after_ms);
    gch_count(&sender->counters->retries, 1);
    sender->connected = false;
    if (quiet)
        return 0;
    pthread_mutex_lock(&sender->lock);
    sender->report.state = trouble == GCH_TROUBLE_AUTH ? GCH_SENDER_PAUSED : GCH_SENDER_RETRYING;
    sender->report.trouble = trouble;
    (void)gch_err_set(&sender->report.last_error, GCH_ERR_REMOTE, "%s", text);
    sender->attempts_failed += 1;
    pthread_cond_broadcast(&sender->news);
    pthread_mutex_unlock(&sender->lock);
    gch_notice_post(sender->notices, cause_of(trouble), text);
    return trouble == GCH_TROUBLE_AUTH && wait < GCH_AUTH_PAUSE_MS ? GCH_AUTH_PAUSE_MS : wait;
}

/* ---- connecting ---- */

static enum gch_status find_embedded(struct gch_sender *sender, struct gch_url *url, struct gch_err *err)
{
    enum gch_status status = gch_embedded_ensure(&sender->embedded, url, &sender->stop, err);
    if (status != GCH_OK)
        return status;
    pthread_mutex_lock(&sender->lock);
    (void)snprintf(sender->report.endpoint.url, sizeof(sender->report.endpoint.url), "%s", url->base);
    (void)snprintf(sender->report.endpoint.token, sizeof(sender->report.endpoint.token), "%s", url->password);
    pthread_mutex_unlock(&sender->lock);
    return GCH_OK;
}

/* GCH_ERR_IO: no server could be found; err says why. GCH_ERR_REMOTE: it answers, but not as needed; the reply says why. */
static enum gch_status connect_server(struct gch_sender *sender, struct gch_err *err)
{
    struct gch_url url;
    memset(&url, 0, sizeof(url));
    bool embedded = sender->place->mode == GCH_MODE_EMBEDDED;
    enum gch_status status = embedded ? find_embedded(sender, &url, err) : gch_url_parse(&url, sender->url_text, err);
    if (status == GCH_OK)
        status = gch_transport_connect(&sender->transport, &url, embedded);
    gch_url_deinit(&url);
    if (status != GCH_OK)
        return status;
    size_t applied;
    status = gch_migrations_apply(sender->migrations, &sender->transport, &sender->delivery.reply, &applied);
    if (status != GCH_OK && (status != GCH_ERR_REMOTE || sender->delivery.reply.code != CODE_ACCESS_DENIED))
        return status;
    pthread_mutex_lock(&sender->lock);
    sender->report.migrations_applied += applied;
    pthread_mutex_unlock(&sender->lock);
    sender->connected = true;
    sender->delivery.schema_checked = true;
    return GCH_OK;
}

/* ---- the thread ---- */

struct wishes {
    uint64_t flush; /* the newest ticket */
    bool flush_open;
    bool connect;
    uint64_t connects; /* asked for so far */
};

static struct wishes take_wishes(struct gch_sender *sender)
{
    pthread_mutex_lock(&sender->lock);
    bool flush_open = sender->flush_wanted > sender->flush_done;
    struct wishes wishes = {sender->flush_wanted, flush_open, sender->connect_wanted, sender->connects_asked};
    pthread_mutex_unlock(&sender->lock);
    return wishes;
}

static void complete_flush(struct gch_sender *sender, uint64_t ticket)
{
    pthread_mutex_lock(&sender->lock);
    sender->flush_done = ticket;
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
    if (sender->connected)
        return GCH_OK;
    set_state(sender, GCH_SENDER_CONNECTING);
    enum gch_status status = connect_server(sender, err);
    if (status == GCH_OK)
        note_success(sender);
    else if (status == GCH_ERR_REMOTE)
        (void)gch_err_set(err, status, "%s", sender->delivery.reply.err.text);
    *trouble = status == GCH_ERR_REMOTE ? sender->delivery.reply.trouble : GCH_TROUBLE_EMBEDDED;
    return status;
}

/* Connects when there is a reason to, and delivers. */
static enum gch_status pass(struct gch_sender *sender, bool own, bool orphans, struct gch_err *err, enum gch_trouble *trouble)
{
    enum gch_status status = ensure_connected(sender, err, trouble);
    if (status != GCH_OK)
        return status;
    if (sender->drainer.orphan_source_open || !own)
        status = gch_drainer_run_orphans(&sender->drainer);
    if (status == GCH_OK && own)
        status = gch_drainer_run_own(&sender->drainer);
    if (status == GCH_OK && orphans)
        status = gch_drainer_run_orphans(&sender->drainer);
    if (sender->drainer.windows_settled != sender->windows_noted)
        note_success(sender);
    sender->windows_noted = sender->drainer.windows_settled;
    if (status != GCH_OK) {
        (void)gch_err_set(err, status, "%s", sender->delivery.reply.err.text);
        *trouble = sender->delivery.reply.trouble;
    } else if (own) {
        sender->waiting_since = 0;
    }
    return status;
}

static bool may_try(struct gch_sender *sender, const struct wishes *wishes, uint64_t now)
{
    bool connect = wishes->connect && wishes->connects > sender->connect_hurried;
    bool hurry = connect || (wishes->flush_open && wishes->flush > sender->flush_hurried);
    if (now < sender->not_before && !hurry)
        return false;
    sender->flush_hurried = wishes->flush;
    sender->connect_hurried = wishes->connects;
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
    bool orphans = scan ? gch_drainer_has_orphan(&sender->drainer) : sender->drainer.orphan_open;
    if (scan)
        sender->next_scan = now + GCH_SCAN_INTERVAL_MS;
    if (own || orphans || wishes.connect) {
        struct gch_err err = {{0}};
        enum gch_trouble trouble = GCH_TROUBLE_NONE;
        enum gch_status status = pass(sender, own, orphans, &err, &trouble);
        if (status == GCH_ERR_STOPPED)
            return;
        if (status != GCH_OK) {
            sender->not_before = gch_monotonic_ms() + note_failure(sender, trouble, err.text);
            return;
        }
        pthread_mutex_lock(&sender->lock);
        sender->connect_wanted = sender->connect_wanted && !wishes.connect;
        pthread_mutex_unlock(&sender->lock);
    }
    if (wishes.flush_open)
        complete_flush(sender, wishes.flush);
}

static void *body(void *argument)
{
    struct gch_sender *sender = argument;
    while (!atomic_load(&sender->stop)) {
        turn(sender);
        pthread_mutex_lock(&sender->lock);
        bool more = sender->flush_wanted > sender->flush_done && gch_monotonic_ms() >= sender->not_before;
        if (!atomic_load(&sender->stop) && !more)
            (void)gch_cond_wait_ms(&sender->wake, &sender->lock, GCH_TICK_MS);
        pthread_mutex_unlock(&sender->lock);
    }
    pthread_mutex_lock(&sender->lock);
    sender->ended = true;
    sender->report.state = GCH_SENDER_STOPPED;
    pthread_cond_broadcast(&sender->news);
    pthread_mutex_unlock(&sender->lock);
    return NULL;
}

/* ---- set-up ---- */

enum gch_status gch_sender_init(struct gch_sender *sender, const struct gch_sender_options *options, const struct gch_place *place,
                                const struct gch_migrations *migrations, struct gch_outbox *outbox,
                                struct gch_counters *counters, struct gch_notices *notices)
{
    const struct gch_settings *settings = options->settings;
    memset(sender, 0, sizeof(*sender));
    pthread_mutex_init(&sender->lock, NULL);
    gch_cond_init(&sender->wake);
    gch_cond_init(&sender->news);
    sender->outbox = outbox;
    sender->place = place;
    sender->migrations = migrations;
    sender->counters = counters;
    sender->notices = notices;
    sender->url_text = settings->text[GCH_OPTION_url];
    sender->batch_bytes = (size_t)settings->number[GCH_OPTION_batch_bytes];
    sender->batch_interval_ms = gch_settings_ms(settings, GCH_OPTION_batch_interval);
    uint64_t seed;
    gch_random(&seed, sizeof(seed));
    gch_retry_init(&sender->retry, seed);
    gch_delivery_init(&sender->delivery, &sender->transport, counters, notices);
    gch_drainer_init(&sender->drainer, outbox, &sender->delivery, counters, notices, &sender->stop, sender->batch_bytes);
    enum gch_status status =
        gch_transport_init(&sender->transport, counters, gch_settings_ms(settings, GCH_OPTION_connect_timeout),
                           gch_settings_ms(settings, GCH_OPTION_request_timeout));
    if (status == GCH_OK && place->mode == GCH_MODE_EMBEDDED)
        status = gch_embedded_init(&sender->embedded, place->home, options->python, options->package_path,
                                   (unsigned)settings->number[GCH_OPTION_server_idle], counters);
    return status;
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
    gch_transport_abort(&sender->transport);
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

void gch_sender_deinit(struct gch_sender *sender)
{
    gch_drainer_deinit(&sender->drainer);
    gch_delivery_deinit(&sender->delivery);
    gch_transport_deinit(&sender->transport);
    gch_embedded_deinit(&sender->embedded);
    pthread_cond_destroy(&sender->wake);
    pthread_cond_destroy(&sender->news);
    pthread_mutex_destroy(&sender->lock);
}

/* ---- for callers' threads ---- */

struct gch_ticket gch_sender_ask_flush(struct gch_sender *sender)
{
    pthread_mutex_lock(&sender->lock);
    struct gch_ticket ticket = {++sender->flush_wanted, sender->attempts_failed};
    pthread_cond_signal(&sender->wake);
    pthread_mutex_unlock(&sender->lock);
    return ticket;
}

static bool hopeless_locked(const struct gch_sender *sender, struct gch_ticket ticket)
{
    return sender->ended || (sender->report.state == GCH_SENDER_PAUSED && sender->attempts_failed != ticket.failures);
}

enum gch_status gch_sender_wait_flush(struct gch_sender *sender, struct gch_ticket ticket, uint32_t wait_ms)
{
    pthread_mutex_lock(&sender->lock);
    if (sender->flush_done < ticket.id && !hopeless_locked(sender, ticket))
        (void)gch_cond_wait_ms(&sender->news, &sender->lock, wait_ms);
    enum gch_status status = sender->flush_done >= ticket.id          ? GCH_OK
                             : hopeless_locked(sender, ticket) ? GCH_ERR_REMOTE
                                                               : GCH_ERR_AGAIN;
    pthread_mutex_unlock(&sender->lock);
    return status;
}

struct gch_ticket gch_sender_ask_connect(struct gch_sender *sender)
{
    pthread_mutex_lock(&sender->lock);
    struct gch_ticket ticket = {0, sender->attempts_failed};
    sender->connect_wanted = true;
    sender->connects_asked += 1;
    pthread_cond_signal(&sender->wake);
    pthread_mutex_unlock(&sender->lock);
    return ticket;
}

enum gch_status gch_sender_wait_connect(struct gch_sender *sender, struct gch_ticket ticket, uint32_t wait_ms)
{
    pthread_mutex_lock(&sender->lock);
    if (sender->connect_wanted && sender->attempts_failed == ticket.failures && !sender->ended)
        (void)gch_cond_wait_ms(&sender->news, &sender->lock, wait_ms);
    enum gch_status status = GCH_ERR_AGAIN;
    if (!sender->connect_wanted)
        status = GCH_OK;
    else if (sender->attempts_failed != ticket.failures || sender->ended)
        status = GCH_ERR_REMOTE;
    sender->connect_wanted = sender->connect_wanted && status != GCH_ERR_REMOTE;
    pthread_mutex_unlock(&sender->lock);
    return status;
}

void gch_sender_get_report(struct gch_sender *sender, struct gch_sender_report *report)
{
    pthread_mutex_lock(&sender->lock);
    *report = sender->report;
    pthread_mutex_unlock(&sender->lock);
}
