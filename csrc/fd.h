/* Closing a descriptor that a forked child may look at.
 *
 * The variable says "none" before the number is free again: a fork between the two then leaves the child an open descriptor more, and never one
 * that it closes although it has become somebody else's file.
 */
#ifndef GCH_FD_H
#define GCH_FD_H

#include <unistd.h>

static inline void gch_fd_close(int *fd)
{
    int open = *fd;
    *(volatile int *)fd = -1;
    if (open >= 0)
        (void)close(open);
}

#endif
