/* One recorder: settings, place, outbox, keeper, sender, counters and notices under one owner.
 *
 * open -> log calls append to the outbox -> close. Opening reads the environment and makes nothing on disk; the threads
 * start at once, the directory and the first segment with the first row, the embedded server when there is something to
 * send. close flushes for a bounded time, ends the threads and frees everything; what is left stays in the outbox for
 * the next process. A forked child must not use or close its parent's logger: gch_logger_inherited tells, and the child
 * opens its own.
 */
#ifndef GCH_LOGGER_H
#define GCH_LOGGER_H

#include "counters.h"
#include "migrate.h"
#include "notice.h"
#include "outbox.h"
#include "place.h"
#include "sender.h"
#include "settings.h"
#include "syncer.h"

#define GCH_STOP_WAIT_MS 2000
#define GCH_EVENT_SLOTS  4096

struct gch_logger {
    struct gch_settings settings;
    struct gch_place place;
    struct gch_counters counters;
    struct gch_notices notices;
    struct gch_migrations migrations;
    struct gch_outbox outbox;
    struct gch_sender sender;
    struct gch_syncer syncer;
    pthread_t keeper;
    bool keeper_started;
    bool outbox_open;
    bool sender_open;
    uint64_t last_version;
    uint64_t last_event[GCH_EVENT_SLOTS]; /* by the ids' checksums */
    uint64_t random[2];                   /* state of the id generator, of this process alone */
    char hostname[256];
    long pid;
    uint64_t fork_count;
    bool process_ends; /* set before the last close: what a thread that does not end holds is left to the kernel */
};

struct gch_logger_options {
    const char *python;
    const char *package_path;
    bool embedded_installed;
    bool without_threads; /* the interpreter is ending: rows only go to the outbox, for the next process */
};

/* Takes settings and migrations (also on failure). A logger whose place is disabled has neither outbox nor threads. */
enum gch_status gch_logger_open(struct gch_logger **logger, struct gch_settings *settings,
                                struct gch_migrations *migrations, const struct gch_logger_options *options,
                                struct gch_err *err) GCH_MUST_CHECK;

static inline bool gch_logger_enabled(const struct gch_logger *logger)
{
    return logger->place.mode != GCH_MODE_DISABLED;
}

/* True in a forked child for a logger that its parent opened. */
bool gch_logger_inherited(const struct gch_logger *logger);

/* Microseconds since the epoch, never the same number twice. One thread at a time. */
uint64_t gch_logger_version(struct gch_logger *logger);

/* The version of a call for the row with this id: now_ms, or later than that of every earlier call for it. One thread
 * at a time. */
uint64_t gch_logger_event(struct gch_logger *logger, const void *id, size_t len, uint64_t now_ms);

/* A number for ids: different in every process and at every call, not secret. One thread at a time. */
uint64_t gch_logger_random(struct gch_logger *logger);

/* Ends the threads and frees it. Flush first; this does not wait for the server. A sender that is held up for longer
 * than GCH_STOP_WAIT_MS, by a disk that hangs, frees it all when it ends. */
void gch_logger_close(struct gch_logger *logger);

/* Rows that are logged and neither stored nor refused, dropped or parked. */
uint64_t gch_logger_pending(const struct gch_logger *logger);

#endif
