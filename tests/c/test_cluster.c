/* needs: cluster.c cluster_alter.c cluster_column.c cluster_work.c sql_scan.c buf.c status.c utf8.c */
#include "cluster.h"

#include "check.h"

static const struct gch_cluster cluster = {"main", "evo"};
static struct gch_rendered rendered;
static struct gch_err err;

static enum gch_status render(const char *sql)
{
    memset(&err, 0, sizeof(err));
    return gch_cluster_render(&cluster, sql, strlen(sql), &rendered, &err);
}

static const char *statement(size_t i)
{
    return i < rendered.count ? gch_buf_cstr(&rendered.statements[i]) : "(none)";
}

/* The statement comes out as these, and each of these as itself. */
static void check_becomes(const char *sql, const char *first, const char *second)
{
    CHECK_INT(render(sql), GCH_OK);
    CHECK_TEXT(statement(0), first == NULL ? "(none)" : first);
    CHECK_TEXT(statement(1), second == NULL ? "(none)" : second);
    if (first == NULL)
        return;
    CHECK_INT(render(first), GCH_OK);
    CHECK_INT(rendered.count, 1);
    CHECK_TEXT(statement(0), first);
}

static void test_create_table(void)
{
    check_becomes("CREATE TABLE IF NOT EXISTS traces\n(\n    id String,\n    project_id String CODEC(ZSTD(3)),\n"
                  "    day Date DEFAULT today() TTL day + INTERVAL 1 DAY,\n    INDEX i id TYPE minmax,\n"
                  "    _ts DateTime64(6) EPHEMERAL now64(6),\n    event_ts DateTime64(6) MATERIALIZED _ts\n)\n"
                  "ENGINE = ReplacingMergeTree(event_ts)\nORDER BY id\nTTL day + INTERVAL 1 MONTH",
                  "CREATE TABLE IF NOT EXISTS traces_local ON CLUSTER 'main'\n(\n    id String,\n"
                  "    project_id String CODEC(ZSTD(3)),\n    day Date DEFAULT today() TTL day + INTERVAL 1 DAY,\n"
                  "    INDEX i id TYPE minmax,\n    _ts DateTime64(6) EPHEMERAL now64(6),\n"
                  "    event_ts DateTime64(6) MATERIALIZED _ts\n)\nENGINE = ReplicatedReplacingMergeTree(event_ts)\n"
                  "ORDER BY id\nTTL day + INTERVAL 1 MONTH",
                  "CREATE TABLE IF NOT EXISTS traces ON CLUSTER 'main'\n(\n    id String,\n    project_id String,\n"
                  "    day Date DEFAULT today(),\n    _ts DateTime64(6) EPHEMERAL now64(6),\n"
                  "    event_ts DateTime64(6) MATERIALIZED _ts\n)\n"
                  "ENGINE = Distributed('main', 'evo', 'traces_local', cityHash64(project_id, id))");
    check_becomes(
        "create table `generations` (`run_id` String PRIMARY KEY, n Array(Tuple(a Int8, b Int8)) DEFAULT [(1, 2)], "
        "CONSTRAINT c CHECK n != [], PROJECTION p (SELECT sum(n))) engine MergeTree order by `run_id`",
        "create table `generations_local` ON CLUSTER 'main' (`run_id` String PRIMARY KEY, n Array(Tuple(a Int8, b "
        "Int8)) DEFAULT [(1, 2)], CONSTRAINT c CHECK n != [], PROJECTION p (SELECT sum(n))) engine "
        "ReplicatedMergeTree order by `run_id`",
        "create table `generations` ON CLUSTER 'main'\n(`run_id` String, n Array(Tuple(a Int8, b Int8)) DEFAULT "
        "[(1, 2)]\n)\nENGINE = Distributed('main', 'evo', 'generations_local', cityHash64(run_id))");
    CHECK_INT(render("CREATE TABLE scores (a Int8) ENGINE = AggregatingMergeTree() ORDER BY a"), GCH_OK);
    CHECK(strstr(statement(0), "= ReplicatedAggregatingMergeTree() ORDER") != NULL);
}

static void test_sharding_columns_of_later_migrations(void)
{
    check_becomes(
        "CREATE TABLE event_log\n(\n    entity_id String,\n    a Int8 -- last\n)\nENGINE = MergeTree\nORDER BY a",
        "CREATE TABLE event_log_local ON CLUSTER 'main'\n(\n    entity_id String,\n    a Int8,\n    project_id "
        "String -- last\n)\nENGINE = ReplicatedMergeTree\nORDER BY a",
        "CREATE TABLE event_log ON CLUSTER 'main'\n(\n    entity_id String,\n    a Int8,\n    project_id String\n)\n"
        "ENGINE = Distributed('main', 'evo', 'event_log_local', cityHash64(project_id, entity_id))");
}

static void test_comments(void)
{
    check_becomes("-- What it is; really.\n\nDROP VIEW v",
                  "-- What it is; really.\n\nDROP VIEW v ON CLUSTER 'main' SYNC", NULL);
    check_becomes(
        "CREATE TABLE pareto_fronts (run_id String, -- first, of two\n b Int8 /* last */) ENGINE = MergeTree ORDER BY "
        "b -- end",
        "CREATE TABLE pareto_fronts_local ON CLUSTER 'main' (run_id String, -- first, of two\n b Int8 /* last */) "
        "ENGINE = ReplicatedMergeTree ORDER BY b",
        "CREATE TABLE pareto_fronts ON CLUSTER 'main'\n(run_id String, -- first, of two\n b Int8\n)\n"
        "ENGINE = Distributed('main', 'evo', 'pareto_fronts_local', cityHash64(run_id))");
}

static void test_alter_columns(void)
{
    check_becomes(
        "ALTER TABLE llm_logs\n    ADD COLUMN IF NOT EXISTS a String CODEC(ZSTD(3)) AFTER b,\n"
        "    ADD COLUMN _ts DateTime64(6) EPHEMERAL now64(6)\nSETTINGS alter_sync = 2, x = 1",
        "ALTER TABLE llm_logs_local ON CLUSTER 'main'\n    ADD COLUMN IF NOT EXISTS a String CODEC(ZSTD(3)) AFTER b,"
        "\n    ADD COLUMN _ts DateTime64(6) EPHEMERAL now64(6)\nSETTINGS alter_sync = 2, x = 1",
        "ALTER TABLE llm_logs ON CLUSTER 'main'\n    ADD COLUMN IF NOT EXISTS a String AFTER b,\n"
        "    ADD COLUMN _ts DateTime64(6) EPHEMERAL now64(6)\nSETTINGS alter_sync = 2, x = 1");
    check_becomes("ALTER TABLE traces DROP COLUMN IF EXISTS a, DROP COLUMN b",
                  "ALTER TABLE traces ON CLUSTER 'main' DROP COLUMN IF EXISTS a, DROP COLUMN b",
                  "ALTER TABLE traces_local ON CLUSTER 'main' DROP COLUMN IF EXISTS a, DROP COLUMN b");
    check_becomes(
        "ALTER TABLE traces MODIFY COLUMN a Int64, RENAME COLUMN b TO c, COMMENT COLUMN d 'x, y'",
        "ALTER TABLE traces_local ON CLUSTER 'main' MODIFY COLUMN a Int64, RENAME COLUMN b TO c, COMMENT COLUMN d "
        "'x, y'",
        "ALTER TABLE traces ON CLUSTER 'main' MODIFY COLUMN a Int64, RENAME COLUMN b TO c, COMMENT COLUMN d 'x, y'");
    check_becomes(
        "ALTER TABLE traces ADD INDEX i a TYPE minmax, ADD COLUMN a Int8 TTL d + INTERVAL 1 DAY FIRST",
        "ALTER TABLE traces_local ON CLUSTER 'main' ADD INDEX i a TYPE minmax, ADD COLUMN a Int8 TTL d + INTERVAL 1 "
        "DAY FIRST",
        "ALTER TABLE traces ON CLUSTER 'main' ADD COLUMN a Int8 FIRST");
}

static void test_alter_of_the_local_table_alone(void)
{
    static const char *const commands[] = {
        "ADD INDEX IF NOT EXISTS i a TYPE bloom_filter(0.01) GRANULARITY 1",
        "MATERIALIZE INDEX IF EXISTS i",
        "MODIFY TTL toDateTime(timestamp) + INTERVAL 30 DAY DELETE, d TO DISK 'x'",
        "REMOVE TTL",
        "MODIFY COLUMN a CODEC(ZSTD(1))",
        "MODIFY COLUMN IF EXISTS a TTL d",
        "MODIFY COLUMN a REMOVE TTL",
        "MODIFY COLUMN a MODIFY SETTING min_compress_block_size = 1",
        "MODIFY SETTING a = 1, b = 2",
        "DELETE WHERE run_id = 'x'\nSETTINGS mutations_sync = 2",
        "UPDATE a = 1, comment = 'ADD COLUMN b Int8' WHERE c IN (SELECT d FROM e)",
        "DROP PARTITION 202501",
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        char sql[256];
        char want[256];
        (void)snprintf(sql, sizeof(sql), "ALTER TABLE llm_logs %s", commands[i]);
        (void)snprintf(want, sizeof(want), "ALTER TABLE llm_logs_local ON CLUSTER 'main' %s", commands[i]);
        check_becomes(sql, want, NULL);
    }
}

static void test_columns_that_shard(void)
{
    check_becomes("ALTER TABLE llm_logs DROP COLUMN IF EXISTS `run_id`", NULL, NULL);
    check_becomes("ALTER TABLE observations DROP COLUMN run_id, DROP COLUMN project_id, DROP COLUMN trace_id",
                  "ALTER TABLE observations ON CLUSTER 'main' DROP COLUMN run_id",
                  "ALTER TABLE observations_local ON CLUSTER 'main' DROP COLUMN run_id");
    CHECK_INT(render("ALTER TABLE llm_logs RENAME COLUMN run_id TO r"), GCH_ERR_INVALID);
    CHECK_TEXT(gch_cluster_sharding("scores", 6), "project_id, trace_id");
    CHECK(gch_cluster_sharding("score", 5) == NULL && gch_cluster_sharding("scores_local", 12) == NULL);
}

static void test_other_statements(void)
{
    check_becomes("DROP TABLE IF EXISTS traces", "DROP TABLE IF EXISTS traces ON CLUSTER 'main' SYNC",
                  "DROP TABLE IF EXISTS traces_local ON CLUSTER 'main' SYNC");
    check_becomes("DROP TABLE traces SYNC", "DROP TABLE traces ON CLUSTER 'main' SYNC",
                  "DROP TABLE traces_local ON CLUSTER 'main' SYNC");
    check_becomes("CREATE OR REPLACE VIEW v AS SELECT * FROM a JOIN b ON cluster = 1",
                  "CREATE OR REPLACE VIEW v ON CLUSTER 'main' AS SELECT * FROM a JOIN b ON cluster = 1", NULL);
    check_becomes("CREATE DATABASE IF NOT EXISTS `evo`", "CREATE DATABASE IF NOT EXISTS `evo` ON CLUSTER 'main'", NULL);
    check_becomes("DELETE FROM llm_logs WHERE run_id = 'x'",
                  "DELETE FROM llm_logs_local ON CLUSTER 'main' WHERE run_id = 'x'", NULL);
    check_becomes("OPTIMIZE TABLE traces FINAL", "OPTIMIZE TABLE traces_local ON CLUSTER 'main' FINAL", NULL);
    check_becomes("TRUNCATE TABLE IF EXISTS traces", "TRUNCATE TABLE IF EXISTS traces_local ON CLUSTER 'main'", NULL);
    check_becomes("INSERT INTO genesis_schema_migrations (name)\nSELECT '0001_a'",
                  "INSERT INTO genesis_schema_migrations (name)\nSELECT '0001_a'", NULL);
}

static void test_refusals(void)
{
    static const char *const refused[][2] = {
        {"", "known"},
        {"SELECT 1", "known"},
        {"RENAME TABLE traces TO b", "known"},
        {"CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a", "sharded"},
        {"ALTER TABLE traces_local ADD COLUMN a Int8", "sharded"},
        {"DROP TABLE evo.traces", "database"},
        {"CREATE TABLE traces AS scores", "columns"},
        {"CREATE TABLE traces ( ) ENGINE = MergeTree ORDER BY a", "columns"},
        {"CREATE TABLE traces (INDEX i a TYPE minmax) ENGINE = MergeTree ORDER BY a", "columns"},
        {"CREATE TABLE traces (a Int8, (b Int8)) ENGINE = MergeTree ORDER BY a", "columns"},
        {"ALTER TABLE traces ADD COLUMN (a Int8)", "name"},
        {"CREATE TABLE traces (a Int8)", "ENGINE"},
        {"CREATE TABLE traces (a Int8) ENGINE = Null", "MergeTree"},
        {"CREATE TABLE traces (a Int8) ENGINE = ReplicatedMergeTree('/x', 'y') ORDER BY a", "MergeTree"},
        {"ALTER TABLE traces (ADD COLUMN a Int8), (DROP COLUMN b)", "brackets"},
        {"CREATE MATERIALIZED VIEW v TO t AS SELECT 1", "views"},
        {"CREATE TABLE IF traces (a Int8)", "EXISTS"},
        {"DROP TABLE", "name"},
        {"DROP TABLE 'traces'", "name"},
        {"DROP DICTIONARY d", "dropped"},
        {"ALTER VIEW v", "tables"},
        {"DELETE traces", "FROM"},
        {"DROP TABLE traces; DROP TABLE scores", "semicolon"},
        {"DROP TABLE traces)", "too many"},
        {"CREATE TABLE traces (a Int8 ENGINE = MergeTree", "missing"},
        {"CREATE TABLE traces (a String DEFAULT 'x) ENGINE = MergeTree", "without an end"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        CHECK_INT(render(refused[i][0]), GCH_ERR_INVALID);
        CHECK_INT(rendered.count, 0);
        if (strstr(err.text, refused[i][1]) == NULL)
            CHECK_TEXT(err.text, refused[i][1]);
    }
}

/* Every beginning of a long statement is rendered or refused, and reads no byte behind its end (the sanitizer watches).
 */
static void test_cut_anywhere(void)
{
    static const char sql[] =
        "/* c */ ALTER TABLE `llm_logs` ADD COLUMN IF NOT EXISTS `a` Map(String, String) DEFAULT map('x', "
        "'\\'') CODEC(ZSTD(3)) AFTER b, MODIFY COLUMN c EPHEMERAL 1, DROP COLUMN run_id -- d\n SETTINGS e = 1";
    char cut[sizeof(sql)];
    size_t seen = 0;
    for (size_t len = 0; len < sizeof(sql); len++) {
        memcpy(cut + sizeof(cut) - len, sql, len);
        enum gch_status status = gch_cluster_render(&cluster, cut + sizeof(cut) - len, len, &rendered, &err);
        CHECK(status == GCH_OK || status == GCH_ERR_INVALID);
        seen += status == GCH_OK;
    }
    CHECK(seen > 10);
}

static void test_without_a_cluster(void)
{
    static const char sql[] = "-- as it is\nSELECT $$ anything '( $$ ";
    static const struct gch_cluster none = {"", "evo"};
    CHECK_INT(gch_cluster_render(&none, sql, strlen(sql), &rendered, &err), GCH_OK);
    CHECK_INT(rendered.count, 1);
    CHECK_TEXT(statement(0), sql);
}

static void test_names(void)
{
    static const struct gch_cluster odd = {"{cluster}", "it's\\"};
    CHECK(gch_cluster_name_is_legal("a") && gch_cluster_name_is_legal("2-b_C") &&
          gch_cluster_name_is_legal("{cluster}"));
    CHECK(!gch_cluster_name_is_legal("") && !gch_cluster_name_is_legal("a b") && !gch_cluster_name_is_legal("a'"));
    CHECK(!gch_cluster_name_is_legal("{}") && !gch_cluster_name_is_legal("{a") && !gch_cluster_name_is_legal("a{b}"));
    char name[GCH_CLUSTER_NAME_MAX + 2];
    memset(name, 'a', sizeof(name));
    name[GCH_CLUSTER_NAME_MAX + 1] = '\0';
    CHECK(!gch_cluster_name_is_legal(name));
    name[GCH_CLUSTER_NAME_MAX] = '\0';
    CHECK(gch_cluster_name_is_legal(name));
    static const char sql[] = "CREATE TABLE scores (a Int8) ENGINE = MergeTree ORDER BY a";
    CHECK_INT(gch_cluster_render(&odd, sql, strlen(sql), &rendered, &err), GCH_OK);
    CHECK(strstr(statement(1), "ON CLUSTER '{cluster}'\n") != NULL);
    CHECK(strstr(statement(1), "Distributed('{cluster}', 'it\\'s\\\\', 'scores_local',") != NULL);
}

static void begin(void)
{
    gch_rendered_init(&rendered);
    CHECK_INT(rendered.count, 0);
}

static void end(void)
{
    gch_rendered_deinit(&rendered);
    CHECK_INT(rendered.count, 0);
}

CHECK_MAIN(begin, test_create_table, test_sharding_columns_of_later_migrations, test_comments, test_alter_columns,
           test_alter_of_the_local_table_alone, test_columns_that_shard, test_other_statements, test_refusals,
           test_cut_anywhere, test_without_a_cluster, test_names, end)
