/* needs: multipart.c thread.c buf.c status.c utf8.c */
#include "multipart.h"

#include <stdio.h>

#include "check.h"

static struct gch_multipart form;

static void test_fields_and_a_file(void)
{
    char want[1024];
    gch_multipart_begin(&form);
    gch_multipart_put_text(&form, "query", "SELECT 1");
    gch_multipart_put_parameter(&form, "a", "x\ty\\z'\0\n", 8);
    gch_multipart_begin_file(&form, "_rows");
    gch_buf_append(&form.bytes, "\0\r\n--", 5);
    gch_multipart_end_file(&form);
    gch_multipart_end(&form);
    int len = snprintf(want, sizeof(want),
                       "--%s\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 1\r\n"
                       "--%s\r\nContent-Disposition: form-data; name=\"param_a\"\r\n\r\nx\\ty\\\\z\\'\\0\\n\r\n"
                       "--%s\r\nContent-Disposition: form-data; name=\"_rows\"; filename=\"rows\"\r\n"
                       "Content-Type: application/octet-stream\r\n\r\n_\r\n--\r\n--%s--\r\n",
                       form.boundary, form.boundary, form.boundary, form.boundary);
    char *file = strstr(want, "\r\n\r\n_\r\n--");
    CHECK(file != NULL);
    file[4] = '\0';
    CHECK_INT(gch_buf_status(&form.bytes), GCH_OK);
    CHECK_BYTES(form.bytes.data, form.bytes.len, want, (size_t)len);
}

/* A value cannot be made to hold what nobody knows before. */
static void test_every_form_has_a_boundary_of_its_own(void)
{
    char before[sizeof(form.boundary)];
    for (int i = 0; i < 100; i++) {
        memcpy(before, form.boundary, sizeof(before));
        gch_multipart_begin(&form);
        CHECK_INT(form.bytes.len, 0);
        CHECK(strcmp(before, form.boundary) != 0 && strlen(form.boundary) == strlen("genesis-ch-") + 32);
    }
}

static void begin(void)
{
    gch_multipart_init(&form, 1 << 20);
}

static void end(void)
{
    gch_multipart_deinit(&form);
}

CHECK_MAIN(begin, test_fields_and_a_file, test_every_form_has_a_boundary_of_its_own, end)
