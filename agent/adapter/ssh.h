/* The way to a peer through ssh: whom to call, how, and what ssh made of it.
 *
 * ssh joins our end to systemd-stdio-bridge on the other side, as `busctl -H`
 * does. Here are the address, the command line and the words; who runs it is
 * the peer.
 */
#pragma once

#include "base/macro.h"

#include <limits.h>

#define SSH_USER "mainstay-peer"
#define SSH_HOST_SIZE 256
#define SSH_USER_SIZE 33
#define SSH_ARGV_MAX 48
#define SSH_REASON_SIZE 256

typedef struct SshTarget {
        char host[SSH_HOST_SIZE];
        char user[SSH_USER_SIZE];
        uint16_t port; /* 0: ssh's own default */
} SshTarget;

/* [ssh:][USER@]HOST[:PORT]; an IPv6 address with a port stands in brackets.
 * -EINVAL for anything else, among it whatever ssh could take for an option. */
int ssh_target_parse(const char *address, SshTarget *ret);

/* Borrows from itself, from the target and from `program`: do not move it. */
typedef struct SshCommand {
        const char *argv[SSH_ARGV_MAX];
        char key[PATH_MAX];
        char known_hosts[PATH_MAX + sizeof("UserKnownHostsFile=")];
        char port[6];
} SshCommand;

/* -ENAMETOOLONG for a `key_dir` of such length. */
int ssh_command(const SshTarget *target, const char *program, const char *key_dir, SshCommand *ret);

/* Why it ended, from what it wrote to stderr and its exit status, for a person. Returns `buf`. */
const char *ssh_reason(const char *complaint, int status, char buf[static SSH_REASON_SIZE]);
