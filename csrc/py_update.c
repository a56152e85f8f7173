#include "py_update.h"

#include <string.h>

#include "py_value.h"
#include "rowbinary.h"
#include "update.h"
#include "utf8.h"

/* Writes a text into the row buffer as a column would be, and remembers where its bytes lie, at most
 * GCH_UPDATE_TEXT_MAX of them. */
static int put_text(struct gch_convert *convert, PyObject *value, size_t *start, size_t *len)
{
    size_t before = convert->row->len;
    int status = gch_value_text(convert, value);
    *start = gch_row_text_start(convert->row, before);
    *len = convert->row->len > *start ? convert->row->len - *start : 0;
    if (*len > GCH_UPDATE_TEXT_MAX) {
        *len = gch_utf8_floor(convert->row->data + *start, GCH_UPDATE_TEXT_MAX);
        gch_count(&convert->counters->values_cut, 1);
    }
    return status;
}

/* A run that is over has an end; the field's words for one that is not are few. */
static bool goes_on(const char *status, size_t len)
{
    static const char *const words[] = {"running", "pending", "queued", "resumed", "starting", "paused"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (len == strlen(words[i]) && memcmp(words[i], status, len) == 0)
            return true;
    }
    return false;
}

int gch_row_put_update(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values)
{
    struct gch_convert *convert = &context->convert;
    size_t starts[3];
    size_t lens[3];
    uint64_t version = gch_logger_version(context->logger);
    int64_t at_ms = (int64_t)(version / 1000);
    int status = gch_value_time(convert, values[method->timestamp], &at_ms);
    size_t start = convert->row->len;
    /* run_id, status, error, then total_generations as Int32 behind them. */
    static const int texts[3] = {0, 1, 4};
    for (int i = 0; i < 3 && status == 0; i++)
        status = put_text(convert, values[texts[i]], &starts[i], &lens[i]);
    if (status == 0 && (values[2] == NULL || values[2] == Py_None))
        gch_rb_i32(convert->row, -1);
    else if (status == 0)
        status = gch_value_i32(convert, values[2]);
    if (status != 0 || gch_buf_status(convert->row) != GCH_OK)
        return status;
    struct gch_update update = {.run_id_len = lens[0], .status_len = lens[1], .error_len = lens[2]};
    memcpy(&update.total_generations, convert->row->data + convert->row->len - 4, 4);
    const char *bytes = (const char *)convert->row->data;
    update.run_id = bytes + starts[0];
    update.status = bytes + starts[1];
    update.error = bytes + starts[2];
    update.at_ms = at_ms;
    update.end_time_ms = update.status_len == 0 ? -1 : goes_on(update.status, update.status_len) ? 0 : at_ms;
    update.version_us = (int64_t)version;
    gch_buf_reset(convert->numbers);
    gch_update_put(convert->numbers, &update);
    gch_buf_truncate(convert->row, start);
    gch_buf_append(convert->row, convert->numbers->data, convert->numbers->len);
    if (gch_buf_status(convert->numbers) != GCH_OK)
        convert->row->status = gch_buf_status(convert->numbers);
    return 0;
}
