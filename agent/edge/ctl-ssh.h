/* The bus of another node, as this node's agent would reach it. */
#pragma once

#include "adapter/ssh.h"

#include <systemd/sd-bus.h>

/* unix:path=... and the like, as against a host. */
bool address_is_bus(const char *address);

/* An sd-bus address that runs `argv`; free `*ret`. */
int address_from_argv(const char *const *argv, char **ret);

/* What a person does where ssh ended with this status and wrote this to stderr. */
const char *ssh_remedy(const char *complaint, int status);
