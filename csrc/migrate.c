#include "migrate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "query_text.h"

#define STATEMENT_MAX             (1U << 20)
#define CODE_CLUSTER_DOESNT_EXIST 701
/* On a cluster a row of the ledger is there when the answer is, and a node that is down is named before the request's
 * time is over. */
#define STEP_SETTINGS             "&distributed_foreground_insert=1&distributed_ddl_task_timeout=45"

static const char *const step_words[] = {
#define X(kind, word) word,
    GCH_STEP_MAP(X)
#undef X
};

const char *gch_step_word(enum gch_step_kind kind)
{
    return step_words[kind];
}

/* ---- the plan ---- */

static enum gch_status add_step(struct gch_plan *plan, struct gch_step step)
{
    struct gch_step *steps = NULL;
    if (step.sql != NULL && plan->count < GCH_STEPS_MAX)
        steps = realloc(plan->steps, (plan->count + 1) * sizeof(*steps));
    if (steps == NULL) {
        free(step.sql);
        return plan->count < GCH_STEPS_MAX ? GCH_ERR_NOMEM : GCH_ERR_TOO_BIG;
    }
    plan->steps = steps;
    plan->steps[plan->count] = step;
    plan->count += 1;
    return GCH_OK;
}

/* Every statement of a plan comes through here, and is run as it is written down here. */
static enum gch_status add(struct gch_plan *plan, enum gch_step_kind kind, const char *migration, const char *sql,
                           size_t len)
{
    struct gch_rendered rendered;
    gch_rendered_init(&rendered);
    enum gch_status status = gch_cluster_render(&plan->cluster, sql, len, &rendered, NULL);
    for (size_t i = 0; i < rendered.count && status == GCH_OK; i++) {
        const struct gch_buf *text = &rendered.statements[i];
        char *copy = strndup((const char *)text->data, text->len);
        status = add_step(plan, (struct gch_step){kind, migration, plan->cluster.name, copy});
    }
    gch_rendered_deinit(&rendered);
    return status;
}

/* Adds what was put into sql, and empties it. */
static enum gch_status add_built(struct gch_plan *plan, enum gch_step_kind kind, const char *migration,
                                 struct gch_buf *sql)
{
    enum gch_status status = gch_buf_status(sql);
    if (status == GCH_OK)
        status = add(plan, kind, migration, (const char *)sql->data, sql->len);
    gch_buf_reset(sql);
    return status;
}

static enum gch_status add_file(struct gch_plan *plan, enum gch_step_kind kind, const char *migration, const char *file)
{
    const char *statement;
    size_t len;
    enum gch_status status = GCH_OK;
    while (status == GCH_OK && gch_statement_next(&file, &statement, &len))
        status = add(plan, kind, migration, statement, len);
    return status;
}

/* The words of these steps are those of the ledger. */
static enum gch_status add_row(struct gch_plan *plan, enum gch_step_kind kind, const char *migration,
                               struct gch_buf *sql)
{
    gch_ledger_put_row(sql, migration, gch_step_word(kind));
    return add_built(plan, kind, migration, sql);
}

static enum gch_status add_up(struct gch_plan *plan, const struct gch_migration *migration, struct gch_buf *sql)
{
    enum gch_status status = add_file(plan, GCH_STEP_UP, migration->name, migration->up);
    return status == GCH_OK ? add_row(plan, GCH_STEP_APPLIED, migration->name, sql) : status;
}

static enum gch_status add_down(struct gch_plan *plan, const struct gch_migration *migration, struct gch_buf *sql)
{
    enum gch_status status = add_row(plan, GCH_STEP_UNDOING, migration->name, sql);
    if (status == GCH_OK)
        status = add_file(plan, GCH_STEP_DOWN, migration->name, migration->down);
    return status == GCH_OK ? add_row(plan, GCH_STEP_UNDONE, migration->name, sql) : status;
}

static bool is_undone_by(const struct gch_migration *migration, const struct gch_ledger *ledger, unsigned long target)
{
    return migration->number > target && gch_ledger_find(ledger, migration->name) != NULL;
}

static bool is_applied_by(const struct gch_migration *migration, const struct gch_ledger *ledger, unsigned long target)
{
    return migration->number <= target && !gch_ledger_has_applied(ledger, migration->name);
}

/* The database and the ledger, as far as they are missing and needed. Other nodes of a cluster may lack a database that
 * this one has. */
static enum gch_status add_ground(struct gch_plan *plan, const struct gch_ledger *ledger, bool applies, bool undoes,
                                  struct gch_buf *sql)
{
    enum gch_status status = GCH_OK;
    bool elsewhere = gch_cluster_is_set(&plan->cluster) && ledger->no_table;
    if (applies && (ledger->no_database || elsewhere)) {
        gch_buf_text(sql, "CREATE DATABASE IF NOT EXISTS ");
        gch_query_put_identifier(sql, plan->cluster.database, strlen(plan->cluster.database));
        status = add_built(plan, GCH_STEP_DATABASE, "", sql);
    }
    if (status == GCH_OK && applies && (ledger->no_table || ledger->unreadable)) {
        gch_ledger_put_create(sql);
        status = add_built(plan, GCH_STEP_LEDGER, "", sql);
    }
    if (status == GCH_OK && (applies || undoes) && (ledger->no_state || ledger->unreadable)) {
        gch_ledger_put_state_column(sql);
        status = add_built(plan, GCH_STEP_LEDGER, "", sql);
    }
    return status;
}

enum gch_status gch_plan_make(struct gch_plan *plan, const struct gch_migrations *migrations,
                              const struct gch_ledger *ledger, unsigned long target, const struct gch_cluster *cluster)
{
    struct gch_buf sql;
    bool applies = false;
    bool undoes = false;
    memset(plan, 0, sizeof(*plan));
    plan->cluster = *cluster;
    gch_buf_init(&sql, STATEMENT_MAX);
    for (size_t i = 0; i < migrations->count; i++) {
        applies = applies || is_applied_by(&migrations->list[i], ledger, target);
        undoes = undoes || is_undone_by(&migrations->list[i], ledger, target);
    }
    enum gch_status status = add_ground(plan, ledger, applies, undoes, &sql);
    for (size_t i = migrations->count; i > 0 && status == GCH_OK; i--) {
        if (is_undone_by(&migrations->list[i - 1], ledger, target))
            status = add_down(plan, &migrations->list[i - 1], &sql);
    }
    for (size_t i = 0; i < migrations->count && status == GCH_OK; i++) {
        if (is_applied_by(&migrations->list[i], ledger, target))
            status = add_up(plan, &migrations->list[i], &sql);
    }
    gch_buf_deinit(&sql);
    return status;
}

void gch_plan_deinit(struct gch_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->steps[i].sql);
    free(plan->steps);
    memset(plan, 0, sizeof(*plan));
}

size_t gch_plan_applies(const struct gch_plan *plan)
{
    size_t files = 0;
    for (size_t i = 0; i < plan->count; i++)
        files += plan->steps[i].kind == GCH_STEP_APPLIED;
    return files;
}

/* ---- running it ---- */

static void name_clusters(const char *wanted, struct gch_transport *transport, struct gch_reply *reply)
{
    char sql[256];
    struct gch_reply answer;
    struct gch_request request = {.sql = sql, .without_database = true};
    (void)snprintf(
        sql, sizeof(sql),
        "SELECT arrayStringConcat(arraySort(name -> editDistance(name, '%s'), groupUniqArray(cluster)), ', ') "
        "FROM system.clusters FORMAT TabSeparatedRaw",
        wanted);
    gch_reply_init(&answer);
    if (gch_transport_send(transport, &request, &answer) == GCH_OK && answer.body.len > 0) {
        int len = (int)answer.body.len - 1;
        (void)gch_err_set(
            &reply->err, GCH_ERR_REMOTE,
            "ClickHouse at %s has no cluster \"%s\"; set GENESIS_CH_CLUSTER to one of its remote_servers: "
            "%.*s",
            transport->url.shown, wanted, len > 0 ? len : 14,
            len > 0 ? (const char *)answer.body.data : "there are none");
    }
    gch_reply_deinit(&answer);
}

/* What a server says about a statement is of use only to who knows which one it was. */
static void name_step(struct gch_err *err, const struct gch_step *step)
{
    struct gch_err words = *err;
    const char *what = step->migration[0] != '\0' ? step->migration : step_words[step->kind];
    (void)gch_err_set(err, GCH_ERR_REMOTE, "migration %s: %s", what, words.text);
}

enum gch_status gch_step_run(const struct gch_step *step, struct gch_transport *transport, struct gch_reply *reply)
{
    struct gch_request request = {
        .sql = step->sql, .extra = STEP_SETTINGS, .without_database = step->kind == GCH_STEP_DATABASE};
    enum gch_status status = gch_transport_send(transport, &request, reply);
    if (status == GCH_ERR_REMOTE && reply->code == CODE_CLUSTER_DOESNT_EXIST)
        name_clusters(step->cluster, transport, reply);
    else if (status == GCH_ERR_REMOTE && reply->code != 0)
        name_step(&reply->err, step);
    return status;
}

static enum gch_status run_plan(const struct gch_plan *plan, struct gch_transport *transport, struct gch_reply *reply,
                                size_t *applied)
{
    enum gch_status status = GCH_OK;
    for (size_t i = 0; i < plan->count && status == GCH_OK; i++) {
        status = gch_step_run(&plan->steps[i], transport, reply);
        *applied += status == GCH_OK && plan->steps[i].kind == GCH_STEP_APPLIED;
    }
    return status;
}

static const char *first_applied(const struct gch_plan *plan, size_t from)
{
    size_t seen = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i].kind == GCH_STEP_APPLIED && seen++ == from)
            return plan->steps[i].migration;
    }
    return "";
}

static void say_refused(struct gch_err *refused, const struct gch_plan *plan, const struct gch_transport *transport,
                        const struct gch_reply *reply, size_t applied, bool again)
{
    (void)gch_err_set(refused, GCH_ERR_REMOTE,
                      "the tables of ClickHouse at %s are not up to date (%zu to apply, from %s on), and this account "
                      "may not change tables (code %d): an administrator must run what `genesis-ch migrate%s --print` "
                      "prints; rows that need it wait in the outbox",
                      transport->url.shown, gch_plan_applies(plan) - applied, first_applied(plan, applied), reply->code,
                      again ? " --again" : "");
}

enum gch_status gch_migrations_apply(const struct gch_migrations *migrations, struct gch_transport *transport,
                                     const char *cluster_name, bool again, struct gch_reply *reply, size_t *applied,
                                     struct gch_err *refused)
{
    struct gch_cluster cluster = {cluster_name, transport->url.database};
    struct gch_ledger ledger;
    struct gch_plan plan;
    *applied = 0;
    refused->text[0] = '\0';
    enum gch_status status = gch_ledger_read(&ledger, transport, reply);
    if (status == GCH_OK && !ledger.unreadable) {
        if (again)
            gch_ledger_forget(&ledger);
        status = gch_plan_make(&plan, migrations, &ledger, GCH_MIGRATE_NEWEST, &cluster);
        if (status == GCH_OK)
            status = run_plan(&plan, transport, reply, applied);
        if (status == GCH_ERR_REMOTE && gch_code_is_refusal(reply->code)) {
            say_refused(refused, &plan, transport, reply, *applied, again);
            status = GCH_OK;
        }
        gch_plan_deinit(&plan);
    }
    gch_ledger_deinit(&ledger);
    return status;
}
