/* Brings the tables to their newest form, or to that of a chosen migration: what has to be done is first written down
 * as a plan, statement by statement, and then run. So what `genesis-ch migrate --dry-run` shows is what is run.
 *
 * A plan holds, in this order: the database and the ledger when they are missing; for each migration above the target
 * that the ledger knows, the newest first, its down file between two rows; for each one up to the
 * target that is not applied, its up file and its row. Runners that work at the same time do each other no harm,
 * because every statement can be repeated and every row of the ledger replaces itself.
 */
#ifndef GCH_MIGRATE_H
#define GCH_MIGRATE_H

#include "cluster.h"
#include "ledger.h"

#define GCH_MIGRATE_NEWEST ULONG_MAX
#define GCH_STEPS_MAX      4096

/* X(kind, word) */
#define GCH_STEP_MAP(X)                                                                                                \
    X(DATABASE, "database")                                                                                            \
    X(LEDGER, "ledger")                                                                                                \
    X(UP, "up")                                                                                                        \
    X(APPLIED, "applied")                                                                                              \
    X(UNDOING, "undoing")                                                                                              \
    X(DOWN, "down")                                                                                                    \
    X(UNDONE, "undone")

enum gch_step_kind {
#define X(kind, word) GCH_STEP_##kind,
    GCH_STEP_MAP(X)
#undef X
};

const char *gch_step_word(enum gch_step_kind kind);

struct gch_step {
    enum gch_step_kind kind;
    const char *migration; /* its name, borrowed; "" for the database and the ledger */
    const char *cluster;   /* that the statement is for, borrowed; "": none */
    char *sql;             /* one statement, without semicolon */
};

struct gch_plan {
    struct gch_cluster cluster; /* borrowed names */
    struct gch_step *steps;
    size_t count;
};

/* A plan to get from what the ledger says to the target. An unreadable ledger counts as an empty one. With a
 * cluster, every statement is rendered for it. Borrows the migrations and the cluster's names. Deinit the plan in any
 * case. */
enum gch_status gch_plan_make(struct gch_plan *plan, const struct gch_migrations *migrations,
                              const struct gch_ledger *ledger, unsigned long target,
                              const struct gch_cluster *cluster) GCH_MUST_CHECK;
void gch_plan_deinit(struct gch_plan *plan);

/* Migrations that the plan applies. */
size_t gch_plan_applies(const struct gch_plan *plan);

/* Runs one statement; failures are as of gch_transport_send, and the reply's words name the migration. For a cluster
 * that the server does not have, they name those that it has, the most alike first. */
enum gch_status gch_step_run(const struct gch_step *step, struct gch_transport *transport,
                             struct gch_reply *reply) GCH_MUST_CHECK;

/* Applies what the ledger lacks, or with again everything, which brings back what somebody dropped by hand; *applied
 * counts the files. On a database that is ready it asks one query. An account that may not read the ledger, or not
 * change tables, is no failure: rows can still be inserted into what is there. refused says then, when something is
 * known to be missing, what an administrator has to do, and is empty else. Other failures are as of gch_transport_send.
 */
enum gch_status gch_migrations_apply(const struct gch_migrations *migrations, struct gch_transport *transport,
                                     const char *cluster_name, bool again, struct gch_reply *reply, size_t *applied,
                                     struct gch_err *refused) GCH_MUST_CHECK;

#endif
