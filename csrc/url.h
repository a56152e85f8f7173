/* A ClickHouse URL taken apart: http(s)://user:password@host:port/database?setting=value&...
 *
 * Everything is percent-decoded. User, password, port, database and settings may be missing: "default", "", 8123 or
 * 8443, "default", none. IPv6 hosts stand in brackets. Schemes clickhouse:// and clickhouses:// mean http and https, as
 * elsewhere in the field. The error sentence names what is wrong with the URL and shows the form wanted, and never
 * holds the password (nor anything before the last '@').
 */
#ifndef GCH_URL_H
#define GCH_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

#define GCH_URL_MAX 4096

struct gch_url {
    bool tls;
    uint16_t port;
    char *host; /* without brackets */
    char *user;
    char *password;
    char *database;
    char *settings; /* still encoded: "a=1&b=2", or "" */
    char *base;     /* "http://host:port/", what libcurl is given: no user, no password */
    char *shown;    /* "http://user@host:port/database", for people: no password, no settings */
};

enum gch_status gch_url_parse(struct gch_url *url, const char *text, struct gch_err *err) GCH_MUST_CHECK;

/* Frees; the password is overwritten first. Safe on a zeroed struct and twice. */
void gch_url_deinit(struct gch_url *url);

#endif
