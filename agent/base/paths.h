/* Where systemd makes the agent's state, whatever --localstatedir says. */
#pragma once

#define STATE_DIR "/var/lib/mainstay"
#define SERVER_DIR STATE_DIR "/server" /* written by mysqld's user */
#define RECOVER_DIR "/run/mainstay-recover" /* the server's, while it is asked for its position */
#define SHADOW_DIR "/run/mainstay-shadow" /* likewise, while a server runs on a copy */
#define SHADOW_SOCKET SHADOW_DIR "/mysqld.sock"
