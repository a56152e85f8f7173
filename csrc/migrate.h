/* The tables, brought to their newest form: numbered files of sql/migrations, each applied once, in order.
 *
 * The ledger table genesis_schema_migrations holds one row a file, written after the file's last statement. Every
 * statement can be repeated, so a crash between two of them, or two processes at once, do no harm: the file is simply
 * applied again. An account that may not create tables can still insert: a refusal to migrate is passed over, and
 * missing tables show as SCHEMA.
 */
#ifndef GCH_MIGRATE_H
#define GCH_MIGRATE_H

#include "transport.h"

#define GCH_MIGRATIONS_MAX 256

struct gch_migration {
    char *name; /* "0001_evolution" */
    char *sql;
};

struct gch_migrations {
    struct gch_migration *list;
    size_t count;
};

/* Copies. */
enum gch_status gch_migrations_add(struct gch_migrations *migrations, const char *name, const char *sql) GCH_MUST_CHECK;
void gch_migrations_deinit(struct gch_migrations *migrations);

/* Makes the database when it is missing and applies what the ledger lacks; *applied counts the files. Failures are as
 * of gch_transport_send; reply says which statement it was. */
enum gch_status gch_migrations_apply(const struct gch_migrations *migrations, struct gch_transport *transport,
                                     struct gch_reply *reply, size_t *applied) GCH_MUST_CHECK;

#endif
