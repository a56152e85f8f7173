/* What a function that can fail returns, and where its words go.
 *
 * Every fallible function of the core returns enum gch_status and takes an optional struct gch_err
 * that receives one sentence for the user. The sentence names the thing and the cure, and never
 * holds a password. A gch_err lives on the caller's stack and owns nothing.
 */
#ifndef GCH_STATUS_H
#define GCH_STATUS_H

#if defined(__GNUC__)
#define GCH_MUST_CHECK        __attribute__((warn_unused_result))
#define GCH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define GCH_MUST_CHECK
#define GCH_PRINTF(fmt, args)
#endif

enum gch_status {
    GCH_OK = 0,
    GCH_ERR_NOMEM,   /* an allocation failed */
    GCH_ERR_TOO_BIG, /* a named cap was reached; nothing was changed */
    GCH_ERR_INVALID, /* an argument or a stored byte is not what it has to be */
    GCH_ERR_IO,      /* the operating system refused; gch_err holds the reason */
    GCH_ERR_FULL,    /* the outbox is at its cap */
    GCH_ERR_BUSY,    /* another process or thread owns it */
    GCH_ERR_AGAIN,   /* nothing there yet; not an error */
    GCH_ERR_STOPPED, /* the wait was ended by close() or by its time limit */
    GCH_ERR_REMOTE   /* the server answered with an error */
};

#define GCH_ERR_TEXT_MAX 512

struct gch_err {
    char text[GCH_ERR_TEXT_MAX];
};

/* Writes the sentence (cut at GCH_ERR_TEXT_MAX, on a UTF-8 boundary); err may be NULL. Returns status, so that
 * "return gch_err_set(err, GCH_ERR_IO, ...)" reads well. */
enum gch_status gch_err_set(struct gch_err *err, enum gch_status status, const char *format, ...) GCH_PRINTF(3, 4);

#endif
