#include "cluster_alter.h"

#include "cluster_column.h"

/* Where the settings of an ALTER begin, or its end; a column's own stand in brackets. */
static const char *find_settings(struct gch_scan scan)
{
    int depth = 0;
    for (;;) {
        struct gch_token token = gch_scan_next(&scan);
        struct gch_token next = gch_scan_peek(&scan);
        bool settings = depth == 0 && gch_token_is(&token, "SETTINGS") && !gch_token_is(&next, "(");
        if (token.kind == GCH_TOKEN_END || settings)
            return token.at;
        gch_token_count_bracket(&token, &depth);
    }
}

struct column_command {
    struct gch_piece piece;
    struct gch_token verb;
    struct gch_token column;
    struct gch_scan definition; /* behind the column's name */
};

/* Reads the piece as a command that adds, drops or changes a column; false: it is another. */
static bool take_column(struct column_command *command)
{
    static const char *const verbs[] = {"ADD", "DROP", "MODIFY", "RENAME", "COMMENT", "ALTER"};
    struct gch_scan scan = {command->piece.at, command->piece.end};
    bool known = false;
    command->verb = gch_scan_next(&scan);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
        known = known || gch_token_is(&command->verb, verbs[i]);
    if (!known || !gch_scan_take(&scan, "COLUMN"))
        return false;
    if (gch_scan_take(&scan, "IF")) {
        (void)gch_scan_take(&scan, "NOT");
        (void)gch_scan_take(&scan, "EXISTS");
    }
    command->column = gch_scan_next(&scan);
    command->definition = scan;
    return true;
}

static bool is_sharded_by(const struct gch_cluster_work *work, const struct gch_token *column)
{
    struct gch_token name = gch_work_bare(column);
    struct gch_scan columns = {work->columns, work->columns + strlen(work->columns)};
    struct gch_token one = gch_scan_next(&columns);
    while (one.kind != GCH_TOKEN_END && (one.len != name.len || memcmp(one.at, name.at, name.len) != 0))
        one = gch_scan_next(&columns);
    return one.kind != GCH_TOKEN_END;
}

/* An ALTER of a table on its way: the commands for the local table, and those of them for the one over it. */
struct alter {
    struct gch_buf *local;
    struct gch_buf *all;
    size_t locals;
    size_t alls;
    bool drops; /* the first of the latter drops a column */
};

static void put_command(struct gch_buf *out, size_t *count, const char *from, const char *to)
{
    if (*count > 0)
        gch_buf_text(out, ",");
    gch_buf_span(out, from, to);
    *count += 1;
}

/* Puts a command that adds, drops or changes a column for the table above, if anything of it concerns that. */
static void put_above(struct alter *alter, const struct column_command *command)
{
    size_t mark = alter->all->len;
    size_t count = alter->alls;
    put_command(alter->all, &alter->alls, command->piece.at, gch_token_end(&command->column));
    bool any = gch_column_put(alter->all, command->definition);
    if (gch_token_is(&command->verb, "MODIFY") && !any) {
        gch_buf_truncate(alter->all, mark);
        alter->alls = count;
    } else if (count == 0) {
        alter->drops = gch_token_is(&command->verb, "DROP");
    }
}

static enum gch_status put_column_command(struct gch_cluster_work *work, struct alter *alter,
                                          const struct column_command *command)
{
    if (!gch_token_is_name(&command->column))
        return gch_work_refuse(work, "a name is missing");
    bool key = is_sharded_by(work, &command->column);
    if (key && gch_token_is(&command->verb, "DROP"))
        return GCH_OK;
    if (key && gch_token_is(&command->verb, "RENAME"))
        return gch_work_refuse(work, "the table is sharded by this column");
    put_command(alter->local, &alter->locals, command->piece.at, command->piece.end);
    put_above(alter, command);
    return GCH_OK;
}

static enum gch_status put_commands(struct gch_cluster_work *work, struct alter *alter, struct gch_scan commands)
{
    enum gch_status status = GCH_OK;
    while (status == GCH_OK && gch_scan_peek(&commands).kind != GCH_TOKEN_END) {
        struct column_command command = {.piece = gch_scan_piece(&commands)};
        if (take_column(&command))
            status = put_column_command(work, alter, &command);
        else if (gch_token_is(&command.verb, "("))
            status = gch_work_refuse(work, "write the commands without brackets around each");
        else
            put_command(alter->local, &alter->locals, command.piece.at, command.piece.end);
    }
    return status;
}

enum gch_status gch_cluster_render_alter(struct gch_cluster_work *work)
{
    if (!gch_scan_take(&work->scan, "TABLE"))
        return gch_work_refuse(work, "of what is altered, only tables have one");
    enum gch_status status = gch_work_read_table(work);
    if (status != GCH_OK)
        return status;
    const char *settings = find_settings(work->scan);
    struct gch_scan commands = {work->scan.at, settings};
    struct alter alter = {.local = gch_work_begin_on(work, true)};
    alter.all = gch_work_begin_on(work, false);
    status = put_commands(work, &alter, commands);
    for (size_t i = 0; i < work->rendered->count && settings < work->scan.end; i++) {
        gch_buf_text(&work->rendered->statements[i], "\n");
        gch_buf_span(&work->rendered->statements[i], settings, work->scan.end);
    }
    work->rendered->count = alter.alls > 0 ? 2 : alter.locals > 0 ? 1 : 0;
    if (alter.drops) {
        struct gch_buf local = *alter.local;
        *alter.local = *alter.all;
        *alter.all = local;
    }
    return status;
}
