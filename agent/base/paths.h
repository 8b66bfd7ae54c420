/* Where systemd makes the agent's state, whatever --localstatedir says. */
#pragma once

#define STATE_DIR "/var/lib/mainstay"
#define SERVER_DIR STATE_DIR "/server" /* written by mysqld's user */
#define SHADOW_DIR "/run/mainstay-shadow" /* likewise, while a server runs on a copy */
#define SHADOW_SOCKET SHADOW_DIR "/mysqld.sock"
