/* The few things about threads that differ between systems.
 *
 * A thread of ours blocks every signal (they belong to the experiment), has a name that says whose it is, and never
 * touches Python.
 */
#ifndef GCH_THREAD_H
#define GCH_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

enum gch_status gch_thread_start(pthread_t *thread, const char *name, void *(*body)(void *),
                                 void *argument) GCH_MUST_CHECK;

void gch_cond_init(pthread_cond_t *cond);

/* Waits for a signal on cond, at most ms milliseconds. Returns false when the time was up. Spurious returns happen. */
bool gch_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, uint32_t ms);

/* Milliseconds of a clock that never jumps. */
uint64_t gch_monotonic_ms(void);

/* Microseconds since the epoch. */
uint64_t gch_realtime_us(void);

/* Fills with random bytes that differ between processes, forked ones too. */
void gch_random(void *bytes, size_t len);

#endif
