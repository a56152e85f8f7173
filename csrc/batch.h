/* Rows of one table on their way into one request.
 *
 * Made from frames of one segment. `ends` keeps where each row ends, so that a batch the server refuses can be halved
 * down to the bad row. `done` rows from the front are settled (stored, quarantined or parked); a retry starts behind
 * them. Owner: the sender thread.
 */
#ifndef GCH_BATCH_H
#define GCH_BATCH_H

#include <stdbool.h>

#include "schema.h"

#define GCH_BATCH_BYTES_MAX (256U << 20)

struct gch_batch {
    const struct gch_buf *schema; /* the source's: table name, then the header */
    struct gch_buf rows;
    struct gch_buf ends; /* uint64_t each */
    size_t count;
    size_t done;
};

void gch_batch_init(struct gch_batch *batch);
void gch_batch_deinit(struct gch_batch *batch);
void gch_batch_reset(struct gch_batch *batch, const struct gch_buf *schema);
enum gch_status gch_batch_add(struct gch_batch *batch, const uint8_t *row, size_t len) GCH_MUST_CHECK;

/* The table's name (into the schema). */
const char *gch_batch_table(const struct gch_batch *batch, size_t *len);

/* Row i, as it was added. */
const uint8_t *gch_batch_row(const struct gch_batch *batch, size_t i, size_t *len);

/* INSERT INTO table (columns) FORMAT RowBinaryWithNamesAndTypes */
enum gch_status gch_batch_put_statement(const struct gch_schema *schema, struct gch_buf *sql) GCH_MUST_CHECK;

/* Rows [from, to) with their header, as one zstd member: a body that is cut on the way can then never be taken for a
 * shorter one. */
enum gch_status gch_batch_compress(const struct gch_batch *batch, size_t from, size_t to,
                                   struct gch_buf *body) GCH_MUST_CHECK;

/* Rows [from, to) as they are, without a header. */
void gch_batch_put_rows(const struct gch_batch *batch, size_t from, size_t to, struct gch_buf *form);

#endif
