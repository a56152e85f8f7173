/* The shortest decimal text that reads back as the same double (Schubfach, R. Giulietti), written as Python's repr()
 * writes it, so that a JSON text of ours equals json.dumps to the letter.
 */
#ifndef GCH_DTOA_H
#define GCH_DTOA_H

#include <stddef.h>
#include <stdint.h>

#define GCH_DTOA_MAX 32 /* bytes that any double or 64-bit integer needs, without a NUL */

/* Writes value, which must be finite, to out (GCH_DTOA_MAX bytes) and returns the length. 1.0 -> "1.0", 1e22 ->
 * "1e+22". */
size_t gch_dtoa(double value, char *out);

size_t gch_itoa(int64_t value, char *out);

#endif
