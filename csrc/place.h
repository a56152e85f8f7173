/* Where rows go: which server, which directory, which outbox.
 *
 *     CLICKHOUSE_URL     engine         rows go to
 *     set                either         that server; outbox in $XDG_STATE_HOME/genesis_ch/outbox/<hash>
 *     not set            installed      the nearest .genesis_ch/ upward of the working directory, or one made in it
 *     not set            not installed  nowhere: disabled
 *
 * The hash is of the URL without its password. GENESIS_CH_HOME names the embedded directory, and moves a server's
 * outbox to HOME/outbox/<hash>. All paths are made absolute here.
 */
#ifndef GCH_PLACE_H
#define GCH_PLACE_H

#include <stdbool.h>

#include "settings.h"
#include "transport.h"
#include "url.h"

struct gch_place {
    enum gch_mode mode;       /* http, embedded or disabled */
    enum gch_trouble trouble; /* why it is disabled, when it should not be */
    struct gch_url url;       /* of http */
    char *home;               /* of embedded: the .genesis_ch directory */
    char *ca_file;            /* of http; "": the system's certificates */
    char *outbox;
    char *shown;           /* the destination for people: no password */
    struct gch_err reason; /* of disabled: one sentence with the cure */
};

/* Never fails for a wrong setting: the place is then disabled and says why. */
enum gch_status gch_place_resolve(struct gch_place *place, const struct gch_settings *settings,
                                  bool embedded_installed) GCH_MUST_CHECK;
void gch_place_deinit(struct gch_place *place);

#endif
