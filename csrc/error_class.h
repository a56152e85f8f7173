/* What a failed delivery means for the rows in it.
 *
 * One table maps ClickHouse error codes to a class; where the reply carries none of them, the HTTP status decides; what
 * neither knows is RETRY, so an unknown error never loses a row.
 */
#ifndef GCH_ERROR_CLASS_H
#define GCH_ERROR_CLASS_H

/* X(name, what the sender does) */
#define GCH_ERROR_CLASS_MAP(X)                                                                                         \
    X(NONE, "the rows are stored")                                                                                     \
    X(RETRY, "wait and send the same rows again")                                                                      \
    X(AUTH, "keep the rows, say so once, try again slowly")                                                            \
    X(SCHEMA, "keep this table's rows aside, check the tables, try them later")                                        \
    X(REJECT, "halve the batch down to the bad row and put that one in quarantine")                                    \
    X(SPLIT, "send the rows in smaller batches")

enum gch_error_class {
#define X(name, what) GCH_CLASS_##name,
    GCH_ERROR_CLASS_MAP(X)
#undef X
};

/* Stands for an exception whose code could not be read. ClickHouse uses no negative number. */
#define GCH_CODE_UNREADABLE (-1)

/* code is the ClickHouse error code or 0, http_status the status or 0 when there was no reply at all.
 * A 2xx status with code 0 is NONE. */
enum gch_error_class gch_error_classify(int code, int http_status);

/* The code's name ("TABLE_IS_READ_ONLY"), or NULL for one that is not in the table. */
const char *gch_error_code_name(int code);

#endif
