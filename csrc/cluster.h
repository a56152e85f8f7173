/* The statements of the migrations, rendered for a cluster of shards and replicas.
 *
 *     CREATE TABLE t      makes t_local, replicated, and t, Distributed over it, which sends a row to the shard
 *                         of cityHash64 of the columns that GCH_SHARDING_MAP names
 *     ALTER TABLE t       is for t_local, and for t too where it adds, drops or changes columns
 *     DROP TABLE t        drops t and t_local, SYNC: what it had in Keeper is gone before it is made again
 *     DELETE, OPTIMIZE    of t are for t_local, and so is TRUNCATE
 *     a view, a database  is the same, ON CLUSTER
 *     INSERT              is as it was: Distributed tables take it
 *
 * t_local has the same columns, indexes, keys and settings. It names no path in Keeper, so that the
 * default_replica_path and the macros of the servers count. Each statement that comes out can be repeated if the one
 * that went in can. What already says ON CLUSTER comes out as it is, so rendering twice is rendering once.
 *
 * The columns of t are those of t_local, without codecs, TTL and statistics. Columns that a table is sharded by and
 * that a later migration would add are there from the beginning. A Distributed table passes an EPHEMERAL value on, in
 * the MATERIALIZED column that is made of it, with insert_allow_materialized_columns = 1 only; without, a row's version
 * is the moment of its arrival (GCH_CLUSTER_INSERT_SETTINGS).
 *
 * Rows of a key replace each other on one shard only. So the columns that a table is sharded by must not change between
 * versions of a key; where they are no part of it, whoever writes the row has to see to it. They are never dropped:
 * DROP COLUMN passes them over.
 *
 * Pure: no I/O and no state; any thread.
 */
#ifndef GCH_CLUSTER_H
#define GCH_CLUSTER_H

#include <stdbool.h>

#include "buf.h"

/* X(table, columns whose hash names the shard) */
#define GCH_SHARDING_MAP(X)                                                                                            \
    X(evolution_runs, "run_id")                                                                                        \
    X(generations, "run_id")                                                                                           \
    X(individuals, "run_id")                                                                                           \
    X(pareto_fronts, "run_id")                                                                                         \
    X(code_lineages, "run_id")                                                                                         \
    X(llm_logs, "run_id")                                                                                              \
    X(agent_actions, "run_id")                                                                                         \
    X(programs_code, "code_hash")                                                                                      \
    X(traces, "project_id, id")                                                                                        \
    X(observations, "project_id, trace_id")                                                                            \
    X(scores, "project_id, trace_id")                                                                                  \
    X(dataset_run_items_rmt, "project_id, trace_id")                                                                   \
    X(event_log, "project_id, entity_id")                                                                              \
    X(blob_storage_file_log, "project_id, entity_id")                                                                  \
    X(genesis_schema_migrations, "name")

struct gch_sharding {
    const char *table;
    const char *columns;
};

#define X(table, columns) +1
enum { GCH_SHARDED_TABLES = 0 GCH_SHARDING_MAP(X) };
#undef X

extern const struct gch_sharding gch_sharding[GCH_SHARDED_TABLES];

#define GCH_CLUSTER_LOCAL    "_local"
#define GCH_CLUSTER_NAME_MAX 64
#define GCH_RENDERED_MAX     2 /* statements that come of one */

/* Settings of every request that writes, harmless where there is no cluster: the answer comes when the shards have the
 * rows, versions pass through Distributed tables, and an INSERT ... SELECT reads the replica that the rows before it
 * were written to. */
#define GCH_CLUSTER_INSERT_SETTINGS                                                                                    \
    "&distributed_foreground_insert=1&insert_allow_materialized_columns=1&load_balancing=in_order"                     \
    "&parallel_distributed_insert_select=0"

struct gch_cluster {
    const char *name;     /* as gch_cluster_name_is_legal; "" or NULL: none */
    const char *database; /* where the tables are */
};

static inline bool gch_cluster_is_set(const struct gch_cluster *cluster)
{
    return cluster->name != NULL && cluster->name[0] != '\0';
}

/* Statements without semicolon. */
struct gch_rendered {
    struct gch_buf statements[GCH_RENDERED_MAX];
    size_t count;
};

void gch_rendered_init(struct gch_rendered *rendered);
void gch_rendered_deinit(struct gch_rendered *rendered);

/* Letters, digits, _ and -, or one macro in braces. */
static inline bool gch_cluster_name_is_legal(const char *name)
{
    size_t len = strlen(name);
    bool macro = len > 2 && name[0] == '{' && name[len - 1] == '}';
    size_t inner = macro ? len - 2 : len;
    size_t legal = strspn(macro ? name + 1 : name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return inner > 0 && legal == inner && len <= GCH_CLUSTER_NAME_MAX;
}

/* The columns that a table is sharded by, with ", " between them; NULL: none of ours. */
const char *gch_cluster_sharding(const char *table, size_t len);

/* Renders one statement without semicolon, with comments in front or not; rendered loses what it held. Of one statement
 * come none to GCH_RENDERED_MAX. Without a cluster it comes out as it is. GCH_ERR_INVALID: it has no form on a cluster,
 * or cannot be read; err names the place and the cure. */
enum gch_status gch_cluster_render(const struct gch_cluster *cluster, const char *statement, size_t len,
                                   struct gch_rendered *rendered, struct gch_err *err) GCH_MUST_CHECK;

#endif
