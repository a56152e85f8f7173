#include "ticket.h"

#include "thread.h"

struct gch_ticket gch_ticket_ask_flush(struct gch_sender *sender)
{
    pthread_mutex_lock(&sender->lock);
    struct gch_ticket ticket = {++sender->flush_wanted, sender->attempts_failed};
    pthread_cond_signal(&sender->wake);
    pthread_mutex_unlock(&sender->lock);
    return ticket;
}

static bool hopeless_locked(const struct gch_sender *sender, struct gch_ticket ticket)
{
    return sender->ended || (sender->report.state == GCH_SENDER_PAUSED && sender->attempts_failed != ticket.failures);
}

enum gch_status gch_ticket_wait_flush(struct gch_sender *sender, struct gch_ticket ticket, uint32_t wait_ms)
{
    pthread_mutex_lock(&sender->lock);
    if (sender->flush_done < ticket.id && !hopeless_locked(sender, ticket))
        (void)gch_cond_wait_ms(&sender->news, &sender->lock, wait_ms);
    enum gch_status status = sender->flush_done >= ticket.id   ? GCH_OK
                             : hopeless_locked(sender, ticket) ? GCH_ERR_REMOTE
                                                               : GCH_ERR_AGAIN;
    pthread_mutex_unlock(&sender->lock);
    return status;
}

struct gch_ticket gch_ticket_ask_connect(struct gch_sender *sender)
{
    pthread_mutex_lock(&sender->lock);
    struct gch_ticket ticket = {++sender->connect_wanted, sender->attempts_failed};
    atomic_store(&sender->connect_waits, true);
    pthread_cond_signal(&sender->wake);
    pthread_mutex_unlock(&sender->lock);
    return ticket;
}

static enum gch_status connect_status_locked(const struct gch_sender *sender, struct gch_ticket ticket)
{
    if (sender->connect_done >= ticket.id)
        return GCH_OK;
    return sender->connect_failed >= ticket.id || sender->ended ? GCH_ERR_REMOTE : GCH_ERR_AGAIN;
}

enum gch_status gch_ticket_wait_connect(struct gch_sender *sender, struct gch_ticket ticket, uint32_t wait_ms)
{
    pthread_mutex_lock(&sender->lock);
    if (connect_status_locked(sender, ticket) == GCH_ERR_AGAIN)
        (void)gch_cond_wait_ms(&sender->news, &sender->lock, wait_ms);
    enum gch_status status = connect_status_locked(sender, ticket);
    pthread_mutex_unlock(&sender->lock);
    return status;
}

void gch_sender_get_report(struct gch_sender *sender, struct gch_sender_report *report)
{
    pthread_mutex_lock(&sender->lock);
    *report = sender->report;
    pthread_mutex_unlock(&sender->lock);
}
