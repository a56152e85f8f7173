/* needs: uuid.c */
#include "uuid.h"

#include <string.h>

#include "check.h"

static void test_time_version_and_variant(void)
{
    const uint64_t random[2] = {UINT64_MAX, UINT64_MAX};
    const uint64_t none[2] = {0, 0};
    uint8_t uuid[16];
    char text[GCH_UUID_TEXT];
    gch_uuid_make(uuid, UINT64_C(0x0123456789AB), random);
    gch_uuid_text(uuid, text);
    CHECK_TEXT(text, "01234567-89ab-7fff-bfff-ffffffffffff");
    gch_uuid_make(uuid, UINT64_C(0x0123456789AC), none);
    gch_uuid_text(uuid, text);
    CHECK_TEXT(text, "01234567-89ac-7000-8000-000000000000");
}

CHECK_MAIN(test_time_version_and_variant)
