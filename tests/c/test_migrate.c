/* needs: migrate.c migration.c ledger.c cluster.c cluster_alter.c cluster_column.c cluster_work.c sql_scan.c
 * transport.c reply.c server_text.c release.c error_class.c descriptor.c thread.c url.c query_text.c buf.c status.c
 * utf8.c ; libs: libcurl */
#include "migrate.h"

#include <limits.h>
#include <stdlib.h>

#include "check.h"

/* Statements of a text, one a line of |...|. */
static void check_statements(const char *text, const char *want)
{
    struct gch_buf got;
    const char *statement;
    size_t len;
    gch_buf_init(&got, 4096);
    while (gch_statement_next(&text, &statement, &len)) {
        gch_buf_byte(&got, '|');
        gch_buf_append(&got, statement, len);
    }
    CHECK_TEXT(gch_buf_cstr(&got), want);
    gch_buf_deinit(&got);
}

static void test_statements_end_at_a_semicolon_that_ends_its_line(void)
{
    check_statements("", "");
    check_statements(" \n;\n", "");
    check_statements("-- only words\n-- more", "");
    check_statements("A;\n", "|A");
    check_statements("A;", "|A");
    check_statements("A", "|A");
    check_statements("-- why\n\nA 'x; y'\n  B;\n\n-- and\nC ;\n-- end\n", "|-- why\n\nA 'x; y'\n  B|-- and\nC");
    check_statements("A;\n;\nB;\n", "|A|B");
    check_statements("A\n-- inside\nB;\n", "|A\n-- inside\nB");
}

static void test_names_and_order(void)
{
    static const char *const bad[] = {"", "x", "_1", "0001 a", "0001-a", "0001'a", "0001_\n"};
    struct gch_migrations migrations = {NULL, 0};
    char longest[GCH_MIGRATION_NAME_MAX + 1];
    memset(longest, '1', sizeof(longest));
    longest[GCH_MIGRATION_NAME_MAX] = '\0';
    CHECK_INT(gch_migrations_add(&migrations, longest, "", ""), GCH_ERR_INVALID);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK_INT(gch_migrations_add(&migrations, bad[i], "", ""), GCH_ERR_INVALID);
    CHECK_INT(gch_migrations_add(&migrations, "0002_b", "", ""), GCH_OK);
    CHECK_INT(gch_migrations_add(&migrations, "0002_c", "", ""), GCH_ERR_INVALID);
    CHECK_INT(gch_migrations_add(&migrations, "0001_a", "", ""), GCH_ERR_INVALID);
    CHECK_INT(gch_migrations_add(&migrations, "0003_c", "", ""), GCH_OK);
    CHECK(gch_migrations_find(&migrations, "0003_c") == &migrations.list[1]);
    CHECK(gch_migrations_find(&migrations, "0003") == NULL);
    for (unsigned number = 4; migrations.count < GCH_MIGRATIONS_MAX; number++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%04u_x", number);
        CHECK_INT(gch_migrations_add(&migrations, name, "", ""), GCH_OK);
    }
    CHECK_INT(gch_migrations_add(&migrations, "9999_x", "", ""), GCH_ERR_TOO_BIG);
    gch_migrations_deinit(&migrations);
}

/* Each line with the server's release in front, as the query asks for it. */
static enum gch_status parse(struct gch_ledger *ledger, const char *lines)
{
    struct gch_buf text;
    gch_buf_init(&text, 1 << 16);
    for (size_t i = 0; lines[i] != '\0'; i++) {
        if (i == 0 || lines[i - 1] == '\n')
            gch_buf_text(&text, "26.1\t");
        gch_buf_byte(&text, (uint8_t)lines[i]);
    }
    uint8_t *copy = malloc(text.len + 1); /* its own block, so that a sanitizer sees a read behind it */
    memcpy(copy, text.data, text.len);
    enum gch_status status = gch_ledger_parse(ledger, copy, text.len);
    free(copy);
    gch_buf_deinit(&text);
    return status;
}

static void test_ledger(void)
{
    struct gch_ledger ledger;
    CHECK_INT(parse(&ledger, "0001_a\t2026-01-01 00:00:00.000\tapplied\n0002_b\t2026\tundone\n0003_c\tx\tundoing\n"),
              GCH_OK);
    CHECK_INT(ledger.count, 2);
    CHECK(!ledger.no_state);
    CHECK_TEXT(gch_ledger_find(&ledger, "0001_a")->applied_at, "2026-01-01 00:00:00.000");
    CHECK(gch_ledger_has_applied(&ledger, "0001_a") && !gch_ledger_has_applied(&ledger, "0003_c"));
    CHECK(gch_ledger_find(&ledger, "0003_c") != NULL && gch_ledger_find(&ledger, "0002_b") == NULL);
    gch_ledger_deinit(&ledger);
    CHECK_INT(parse(&ledger, "0001_a\t2026\n"), GCH_OK);
    CHECK(ledger.no_state && gch_ledger_has_applied(&ledger, "0001_a"));
    gch_ledger_deinit(&ledger);
    CHECK_INT(gch_ledger_parse(&ledger, NULL, 0), GCH_OK);
    CHECK(ledger.no_state && ledger.count == 0);
    gch_ledger_deinit(&ledger);
}

static void test_ledger_of_any_bytes(void)
{
    struct gch_ledger ledger;
    char text[600];
    CHECK_INT(parse(&ledger, "0001_a\t2026"), GCH_ERR_INVALID);
    gch_ledger_deinit(&ledger);
    CHECK_INT(parse(&ledger, "\n\t\n\t\t\t\t\n"), GCH_OK);
    CHECK_INT(ledger.count, 3);
    gch_ledger_deinit(&ledger);
    memset(text, 'n', sizeof(text));
    text[300] = '\t';
    text[500] = '\t';
    text[598] = '\n';
    text[599] = '\0';
    CHECK_INT(parse(&ledger, text), GCH_OK);
    CHECK_INT(strlen(ledger.entries[0].name), GCH_MIGRATION_NAME_MAX - 1);
    gch_ledger_deinit(&ledger);
    struct gch_buf rows;
    gch_buf_init(&rows, 1 << 20);
    for (unsigned i = 0; i <= GCH_LEDGER_ENTRIES_MAX; i++)
        gch_buf_printf(&rows, "%u\t\tapplied\n", i);
    CHECK_INT(gch_ledger_parse(&ledger, rows.data, rows.len), GCH_ERR_INVALID);
    gch_ledger_deinit(&ledger);
    gch_buf_deinit(&rows);
}

/* The kinds of a plan's steps, each with the number of its migration. */
static void check_plan(const struct gch_ledger *ledger, unsigned long target, const char *want)
{
    struct gch_migrations migrations = {NULL, 0};
    struct gch_cluster alone = {"", "d`b"};
    struct gch_plan plan;
    struct gch_buf got;
    gch_buf_init(&got, 4096);
    CHECK_INT(gch_migrations_add(&migrations, "1_a", "A;\nB;\n", "a;\n"), GCH_OK);
    CHECK_INT(gch_migrations_add(&migrations, "2_b", "C;\n", "c;\nd;\n"), GCH_OK);
    CHECK_INT(gch_plan_make(&plan, &migrations, ledger, target, &alone), GCH_OK);
    for (size_t i = 0; i < plan.count; i++) {
        bool file = plan.steps[i].kind == GCH_STEP_UP || plan.steps[i].kind == GCH_STEP_DOWN;
        gch_buf_printf(&got, "%s%.1s%s ", gch_step_word(plan.steps[i].kind), plan.steps[i].migration,
                       file ? plan.steps[i].sql : "");
    }
    CHECK_TEXT(gch_buf_cstr(&got), want);
    if (plan.count > 0 && plan.steps[0].kind == GCH_STEP_DATABASE)
        CHECK_TEXT(plan.steps[0].sql, "CREATE DATABASE IF NOT EXISTS `d\\`b`");
    gch_plan_deinit(&plan);
    gch_migrations_deinit(&migrations);
    gch_buf_deinit(&got);
}

static void test_plan(void)
{
    struct gch_ledger ledger = {.no_database = true, .no_table = true};
    check_plan(&ledger, GCH_MIGRATE_NEWEST, "database ledger up1A up1B applied1 up2C applied2 ");
    check_plan(&ledger, 0, "");
    ledger.no_database = false;
    check_plan(&ledger, 1, "ledger up1A up1B applied1 ");
    struct gch_ledger unreadable = {.unreadable = true};
    check_plan(&unreadable, 1, "ledger ledger up1A up1B applied1 ");
    CHECK_INT(parse(&ledger, "1_a\t\tapplied\n2_b\t\tapplied\n9_z\t\tapplied\n"), GCH_OK);
    check_plan(&ledger, GCH_MIGRATE_NEWEST, "");
    check_plan(&ledger, 2, "");
    check_plan(&ledger, 1, "undoing2 down2c down2d undone2 ");
    check_plan(&ledger, 0, "undoing2 down2c down2d undone2 undoing1 down1a undone1 ");
    gch_ledger_deinit(&ledger);
    CHECK_INT(parse(&ledger, "2_b\t\tundoing\n"), GCH_OK);
    check_plan(&ledger, GCH_MIGRATE_NEWEST, "up1A up1B applied1 up2C applied2 ");
    check_plan(&ledger, 1, "undoing2 down2c down2d undone2 up1A up1B applied1 ");
    gch_ledger_deinit(&ledger);
    CHECK_INT(parse(&ledger, "1_a\t\n"), GCH_OK);
    check_plan(&ledger, GCH_MIGRATE_NEWEST, "ledger up2C applied2 ");
    gch_ledger_deinit(&ledger);
}

/* The files' statements, the database, the ledger and its rows: each is rendered, and only those rows stay as they are.
 */
static void test_plan_for_a_cluster(void)
{
    struct gch_migrations migrations = {NULL, 0};
    struct gch_ledger ledger = {.no_database = true, .no_table = true};
    struct gch_cluster cluster = {"north", "d"};
    struct gch_plan plan;
    size_t rows = 0;
    CHECK_INT(gch_migrations_add(&migrations, "1_a",
                                 "CREATE TABLE IF NOT EXISTS generations\n(\n    run_id String\n)\n"
                                 "ENGINE = ReplacingMergeTree\nORDER BY run_id;\n",
                                 "DROP TABLE IF EXISTS generations;\n"),
              GCH_OK);
    CHECK_INT(gch_plan_make(&plan, &migrations, &ledger, GCH_MIGRATE_NEWEST, &cluster), GCH_OK);
    CHECK(plan.count >= 6);
    CHECK_INT(gch_plan_applies(&plan), 1);
    for (size_t i = 0; i < plan.count; i++) {
        bool row = plan.steps[i].kind == GCH_STEP_APPLIED;
        rows += row;
        CHECK(row == (strstr(plan.steps[i].sql, "ON CLUSTER") == NULL));
    }
    CHECK_INT(rows, 1);
    gch_plan_deinit(&plan);
    gch_migrations_deinit(&migrations);
}

CHECK_MAIN(test_statements_end_at_a_semicolon_that_ends_its_line, test_names_and_order, test_ledger,
           test_ledger_of_any_bytes, test_plan, test_plan_for_a_cluster)
