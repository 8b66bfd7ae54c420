/* Where systemd makes the agent's state, whatever --localstatedir says. */
#pragma once

#define STATE_DIR "/var/lib/mainstay"
#define SERVER_DIR STATE_DIR "/server" /* written by mysqld's user */
