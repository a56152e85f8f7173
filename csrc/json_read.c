#include "json_read.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

static bool read_text(const cJSON *object, const char *name, char *out, size_t room)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    size_t len = text == NULL ? 0 : strlen(text);
    if (len == 0 || len >= room)
        return false;
    memcpy(out, text, len + 1);
    return true;
}

static bool read_pid(const cJSON *object, long *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, "pid");
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 1 && item->valuedouble <= INT_MAX))
        return false;
    *out = (long)item->valuedouble;
    return (double)*out == item->valuedouble;
}

/* A file that is cut short or has something behind its object was not written by the server. */
static cJSON *parse_object(const char *text, size_t len)
{
    const char *end = NULL;
    cJSON *object = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    while (object != NULL && end < text + len && strchr(" \t\r\n", *end) != NULL && *end != '\0')
        end++;
    if (object != NULL && (end < text + len || !cJSON_IsObject(object))) {
        cJSON_Delete(object);
        object = NULL;
    }
    return object;
}

enum gch_status gch_json_read_endpoint(struct gch_endpoint *endpoint, const char *text, size_t len, struct gch_err *err)
{
    *endpoint = (struct gch_endpoint){0};
    if (len > GCH_ENDPOINT_FILE_MAX)
        return gch_err_set(err, GCH_ERR_TOO_BIG, "endpoint.json is larger than %d bytes", GCH_ENDPOINT_FILE_MAX);
    cJSON *object = parse_object(text, len);
    if (object == NULL)
        return gch_err_set(err, GCH_ERR_INVALID, "endpoint.json is not a JSON object");
    enum gch_status status = GCH_OK;
    if (!read_text(object, "url", endpoint->url, sizeof endpoint->url))
        status = gch_err_set(err, GCH_ERR_INVALID, "endpoint.json has no usable \"url\"");
    else if (!read_text(object, "token", endpoint->token, sizeof endpoint->token))
        status = gch_err_set(err, GCH_ERR_INVALID, "endpoint.json has no usable \"token\"");
    else if (!read_pid(object, &endpoint->pid))
        status = gch_err_set(err, GCH_ERR_INVALID, "endpoint.json has no usable \"pid\"");
    cJSON_Delete(object);
    return status;
}
