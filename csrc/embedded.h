/* The embedded server, seen from the sender: is one alive for this directory, where, and if not, start one.
 *
 * A server holds DIR/server.lock for its whole life and writes DIR/endpoint.json when it can answer. So: lock held and
 * endpoint there -> use it; lock held, no endpoint -> it is starting, wait; lock free -> start `python -m
 * genesis_ch.server --path DIR --detach` and wait. The password is therefore never offered to a stranger that took over
 * a dead server's port. Two starters are harmless: one server gets the lock, the other leaves.
 *
 * The child is started with posix_spawn and ends at once (the server detaches itself), so the experiment never has it
 * as a child. Threads: the sender's only.
 */
#ifndef GCH_EMBEDDED_H
#define GCH_EMBEDDED_H

#include <stdatomic.h>
#include <stdbool.h>

#include "counters.h"
#include "json_read.h"
#include "url.h"

#define GCH_EMBEDDED_START_MS 60000 /* how long a server may take to answer */

struct gch_embedded {
    char *home;
    char *python;       /* the interpreter that runs the server */
    char *package_path; /* put on its PYTHONPATH, so that it finds this genesis_ch */
    unsigned idle_s;
    struct gch_counters *counters;
};

enum gch_status gch_embedded_init(struct gch_embedded *embedded, const char *home, const char *python,
                                  const char *package_path, unsigned idle_s,
                                  struct gch_counters *counters) GCH_MUST_CHECK;
void gch_embedded_deinit(struct gch_embedded *embedded);

/* Finds or starts the server and fills url. GCH_ERR_STOPPED when *stop became true while waiting. */
enum gch_status gch_embedded_ensure(struct gch_embedded *embedded, struct gch_url *url, const _Atomic bool *stop,
                                    struct gch_err *err) GCH_MUST_CHECK;

#endif
