#include "halving.h"

static size_t half_of(size_t rows)
{
    return rows > 1 ? rows / 2 : 1;
}

size_t gch_halving_next(const struct gch_halving *halving, size_t done, size_t count)
{
    if (halving->bad_end > done)
        return half_of(halving->bad_end - done);
    size_t left = count - done;
    return halving->step == 0 || halving->step > left ? left : halving->step;
}

void gch_halving_taken(struct gch_halving *halving, size_t done)
{
    if (halving->bad_end == 0)
        halving->step = halving->step >= GCH_STEP_FORGET ? 0 : halving->step * 2;
    gch_halving_settled(halving, done);
}

void gch_halving_refused(struct gch_halving *halving, size_t done, size_t rows)
{
    if (halving->bad_end == 0)
        halving->step = half_of(rows);
    halving->bad_end = done + rows;
}

void gch_halving_settled(struct gch_halving *halving, size_t done)
{
    if (halving->bad_end <= done)
        halving->bad_end = 0;
}

void gch_halving_rebase(struct gch_halving *halving, size_t done)
{
    if (halving->bad_end > done)
        halving->step = half_of(halving->bad_end - done);
    halving->bad_end = 0;
}
