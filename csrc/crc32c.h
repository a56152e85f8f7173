/* CRC-32C (Castagnoli), as in iSCSI and ext4: the check of every frame in the outbox.
 *
 * Uses SSE4.2 or ARMv8 instructions where the processor has them, found once, and tables elsewhere; both give the same
 * value. Chain by passing the last result as seed; start with 0. Any thread.
 */
#ifndef GCH_CRC32C_H
#define GCH_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t gch_crc32c(uint32_t seed, const void *bytes, size_t len);

/* The table version, for tests. */
uint32_t gch_crc32c_portable(uint32_t seed, const void *bytes, size_t len);

#endif
