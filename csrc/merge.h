/* Rows that have an id: an INSERT ... SELECT that merges them with what is stored under that id.
 *
 * A log call of such a table gives some columns; `_set`, the last column of its rows in the outbox, says which, by the
 * bit of the column's place. A column that was not given may still have a value, one that was computed or is the
 * context's: it counts where there is no other. The rows of a batch go along as an external table, and the statement
 *   folds them by (project_id, id), in the order of their event_ts: of a column that several calls gave the latest
 *     counts; the entries of metadata and the elements of tags add up;
 *   looks up the newest stored version of each, deleted ones included;
 *   inserts the merged row: what the calls gave, else what is stored, else the default that the row carries.
 *
 * Columns of the table's key, and when the row was created, keep what was stored first: with another date in the key
 * two rows would survive. A call that arrives after a later one of another process fills only what is still empty. A
 * row with is_deleted = 1 ends what was stored; a later call with that id begins anew, under the same key, and
 * deleted_before keeps calls from before out.
 *
 * The result depends on the rows alone, never on the time of sending: sent twice, or an old batch again after a newer
 * one, it changes nothing that a reader with final=1 sees. A table without event_ts is append-only: ids that are stored
 * are left out.
 *
 * GCH_SET_SINCE says of a row that nothing older than itself is stored under its id, because the id was made by that
 * call: the look-up then leaves older days alone.
 */
#ifndef GCH_MERGE_H
#define GCH_MERGE_H

#include "schema.h"

#define GCH_SET_COLUMN  "_set"
#define GCH_SET_SINCE   63      /* a bit of _set; columns have the bits below */
#define GCH_MERGE_ROWS  "_rows" /* the external table */
#define GCH_MERGE_EXTRA "&final=0&join_use_nulls=0&" GCH_MERGE_ROWS "_format=RowBinary"

/* True when rows of this schema are merged, not plainly inserted. */
bool gch_merge_applies(const struct gch_schema *schema);

enum gch_status gch_merge_put_statement(const struct gch_schema *schema, struct gch_buf *sql) GCH_MUST_CHECK;

/* The structure of the external table, "id String, ...", percent-encoded. */
void gch_merge_put_structure(const struct gch_schema *schema, struct gch_buf *url);

#endif
