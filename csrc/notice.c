#include "notice.h"

#include <string.h>

static const int levels[] = {
#define X(cause, level) level,
    GCH_CAUSE_MAP(X)
#undef X
};

void gch_notices_init(struct gch_notices *notices)
{
    memset(notices, 0, sizeof(*notices));
    pthread_mutex_init(&notices->lock, NULL);
}

void gch_notice_post(struct gch_notices *notices, enum gch_cause cause, const char *text)
{
    pthread_mutex_lock(&notices->lock);
    notices->entry[cause].count += 1;
    notices->entry[cause].resolved = false;
    if (!notices->entry[cause].said && !notices->entry[cause].posted) {
        notices->entry[cause].posted = true;
        strncpy(notices->entry[cause].text, text, GCH_ERR_TEXT_MAX - 1);
        atomic_store_explicit(&notices->waiting, true, memory_order_relaxed);
    }
    pthread_mutex_unlock(&notices->lock);
}

void gch_notice_resolve(struct gch_notices *notices, enum gch_cause cause)
{
    pthread_mutex_lock(&notices->lock);
    notices->entry[cause].said = false;
    notices->entry[cause].resolved = notices->entry[cause].posted;
    pthread_mutex_unlock(&notices->lock);
}

bool gch_notice_take(struct gch_notices *notices, struct gch_notice *notice)
{
    bool found = false;
    pthread_mutex_lock(&notices->lock);
    for (int cause = 0; cause < GCH_CAUSE_COUNT && !found; cause++) {
        if (!notices->entry[cause].posted)
            continue;
        found = true;
        notice->cause = (enum gch_cause)cause;
        notice->level = levels[cause];
        notice->count = notices->entry[cause].count;
        memcpy(notice->text, notices->entry[cause].text, sizeof(notice->text));
        notices->entry[cause].posted = false;
        notices->entry[cause].said = !notices->entry[cause].resolved;
        notices->entry[cause].resolved = false;
        notices->entry[cause].count = 0;
    }
    if (!found)
        atomic_store_explicit(&notices->waiting, false, memory_order_relaxed);
    pthread_mutex_unlock(&notices->lock);
    return found;
}
