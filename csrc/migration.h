/* The migrations: numbered pairs of files of sql/migrations, each with what makes a change and what undoes it.
 *
 * NNNN_name.up.sql and NNNN_name.down.sql, as golang-migrate names them. A statement ends at a semicolon that ends its
 * line; comment lines stand in front of the statement that they explain. Each statement can be repeated, also after
 * later ones of its file, so a file that was left half-way is simply run again from its beginning.
 */
#ifndef GCH_MIGRATION_H
#define GCH_MIGRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "status.h"

#define GCH_MIGRATIONS_MAX     256
#define GCH_MIGRATION_NAME_MAX 128 /* with the NUL */

struct gch_migration {
    char *name; /* "0001_evolution": digits, letters and _ */
    unsigned long number;
    char *up;
    char *down;
};

/* In the order of their numbers. A zeroed struct is an empty list. */
struct gch_migrations {
    struct gch_migration *list;
    size_t count;
};

/* Copies. GCH_ERR_INVALID: the name is not as above, or its number is not above that of the one before. */
enum gch_status gch_migrations_add(struct gch_migrations *migrations, const char *name, const char *up,
                                   const char *down) GCH_MUST_CHECK;
void gch_migrations_deinit(struct gch_migrations *migrations);

/* NULL: this release knows none of that name. */
const struct gch_migration *gch_migrations_find(const struct gch_migrations *migrations, const char *name);

/* Takes the next statement from *at, which moves behind it: from its first comment or word to its last, without the
 * semicolon. False: there is none; what is only comments is none. */
bool gch_statement_next(const char **at, const char **statement, size_t *len);

#endif
