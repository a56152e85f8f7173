#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/random.h>
#endif

static void set_name(pthread_t thread, const char *name)
{
#ifdef __linux__
    (void)pthread_setname_np(thread, name);
#else
    (void)thread;
    (void)name;
#endif
}

enum gch_status gch_thread_start(pthread_t *thread, const char *name, void *(*body)(void *), void *argument)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return GCH_ERR_NOMEM;
    set_name(*thread, name);
    return GCH_OK;
}

#ifdef __APPLE__
#define COND_CLOCK CLOCK_REALTIME
#else
#define COND_CLOCK CLOCK_MONOTONIC
#endif

void gch_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
#ifndef __APPLE__
    pthread_condattr_setclock(&attributes, COND_CLOCK);
#endif
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool gch_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, uint32_t ms)
{
    struct timespec until;
    clock_gettime(COND_CLOCK, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec += 1;
        until.tv_nsec -= 1000000000L;
    }
    return pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT;
}

uint64_t gch_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t gch_realtime_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool system_random(void *bytes, size_t len)
{
#ifdef __linux__
    return getrandom(bytes, len, GRND_NONBLOCK) == (ssize_t)len;
#else
    arc4random_buf(bytes, len);
    return true;
#endif
}

void gch_random(void *bytes, size_t len)
{
    if (system_random(bytes, len))
        return;
    uint64_t state = gch_realtime_us() * UINT64_C(0x9E3779B97F4A7C15) ^ ((uint64_t)getpid() << 32);
    for (size_t i = 0; i < len; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((uint8_t *)bytes)[i] = (uint8_t)(state >> 56);
    }
}
