/* A column as a Distributed table has it: without what only a table with data has (codec, TTL, statistics, settings,
 * key). Pure.
 */
#ifndef GCH_CLUSTER_COLUMN_H
#define GCH_CLUSTER_COLUMN_H

#include "buf.h"
#include "sql_scan.h"

/* True for an element of CREATE TABLE that is a column and not an index, constraint, projection or key. */
bool gch_element_is_column(struct gch_piece element);

/* Puts what is behind the column's name, and AFTER or FIRST. False: nothing is left of it. */
bool gch_column_put(struct gch_buf *out, struct gch_scan definition);

#endif
