#include "logger.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32c.h"
#include "descriptor.h"
#include "thread.h"

static _Atomic uint64_t fork_count;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void after_fork_in_child(void)
{
    gch_descriptor_after_fork_in_child();
    atomic_fetch_add(&fork_count, 1);
}

static void install_fork_handlers(void)
{
    (void)pthread_atfork(gch_descriptor_before_fork, gch_descriptor_after_fork_in_parent, after_fork_in_child);
}

bool gch_logger_inherited(const struct gch_logger *logger)
{
    return logger->fork_count != atomic_load_explicit(&fork_count, memory_order_relaxed);
}

static void *keeper_body(void *argument)
{
    gch_outbox_keep(argument);
    return NULL;
}

static void start_threads(struct gch_logger *logger)
{
    logger->keeper_started =
        gch_thread_start(&logger->keeper, "genesis-keeper", keeper_body, &logger->outbox) == GCH_OK;
    if (gch_syncer_start(&logger->syncer) != GCH_OK)
        gch_notice_post(&logger->notices, GCH_CAUSE_SYNC,
                        "no thread could be started to sync the outbox: rows outlive the process, but not a power "
                        "failure; raise the limit on threads");
    if (gch_sender_start(&logger->sender) != GCH_OK)
        gch_notice_post(
            &logger->notices, GCH_CAUSE_THREAD,
            "no thread could be started to deliver rows; they stay in the outbox: raise the limit on threads, or run "
            "`genesis-ch sync` later");
}

static enum gch_status open_parts(struct gch_logger *logger, const struct gch_logger_options *options)
{
    const struct gch_settings *settings = &logger->settings;
    enum gch_status status =
        gch_outbox_init(&logger->outbox, logger->place.outbox, (uint64_t)settings->number[GCH_OPTION_outbox_max_bytes],
                        (size_t)settings->number[GCH_OPTION_segment_bytes], &logger->counters, &logger->notices);
    logger->outbox_open = true;
    logger->outbox.syncs = settings->sync != GCH_SYNC_NEVER;
    gch_syncer_init(&logger->syncer, settings->sync, gch_settings_ms(settings, GCH_OPTION_sync_interval),
                    &logger->outbox);
    if (status != GCH_OK)
        return status;
    struct gch_sender_options sender_options = {settings, options->python, options->package_path};
    logger->sender_open = true;
    status = gch_sender_init(&logger->sender, &sender_options, &logger->place, &logger->migrations, &logger->outbox,
                             &logger->counters, &logger->notices);
    return status;
}

enum gch_status gch_logger_open(struct gch_logger **logger, struct gch_settings *settings,
                                struct gch_migrations *migrations, const struct gch_logger_options *options,
                                struct gch_err *err)
{
    pthread_once(&fork_once, install_fork_handlers);
    struct gch_logger *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        gch_settings_deinit(settings);
        gch_migrations_deinit(migrations);
        return GCH_ERR_NOMEM;
    }
    opened->settings = *settings;
    opened->migrations = *migrations;
    opened->fork_count = atomic_load(&fork_count);
    opened->pid = (long)getpid();
    (void)gethostname(opened->hostname, sizeof(opened->hostname) - 1);
    gch_random(opened->random, sizeof(opened->random));
    gch_notices_init(&opened->notices);
    enum gch_status status = gch_place_resolve(&opened->place, &opened->settings, options->embedded_installed);
    if (status == GCH_OK && gch_logger_enabled(opened))
        status = open_parts(opened, options);
    if (status != GCH_OK) {
        gch_logger_close(opened);
        return gch_err_set(err, status, "cannot start recording: out of memory");
    }
    if (gch_logger_enabled(opened) && !options->without_threads)
        start_threads(opened);
    *logger = opened;
    return GCH_OK;
}

uint64_t gch_logger_version(struct gch_logger *logger)
{
    uint64_t now = gch_realtime_us();
    logger->last_version = now > logger->last_version ? now : logger->last_version + 1;
    return logger->last_version;
}

uint64_t gch_logger_event(struct gch_logger *logger, const void *id, size_t len, uint64_t now_ms)
{
    uint64_t *last = &logger->last_event[gch_crc32c(0, id, len) % GCH_EVENT_SLOTS];
    *last = now_ms > *last ? now_ms : *last + 1;
    return *last;
}

/* xorshift128+ */
uint64_t gch_logger_random(struct gch_logger *logger)
{
    uint64_t a = logger->random[0];
    uint64_t b = logger->random[1];
    logger->random[0] = b;
    a ^= a << 23;
    logger->random[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return logger->random[1] + b;
}

static void free_all(void *argument)
{
    struct gch_logger *logger = argument;
    if (logger->sender_open)
        gch_sender_deinit(&logger->sender);
    if (logger->outbox_open) {
        gch_syncer_deinit(&logger->syncer);
        gch_outbox_close(&logger->outbox);
    }
    gch_place_deinit(&logger->place);
    gch_settings_deinit(&logger->settings);
    gch_migrations_deinit(&logger->migrations);
    free(logger);
}

void gch_logger_close(struct gch_logger *logger)
{
    bool ended = logger->sender_open ? gch_sender_stop(&logger->sender, GCH_STOP_WAIT_MS) : true;
    if (logger->keeper_started) {
        gch_outbox_stop_keeper(&logger->outbox);
        pthread_join(logger->keeper, NULL);
    }
    /* A sync that the disk does not end holds it all. */
    if (logger->outbox_open && !gch_syncer_stop(&logger->syncer, GCH_STOP_WAIT_MS))
        return;
    if (!ended && logger->process_ends)
        return;
    struct gch_last last = {free_all, logger};
    if (ended || !gch_sender_leave(&logger->sender, last))
        free_all(logger);
}

uint64_t gch_logger_pending(const struct gch_logger *logger)
{
    const struct gch_counters *counters = &logger->counters;
    uint64_t in = gch_counted(&counters->rows_logged) + gch_counted(&counters->rows_adopted);
    uint64_t out = gch_counted(&counters->rows_delivered) + gch_counted(&counters->rows_rejected) +
                   gch_counted(&counters->rows_dropped) + gch_counted(&counters->rows_parked);
    return in > out ? in - out : 0;
}
