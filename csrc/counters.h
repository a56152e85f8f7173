/* The counters: written once here, read by stats(), flush() and the tests.
 *
 * Each is one atomic number of the process; forked children start at zero. Conservation:
 * logged + adopted = delivered + pending + rejected + parked + dropped, where parked rows come back as adopted.
 */
#ifndef GCH_COUNTERS_H
#define GCH_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

/* X(name, what it counts) */
#define GCH_COUNTER_MAP(X)                                                                                             \
    X(rows_logged, "rows that log calls handed over")                                                                  \
    X(rows_adopted, "rows of dead processes taken over, and rows put aside that came back")                            \
    X(rows_delivered, "rows that the server acknowledged")                                                             \
    X(rows_rejected, "rows that the server refused; they are in the quarantine")                                       \
    X(rows_dropped, "rows not kept: outbox at its cap, no memory, above 128 MiB, or damaged while they waited")        \
    X(rows_parked, "rows put aside: their table, or the run of an update, is not as needed; tried again")              \
    X(rows_synced, "rows of which it is known that they were on the disk itself")                                      \
    X(syncs, "times the outbox synced a file")                                                                         \
    X(syncs_failed, "times the disk refused that; the file is not counted on again")                                   \
    X(bytes_logged, "bytes of encoded rows")                                                                           \
    X(bytes_sent, "bytes of compressed request bodies")                                                                \
    X(batches_sent, "insert requests that succeeded")                                                                  \
    X(requests, "HTTP requests made")                                                                                  \
    X(retries, "requests that failed and were or will be repeated")                                                    \
    X(segments_created, "outbox files made")                                                                           \
    X(segments_recycled, "outbox files used again")                                                                    \
    X(segments_inline, "outbox files that a log call had to make itself because none was prepared")                    \
    X(orphans_adopted, "outboxes of dead processes taken over")                                                        \
    X(frames_damaged, "damaged places in outbox files that were stepped over")                                         \
    X(bytes_damaged, "bytes in those places")                                                                          \
    X(values_clamped, "integers out of the column's range, stored as the nearest that fits")                           \
    X(values_replaced, "values stored as U+FFFD, NaN, 0 or their repr, because they do not fit as given")              \
    X(values_redacted, "texts of a run's config replaced as secrets, in whole or in part")                             \
    X(values_cut, "values cut at a cap")                                                                               \
    X(arguments_ignored, "calls with an argument that was unknown, given twice or missing")                            \
    X(servers_started, "embedded servers started")

struct gch_counters {
#define X(name, what) _Atomic uint64_t name;
    GCH_COUNTER_MAP(X)
#undef X
};

static inline void gch_count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* For a counter that only one thread at a time writes: without the price of an atomic addition. */
static inline void gch_count_alone(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline uint64_t gch_counted(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
