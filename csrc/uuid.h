/* UUIDs of version 7: milliseconds first, so that ids of one hour lie together; the rest is random. */
#ifndef GCH_UUID_H
#define GCH_UUID_H

#include <stdint.h>

#define GCH_UUID_TEXT 37 /* 36 characters and a NUL */

void gch_uuid_make(uint8_t uuid[16], uint64_t now_ms, const uint64_t random[2]);

/* 8-4-4-4-12 hexadecimal digits. */
void gch_uuid_text(const uint8_t uuid[16], char text[GCH_UUID_TEXT]);

#endif
