/* A statement while it is rendered for a cluster: what was read of it, and where what comes out goes. Shared by
 * cluster.c and cluster_alter.c; nobody else needs it.
 */
#ifndef GCH_CLUSTER_WORK_H
#define GCH_CLUSTER_WORK_H

#include "cluster.h"
#include "sql_scan.h"

struct gch_cluster_work {
    const struct gch_cluster *cluster;
    const char *begin; /* of the statement, behind comments */
    struct gch_scan scan;
    struct gch_token name;
    const char *columns; /* that the table is sharded by */
    struct gch_rendered *rendered;
    struct gch_err *err;
};

/* Takes the name, with IF [NOT] EXISTS in front or not. The second: of a table of GCH_SHARDING_MAP, and sets columns.
 */
enum gch_status gch_work_read_name(struct gch_cluster_work *work) GCH_MUST_CHECK;
enum gch_status gch_work_read_table(struct gch_cluster_work *work) GCH_MUST_CHECK;

/* GCH_ERR_INVALID, with the reason and the beginning of the statement in err. */
enum gch_status gch_work_refuse(struct gch_cluster_work *work, const char *why);

/* A name without its quotes. */
struct gch_token gch_work_bare(const struct gch_token *name);

/* Begins the next statement that comes out, empty. */
struct gch_buf *gch_work_begin(struct gch_cluster_work *work);

/* The same with what came in up to the name, the name, or that of its local table, and ON CLUSTER. */
struct gch_buf *gch_work_begin_on(struct gch_cluster_work *work, bool local);

/* The same with the rest of what came in, and a few words behind it. */
void gch_work_put_whole(struct gch_cluster_work *work, bool local, const char *behind);

/* A text in single quotes, as both ON CLUSTER and Distributed() take it. */
void gch_work_put_text(struct gch_buf *out, const char *text);

/* The bytes from one place to another. */
static inline void gch_buf_span(struct gch_buf *out, const char *from, const char *to)
{
    gch_buf_append(out, from, (size_t)(to - from));
}

#endif
