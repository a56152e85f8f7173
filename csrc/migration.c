#include "migration.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= GCH_MIGRATION_NAME_MAX || !isdigit((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (name[i] != '_' && !isalnum((unsigned char)name[i]))
            return false;
    }
    return true;
}

enum gch_status gch_migrations_add(struct gch_migrations *migrations, const char *name, const char *up,
                                   const char *down)
{
    if (!is_name(name))
        return GCH_ERR_INVALID;
    unsigned long number = strtoul(name, NULL, 10);
    if (migrations->count > 0 && number <= migrations->list[migrations->count - 1].number)
        return GCH_ERR_INVALID;
    if (migrations->count >= GCH_MIGRATIONS_MAX)
        return GCH_ERR_TOO_BIG;
    struct gch_migration *list = realloc(migrations->list, (migrations->count + 1) * sizeof(*list));
    if (list == NULL)
        return GCH_ERR_NOMEM;
    migrations->list = list;
    struct gch_migration *added = &list[migrations->count];
    migrations->count += 1;
    added->name = strdup(name);
    added->number = number;
    added->up = strdup(up);
    added->down = strdup(down);
    return added->name != NULL && added->up != NULL && added->down != NULL ? GCH_OK : GCH_ERR_NOMEM;
}

void gch_migrations_deinit(struct gch_migrations *migrations)
{
    for (size_t i = 0; i < migrations->count; i++) {
        free(migrations->list[i].name);
        free(migrations->list[i].up);
        free(migrations->list[i].down);
    }
    free(migrations->list);
    memset(migrations, 0, sizeof(*migrations));
}

const struct gch_migration *gch_migrations_find(const struct gch_migrations *migrations, const char *name)
{
    for (size_t i = 0; i < migrations->count; i++) {
        if (strcmp(migrations->list[i].name, name) == 0)
            return &migrations->list[i];
    }
    return NULL;
}

/* Where the first word behind spaces, lone semicolons and comment lines is; end when there is none. */
static const char *first_word(const char *at, const char *end)
{
    while (at < end) {
        if (isspace((unsigned char)*at) || *at == ';') {
            at++;
        } else if (end - at >= 2 && at[0] == '-' && at[1] == '-') {
            const char *line_end = memchr(at, '\n', (size_t)(end - at));
            at = line_end == NULL ? end : line_end + 1;
        } else {
            return at;
        }
    }
    return end;
}

/* The semicolon of the statement that begins at `word`, or the end of the text. */
static const char *semicolon(const char *word)
{
    const char *end = strstr(word, ";\n");
    if (end != NULL)
        return end;
    end = word + strlen(word);
    return end > word && end[-1] == ';' ? end - 1 : end;
}

bool gch_statement_next(const char **at, const char **statement, size_t *len)
{
    const char *start = *at;
    const char *word = first_word(start, start + strlen(start));
    if (*word == '\0') {
        *at = word;
        return false;
    }
    const char *end = semicolon(word);
    *at = *end == '\0' ? end : end + 1;
    while (isspace((unsigned char)*start) || *start == ';')
        start++;
    while (end > word && isspace((unsigned char)end[-1]))
        end--;
    *statement = start;
    *len = (size_t)(end - start);
    return true;
}
