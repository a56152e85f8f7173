/* needs: json_read.c status.c utf8.c buf.c ; libs: libcjson */
/* Any endpoint.json: what is accepted is whole and fits, and is refused again when something is missing or behind it.
 */
#include "fuzz.h"

#include "json_read.h"

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gch_endpoint endpoint;
    struct gch_endpoint other;
    struct gch_err err = {""};
    char *text = (char *)fuzz_copy(data, size);
    if (gch_json_read_endpoint(&endpoint, text, size, &err) == GCH_OK) {
        FUZZ_CHECK(strnlen(endpoint.url, sizeof endpoint.url) - 1 < sizeof endpoint.url - 1);
        FUZZ_CHECK(strnlen(endpoint.token, sizeof endpoint.token) - 1 < sizeof endpoint.token - 1);
        FUZZ_CHECK(endpoint.pid > 0 && size <= GCH_ENDPOINT_FILE_MAX);
        char *longer = fuzz_text(data, size);
        longer[size] = 'x';
        FUZZ_CHECK(gch_json_read_endpoint(&other, longer, size + 1, &err) != GCH_OK);
        free(longer);
        while (is_space(data[size - 1]))
            size--;
        char *shorter = (char *)fuzz_copy(data, size - 1);
        FUZZ_CHECK(gch_json_read_endpoint(&other, shorter, size - 1, &err) != GCH_OK);
        free(shorter);
    } else {
        fuzz_check_sentence(err.text, sizeof err.text);
        FUZZ_CHECK(size <= GCH_ENDPOINT_FILE_MAX || strstr(err.text, "larger") != NULL);
    }
    free(text);
    return 0;
}
