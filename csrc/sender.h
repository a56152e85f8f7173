/* The thread that empties the outbox into ClickHouse.
 *
 * States (what stats() shows):
 *     idle       nothing was to be sent yet; no server was asked for anything
 *     connecting finding or starting the server, bringing the tables up to date
 *     ready      delivering
 *     retrying   the last attempt failed; the next comes after a back-off
 *     paused     the server does not let us in; tried again every GCH_AUTH_PAUSE_MS
 *     stopped
 * One pass: own segments, oldest first, then, when a scan is due, those of dead processes. A pass ends at the first
 * failure; the outbox keeps everything. Nothing is acknowledged before its window is settled (delivery.h).
 *
 * flush: the caller takes a ticket; a pass that began after it and found nothing left to do completes it. A flush or a
 * connect cuts a back-off short once.
 *
 * Locks: `lock` guards the fields marked (lock), never held across I/O. The outbox's own lock may be taken inside it,
 * not the reverse.
 */
#ifndef GCH_SENDER_H
#define GCH_SENDER_H

#include <pthread.h>
#include <stdbool.h>

#include "connection.h"
#include "drainer.h"
#include "outbox.h"
#include "retry.h"

#define GCH_TICK_MS          100  /* how often the outbox is looked at */
#define GCH_SCAN_INTERVAL_MS 2000 /* how often dead processes are looked for */
#define GCH_AUTH_PAUSE_MS    30000
#define GCH_SLICE_MIN_MS     50 /* at least so long, and else half of batch_interval, a batch is halved at a time */

/* X(state, word) */
#define GCH_SENDER_STATE_MAP(X)                                                                                        \
    X(IDLE, "idle")                                                                                                    \
    X(CONNECTING, "connecting")                                                                                        \
    X(READY, "ready")                                                                                                  \
    X(RETRYING, "retrying")                                                                                            \
    X(PAUSED, "paused")                                                                                                \
    X(STOPPED, "stopped")

enum gch_sender_state {
#define X(state, word) GCH_SENDER_##state,
    GCH_SENDER_STATE_MAP(X)
#undef X
};

const char *gch_sender_state_word(enum gch_sender_state state);

/* What others may know. A copy. */
struct gch_sender_report {
    enum gch_sender_state state;
    enum gch_trouble trouble;  /* of the last failure, NONE after a success */
    struct gch_err last_error; /* "" after a success */
    size_t migrations_applied;
    struct gch_endpoint endpoint; /* of the embedded server */
    struct gch_release release;   /* of the server, "" before the first answer */
};

/* Something to call at the end; call is NULL for nothing. */
struct gch_last {
    void (*call)(void *);
    void *argument;
};

struct gch_sender {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the thread waits on it */
    pthread_cond_t news; /* flush and connect wait on it */
    pthread_t thread;
    bool started;
    bool ended;           /* (lock) the thread touches nothing of this any more */
    struct gch_last last; /* (lock) what it does then */
    _Atomic bool stop;
    uint64_t flush_wanted;           /* (lock) tickets given out */
    uint64_t flush_done;             /* (lock) all up to this one are complete */
    uint64_t attempts_failed;        /* (lock) */
    uint64_t connect_wanted;         /* (lock) tickets given out */
    _Atomic bool connect_waits;      /* a connect was asked for and not looked at yet: a long delivery pauses */
    uint64_t connect_done;           /* (lock) the newest that was granted */
    uint64_t connect_failed;         /* (lock) the newest that was not */
    struct gch_sender_report report; /* (lock) */

    /* the thread's own */
    struct gch_outbox *outbox;
    const struct gch_place *place;
    struct gch_counters *counters;
    struct gch_notices *notices;
    struct gch_connection connection;
    struct gch_delivery delivery;
    struct gch_drainer drainer;
    struct gch_retry retry;
    size_t batch_bytes;
    uint32_t batch_interval_ms;
    uint64_t waiting_since; /* when the oldest undelivered row was first seen, 0: none */
    uint64_t next_scan;
    uint64_t not_before;    /* end of the back-off */
    uint64_t flush_hurried; /* the last ticket that cut a back-off short */
    uint64_t windows_noted;
};

struct gch_sender_options {
    const struct gch_settings *settings;
    const char *python;
    const char *package_path;
};

enum gch_status gch_sender_init(struct gch_sender *sender, const struct gch_sender_options *options,
                                const struct gch_place *place, const struct gch_migrations *migrations,
                                struct gch_outbox *outbox, struct gch_counters *counters,
                                struct gch_notices *notices) GCH_MUST_CHECK;
enum gch_status gch_sender_start(struct gch_sender *sender) GCH_MUST_CHECK;

/* Asks the thread to end and waits at most wait_ms. False: it is still running (a disk or a file system that hangs),
 * and what it uses must not be freed before it ends: see gch_sender_leave. */
bool gch_sender_stop(struct gch_sender *sender, uint32_t wait_ms);

/* Has the thread that did not end in time make this call as the last thing it does; the caller lets go of the sender
 * here. False: it has ended meanwhile, and does not call. */
bool gch_sender_leave(struct gch_sender *sender, struct gch_last last);
void gch_sender_deinit(struct gch_sender *sender);

#endif
