/* health.h - jwtd healthcheck: is the server well? For a container that has neither a shell nor curl. */
#ifndef HEALTH_H
#define HEALTH_H

#include "listen.h"

/* Asks the server that listens at `address`, written `text` in --listen, for /healthz. The exit status: 0 if it is
 * well; 1, with the reason said, if it is not or does not answer within three seconds. */
int health_check(const char *text, const union listen_address *address);

#endif
