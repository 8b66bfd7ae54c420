/* The way to a peer through ssh; see ssh.h. */
#include "adapter/ssh.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <ctype.h>

/* The host keys are those that were put there when the peers were made known
 * to each other: an agent cannot answer questions, and a key that nobody has
 * looked at is no proof of anything. */
static const char *const options[] = {
        "BatchMode=yes",
        "ConnectTimeout=5",
        "ConnectionAttempts=1",
        "ServerAliveInterval=5",
        "ServerAliveCountMax=3",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
        "IdentitiesOnly=yes",
        "PreferredAuthentications=publickey",
        /* Preferred, not required. The one that newer releases prefer takes 100 ms longer
         * (measured with OpenSSH 9.2), of each of the connections that all nodes open at
         * once when the power is back; and what is said here keeps no secret for years. */
        "KexAlgorithms=^curve25519-sha256",
        "ClearAllForwardings=yes",
        "ControlMaster=no",
        "ControlPath=none",
        "LogLevel=INFO",
};

/* A name's first byte is a letter or a digit, so that it is no option. */
static bool word_valid(const char *s, size_t n, const char *extra) {
        if (n == 0 || !isalnum((unsigned char) s[0]))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char) s[i]) && !memchr(extra, s[i], strlen(extra)))
                        return false;
        return true;
}

int ssh_target_parse(const char *address, SshTarget *ret) {
        SshTarget t = { .user = SSH_USER };
        const char *at, *host, *port = NULL;
        size_t n;
        int r;

        if (strncmp(address, "ssh:", 4) == 0)
                address += 4;

        at = strchr(address, '@');
        if (at) {
                n = (size_t) (at - address);
                if (n >= sizeof(t.user) || !word_valid(address, n, "._-"))
                        return -EINVAL;
                memcpy(t.user, address, n);
                t.user[n] = '\0';
                address = at + 1;
        }

        host = address;
        n = strlen(host);
        if (*host == '[') {
                const char *end = strchr(++host, ']');
                if (!end || (end[1] != '\0' && end[1] != ':'))
                        return -EINVAL;
                n = (size_t) (end - host);
                if (end[1] == ':')
                        port = end + 2;
        } else {
                const char *colon = strchr(host, ':');
                if (colon && !strchr(colon + 1, ':')) { /* with two it is a bare IPv6 address */
                        n = (size_t) (colon - host);
                        port = colon + 1;
                }
        }
        if (n >= sizeof(t.host))
                return -EINVAL;
        memcpy(t.host, host, n);
        t.host[n] = '\0';
        if (strchr(t.host, ':') ? inet_pton(AF_INET6, t.host, &(struct in6_addr) {}) != 1 : !word_valid(t.host, n, "._-"))
                return -EINVAL;

        if (port) {
                int64_t number;
                r = number_parse(port, strlen(port), 1, UINT16_MAX, &number);
                if (r < 0)
                        return -EINVAL;
                t.port = (uint16_t) number;
        }

        *ret = t;
        return 0;
}

int ssh_command(const SshTarget *target, const char *program, const char *key_dir, SshCommand *ret) {
        size_t n = 0;
        int k;

        k = snprintf(ret->key, sizeof(ret->key), "%s/id_ed25519", key_dir);
        if (k < 0 || (size_t) k >= sizeof(ret->key))
                return -ENAMETOOLONG;
        k = snprintf(ret->known_hosts, sizeof(ret->known_hosts), "UserKnownHostsFile=%s/known_hosts", key_dir);
        if (k < 0 || (size_t) k >= sizeof(ret->known_hosts))
                return -ENAMETOOLONG;
        (void) snprintf(ret->port, sizeof(ret->port), "%u", (unsigned) target->port);

        ret->argv[n++] = program;
        ret->argv[n++] = "-xaT";
        ret->argv[n++] = "-i";
        ret->argv[n++] = ret->key;
        ret->argv[n++] = "-o";
        ret->argv[n++] = ret->known_hosts;
        for (size_t i = 0; i < ELEMENTS(options); i++) {
                ret->argv[n++] = "-o";
                ret->argv[n++] = options[i];
        }
        if (target->port > 0) {
                ret->argv[n++] = "-p";
                ret->argv[n++] = ret->port;
        }
        ret->argv[n++] = "-l";
        ret->argv[n++] = target->user;
        ret->argv[n++] = "--";
        ret->argv[n++] = target->host;
        ret->argv[n++] = "systemd-stdio-bridge";
        ret->argv[n] = NULL;
        _Static_assert(ELEMENTS(options) * 2 + 14 <= SSH_ARGV_MAX, "the command line has room for all options");
        return 0;
}

const char *ssh_reason(const char *complaint, int status, char buf[static SSH_REASON_SIZE]) {
        size_t end = strlen(complaint), begin;

        /* The last line says what it died of; those before are warnings. */
        while (end > 0 && (isspace((unsigned char) complaint[end - 1]) || complaint[end - 1] == '.'))
                end--;
        for (begin = end; begin > 0 && complaint[begin - 1] != '\n';)
                begin--;

        const char *line = complaint + begin;
        size_t n = end - begin;
        if (n == 0) {
                (void) snprintf(buf, SSH_REASON_SIZE, "ssh ended with status %d", status);
                return buf;
        }
        if (n >= SSH_REASON_SIZE)
                n = SSH_REASON_SIZE - 1;

        static const char resolve[] = "ssh: Could not resolve hostname ", connect[] = "ssh: connect to host ", ssh[] = "ssh: ";
        if (n > strlen(resolve) && memcmp(line, resolve, strlen(resolve)) == 0) {
                (void) snprintf(buf, SSH_REASON_SIZE, "name does not resolve");
                return buf;
        }
        if (n > strlen(connect) && memcmp(line, connect, strlen(connect)) == 0) {
                /* "ssh: connect to host db2 port 22: Connection refused" */
                for (size_t i = n; i > 1; i--)
                        if (line[i - 2] == ':' && line[i - 1] == ' ') {
                                line += i;
                                n -= i;
                                break;
                        }
        } else if (n > strlen(ssh) && memcmp(line, ssh, strlen(ssh)) == 0) {
                line += strlen(ssh);
                n -= strlen(ssh);
        }
        (void) snprintf(buf, SSH_REASON_SIZE, "ssh: %.*s", (int) n, line);
        return buf;
}
