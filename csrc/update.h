/* update_evolution_run as a frame: what to set on which run, with the version that the new row will have.
 *
 * Run by the sender, in order, as INSERT ... SELECT of the stored row with the changed columns: idempotent, because the
 * version is fixed when the call is made. No text is pasted: every value is a bound parameter.
 */
#ifndef GCH_UPDATE_H
#define GCH_UPDATE_H

#include "multipart.h"

/* Bytes of each text: a server takes no form field of more than 128 KiB, and escaping may double it. */
#define GCH_UPDATE_TEXT_MAX 16384

struct gch_update {
    const char *run_id; /* not NUL-terminated when decoded */
    size_t run_id_len;
    const char *status; /* empty: leave what is stored */
    size_t status_len;
    const char *error; /* empty: leave what is stored */
    size_t error_len;
    int32_t total_generations; /* negative: leave what is stored */
    int64_t at_ms;             /* when the call was made */
    int64_t end_time_ms;       /* 0 while the run goes on; negative: leave what is stored */
    int64_t version_us;
};

void gch_update_put(struct gch_buf *buf, const struct gch_update *update);

/* The pointers lead into bytes. */
enum gch_status gch_update_get(struct gch_update *update, const uint8_t *bytes, size_t len) GCH_MUST_CHECK;

/* The statement, which refers to the parameters of gch_update_put_parameters. The first form is for ReplacingMergeTree;
 * the second for the plain MergeTree tables that the older Python logger made, where a row can only be changed by a
 * mutation. */
void gch_update_put_insert(struct gch_buf *sql);
void gch_update_put_mutation(struct gch_buf *sql);

/* Makes the version of such a table an ordinary column with a default; every row keeps its own. */
void gch_update_put_plain_version(struct gch_buf *sql);

/* What the user should hear then; for printf, with the server's release. */
#define GCH_UPDATE_PLAIN_VERSION_TEXT                                                                                  \
    "ClickHouse %s (before 26.5) cannot update rows beside a hidden version: event_ts of evolution_runs, a table of "  \
    "an older logger, is an ordinary column now, which SELECT * shows"

/* Appends each parameter as a field of a form, with status and error cut at GCH_UPDATE_TEXT_MAX. */
void gch_update_put_parameters(struct gch_multipart *form, const struct gch_update *update);

#endif
