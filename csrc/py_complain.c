#include "py_complain.h"

#include "likeness.h"

/* The argument of the method that an unknown one may have meant. */
static const char *nearest_argument(const struct gch_method *method, const char *name)
{
    size_t best = 0;
    const char *nearest = NULL;
    for (int i = 0; i < method->count; i++) {
        size_t like = gch_likeness(name, method->arguments[i].name);
        if (like > best && 2 * like > strlen(name))
            nearest = method->arguments[i].name;
        best = like > best ? like : best;
    }
    return nearest;
}

void gch_complain(struct gch_logger *logger, const struct gch_method *method, const struct gch_bind_trouble *trouble)
{
    struct gch_err err;
    const char *name = trouble->argument;
    const char *nearest = NULL;
    if (trouble->name != NULL) {
        name = PyUnicode_AsUTF8(trouble->name);
        nearest = name == NULL ? NULL : nearest_argument(method, name);
        PyErr_Clear();
    }
    gch_count(&logger->counters.arguments_ignored, 1);
    (void)gch_err_set(&err, GCH_ERR_INVALID,
                      "%s(): %s%s%.100s%s%s; the row is stored without it, see help(ch_logger.%s)", method->name,
                      trouble->what, name == NULL ? "" : ": ", name == NULL ? "" : name,
                      nearest == NULL ? "" : ", did you mean ", nearest == NULL ? "" : nearest, method->name);
    gch_notice_post(&logger->notices, GCH_CAUSE_ARGUMENT, err.text);
}

void gch_complain_refused(struct gch_logger *logger, const struct gch_method *method, bool too_big)
{
    gch_count(&logger->counters.rows_dropped, 1);
    if (!too_big)
        return;
    struct gch_err err;
    (void)gch_err_set(&err, GCH_ERR_TOO_BIG,
                      "%s(): a row larger than %u MiB cannot be stored and was dropped; log less text at once",
                      method->name, GCH_PAYLOAD_MAX >> 20);
    gch_notice_post(&logger->notices, GCH_CAUSE_TOO_BIG, err.text);
}
