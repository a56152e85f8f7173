/* What the user should hear, from threads that must never touch Python.
 *
 * The sender posts a notice; the next log call, flush or close takes it and hands it to logging. One notice a cause: a
 * cause that comes again is only counted until it was resolved. Caps: one entry a cause, GCH_ERR_TEXT_MAX bytes each.
 * Any thread.
 */
#ifndef GCH_NOTICE_H
#define GCH_NOTICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "status.h"

/* X(cause, level): levels are those of logging */
#define GCH_CAUSE_MAP(X)                                                                                               \
    X(SETTINGS, 30)       /* an option that cannot be used */                                                          \
    X(UNREACHABLE, 30)    /* no reply from the server */                                                               \
    X(AUTH, 40)           /* the server does not let us in */                                                          \
    X(SCHEMA, 40)         /* a table does not fit */                                                                   \
    X(REJECTED, 40)       /* rows in quarantine */                                                                     \
    X(OUTBOX_FULL, 40)    /* rows refused */                                                                           \
    X(OUTBOX_DISK, 30)    /* rows in memory only */                                                                    \
    X(SYNC, 40)           /* rows not known to be on disk */                                                           \
    X(OUTBOX_DAMAGED, 40) /* bytes stepped over */                                                                     \
    X(EMBEDDED, 30)       /* the embedded server does not start */                                                     \
    X(RECOVERED, 20)      /* the server is back */                                                                     \
    X(RELEASE, 30)        /* a server that is older, or no known release */                                            \
    X(UPDATE, 30)         /* an update that met no row */                                                              \
    X(ARGUMENT, 30)       /* a call that could not be stored as given */                                               \
    X(TOO_BIG, 40)        /* a row that is larger than the outbox takes */                                             \
    X(THREAD, 30)         /* a thread could not be started */

enum gch_cause {
#define X(cause, level) GCH_CAUSE_##cause,
    GCH_CAUSE_MAP(X)
#undef X
        GCH_CAUSE_COUNT
};

struct gch_notice {
    enum gch_cause cause;
    int level;
    unsigned long count; /* times it happened since it was last taken */
    char text[GCH_ERR_TEXT_MAX];
};

struct gch_notices {
    pthread_mutex_t lock;
    _Atomic bool waiting; /* read without the lock on every log call */
    struct {
        bool posted;                 /* (lock) waits to be taken */
        bool resolved;               /* (lock) was over before it was taken: it is still told, and the next one too */
        bool said;                   /* (lock) was taken and has not been resolved since */
        unsigned long count;         /* (lock) */
        char text[GCH_ERR_TEXT_MAX]; /* (lock) */
    } entry[GCH_CAUSE_COUNT];
};

void gch_notices_init(struct gch_notices *notices);
void gch_notice_post(struct gch_notices *notices, enum gch_cause cause, const char *text);

/* The cause is over: the next post of it is said again. */
void gch_notice_resolve(struct gch_notices *notices, enum gch_cause cause);

static inline bool gch_notices_waiting(struct gch_notices *notices)
{
    return atomic_load_explicit(&notices->waiting, memory_order_relaxed);
}

/* Takes one waiting notice; false when there is none. */
bool gch_notice_take(struct gch_notices *notices, struct gch_notice *notice);

#endif
