#include "uuid.h"

#include <stdbool.h>
#include <string.h>

void gch_uuid_make(uint8_t uuid[16], uint64_t now_ms, const uint64_t random[2])
{
    memcpy(uuid, random, 16);
    for (int i = 0; i < 6; i++)
        uuid[i] = (uint8_t)(now_ms >> (40 - 8 * i));
    uuid[6] = (uint8_t)((uuid[6] & 0x0F) | 0x70);
    uuid[8] = (uint8_t)((uuid[8] & 0x3F) | 0x80);
}

void gch_uuid_text(const uint8_t uuid[16], char text[GCH_UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *to = text;
    for (int i = 0; i < 16; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        if (dash)
            *to++ = '-';
        *to++ = digits[uuid[i] >> 4];
        *to++ = digits[uuid[i] & 15];
    }
    *to = '\0';
}
