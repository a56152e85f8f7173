/* The ledger: the table genesis_schema_migrations, which says what a database has been through.
 *
 *     no row, or 'undone'  not applied
 *     'applied'            applied; written after the last statement of the up file
 *     'undoing'            being taken back, or that was interrupted; written before the first statement of the down
 *                          file, and 'undone' after its last
 *
 * So a crash at any statement leaves a ledger that says what is to be done again: a file that is not 'applied' is
 * applied from its beginning, one that is 'undoing' is taken back from its beginning, or applied again by whoever only
 * applies. Nobody has to force anything. The newest row of a name counts (ReplacingMergeTree, read with FINAL). A
 * ledger of release 0.1 has no column `state`: all that it holds is applied. Names may be of a newer release.
 */
#ifndef GCH_LEDGER_H
#define GCH_LEDGER_H

#include "migration.h"
#include "transport.h"

#define GCH_LEDGER_TABLE       "genesis_schema_migrations"
#define GCH_LEDGER_ENTRIES_MAX (2 * GCH_MIGRATIONS_MAX)

struct gch_ledger_entry {
    char name[GCH_MIGRATION_NAME_MAX];
    char applied_at[32]; /* as the server writes it */
    bool undoing;
};

struct gch_ledger {
    struct gch_ledger_entry *entries; /* by name, without those that are undone */
    size_t count;
    bool no_database;
    bool no_table;
    bool no_state;   /* it is of release 0.1, or empty, so that nobody can tell */
    bool unreadable; /* the account may not read it: nothing is known */
};

/* True for a code that says: this account may not do that, and asking again does not help. */
bool gch_code_is_refusal(int code);

/* One query, which asks for the server's release as well: transport->release. Failures are as of gch_transport_send; a
 * database or table that is missing and one that may not be read are none. Deinit it in any case. */
enum gch_status gch_ledger_read(struct gch_ledger *ledger, struct gch_transport *transport,
                                struct gch_reply *reply) GCH_MUST_CHECK;

/* Takes the query's TabSeparated answer; GCH_ERR_INVALID: it is none. */
enum gch_status gch_ledger_parse(struct gch_ledger *ledger, const uint8_t *text, size_t len) GCH_MUST_CHECK;
void gch_ledger_deinit(struct gch_ledger *ledger);

/* From here on nothing is known, as if it were unreadable: every migration is to be applied, once more or not. */
void gch_ledger_forget(struct gch_ledger *ledger);

/* NULL: not applied. */
const struct gch_ledger_entry *gch_ledger_find(const struct gch_ledger *ledger, const char *name);
bool gch_ledger_has_applied(const struct gch_ledger *ledger, const char *name);

/* The statements that write it, as text without a semicolon. */
void gch_ledger_put_create(struct gch_buf *sql);
void gch_ledger_put_state_column(struct gch_buf *sql);
void gch_ledger_put_row(struct gch_buf *sql, const char *name, const char *state);

#endif
