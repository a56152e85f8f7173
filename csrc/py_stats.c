#include "py_stats.h"

#include "py_core.h"
#include "ticket.h"

static int set_number(PyObject *dict, const char *name, uint64_t number)
{
    PyObject *value = PyLong_FromUnsignedLongLong(number);
    int status = value == NULL ? -1 : PyDict_SetItemString(dict, name, value);
    Py_XDECREF(value);
    return status;
}

static int set_text(PyObject *dict, const char *name, const char *text)
{
    PyObject *value = text == NULL ? Py_NewRef(Py_None) : gch_text(text);
    int status = value == NULL ? -1 : PyDict_SetItemString(dict, name, value);
    Py_XDECREF(value);
    return status;
}

static int put_counters(PyObject *stats, const struct gch_counters *counters)
{
#define X(name, what)                                                                                                  \
    if (set_number(stats, #name, gch_counted(&counters->name)) != 0)                                                   \
        return -1;
    GCH_COUNTER_MAP(X)
#undef X
    return 0;
}

static const char *mode_word(enum gch_mode mode)
{
    return mode == GCH_MODE_HTTP ? "http" : mode == GCH_MODE_EMBEDDED ? "embedded" : "disabled";
}

static int put_live(PyObject *stats, struct gch_logger *logger)
{
    struct gch_sender_report report;
    gch_sender_get_report(&logger->sender, &report);
    uint64_t bytes = gch_counted(&logger->outbox.own_bytes) + gch_counted(&logger->outbox.other_bytes);
    if (set_text(stats, "mode", mode_word(logger->place.mode)) != 0 ||
        set_text(stats, "destination", logger->place.shown) != 0 ||
        set_text(stats, "outbox_path", logger->place.outbox) != 0 || set_number(stats, "outbox_bytes", bytes) != 0 ||
        set_number(stats, "outbox_backlog_bytes", gch_outbox_backlog(&logger->outbox)) != 0 ||
        set_number(stats, "rows_pending", gch_logger_pending(logger)) != 0 ||
        set_text(stats, "state", logger->sender.started ? gch_sender_state_word(report.state) : "stopped") != 0 ||
        set_text(stats, "last_error", report.last_error.text[0] != '\0' ? report.last_error.text : NULL) != 0 ||
        set_text(stats, "server_version", report.release.text[0] != '\0' ? report.release.text : NULL) != 0 ||
        set_number(stats, "migrations_applied", report.migrations_applied) != 0)
        return -1;
    return put_counters(stats, &logger->counters);
}

/* Nothing is open: the place that would be used, and zeros. */
static int put_closed(PyObject *stats, struct gch_py_logger *self)
{
    static const struct gch_counters none;
    struct gch_place place;
    int status = gch_core_look(self, &place);
    bool disabled = place.mode == GCH_MODE_DISABLED;
    if (status != 0 || set_text(stats, "mode", mode_word(place.mode)) != 0 ||
        set_text(stats, "destination", disabled ? place.reason.text : place.shown) != 0 ||
        set_text(stats, "outbox_path", place.outbox) != 0 || set_number(stats, "outbox_bytes", 0) != 0 ||
        set_number(stats, "outbox_backlog_bytes", 0) != 0 || set_number(stats, "rows_pending", 0) != 0 ||
        set_text(stats, "state", disabled ? "disabled" : "closed") != 0 ||
        set_text(stats, "last_error", gch_py_logger_is_broken(self) ? place.reason.text : NULL) != 0 ||
        set_text(stats, "server_version", NULL) != 0 || set_number(stats, "migrations_applied", 0) != 0)
        status = -1;
    gch_place_deinit(&place);
    if (status == 0)
        status = put_counters(stats, &none);
    if (status == 0 && gch_py_logger_is_broken(self))
        status = set_number(stats, "rows_logged", self->disabled_rows) != 0 ||
                         set_number(stats, "rows_dropped", self->disabled_rows) != 0
                     ? -1
                     : 0;
    return status;
}

PyObject *gch_stats_get(PyObject *object, PyObject *unused)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    (void)unused;
    PyObject *stats = PyDict_New();
    if (stats == NULL)
        return NULL;
    bool open = self->core != NULL && !gch_logger_inherited(self->core->logger);
    int status = open ? put_live(stats, self->core->logger) : put_closed(stats, self);
    if (status == 0)
        status = set_text(stats, "libcurl_version", gch_transport_library());
    if (status != 0)
        Py_CLEAR(stats);
    return stats;
}
