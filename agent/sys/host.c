/* What this machine is called and where it is; see host.h. */
#include "sys/host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#define HOST_SIZE 256
#define HOSTS_MAX ((size_t) 256 * 1024)
#define BLANKS " \t\r"

typedef struct Address {
        int family;
        union {
                struct in_addr v4;
                struct in6_addr v6;
        };
} Address;

static bool address_of(const struct sockaddr *a, Address *ret) {
        if (a && a->sa_family == AF_INET)
                *ret = (Address) { .family = AF_INET, .v4 = ((const struct sockaddr_in *) (const void *) a)->sin_addr };
        else if (a && a->sa_family == AF_INET6)
                *ret = (Address) { .family = AF_INET6, .v6 = ((const struct sockaddr_in6 *) (const void *) a)->sin6_addr };
        else
                return false;
        return true;
}

static bool address_parse(const char *text, Address *ret) {
        Address a = { .family = AF_INET };

        if (inet_pton(AF_INET, text, &a.v4) != 1) {
                a.family = AF_INET6;
                if (inet_pton(AF_INET6, text, &a.v6) != 1)
                        return false;
        }
        *ret = a;
        return true;
}

static bool address_equal(const Address *a, const Address *b) {
        return a->family == b->family && (a->family == AF_INET ? a->v4.s_addr == b->v4.s_addr : memcmp(&a->v6, &b->v6, sizeof(a->v6)) == 0);
}

/* All of 127.0.0.0/8: Debian gives a machine's own name 127.0.1.1, which is that
 * of no interface. */
static bool is_loopback(const Address *a) {
        return a->family == AF_INET ? ntohl(a->v4.s_addr) >> 24 == 127 : IN6_IS_ADDR_LOOPBACK(&a->v6);
}

static bool is_own(const Address *a) {
        struct ifaddrs *list = NULL;
        bool own = is_loopback(a);

        if (!own && getifaddrs(&list) < 0)
                return false;
        for (const struct ifaddrs *i = list; i && !own; i = i->ifa_next) {
                Address b;

                own = address_of(i->ifa_addr, &b) && address_equal(a, &b);
        }
        freeifaddrs(list);
        return own;
}

bool host_is_own_address(const struct sockaddr *a) {
        Address b;

        return address_of(a, &b) && is_own(&b);
}

/* The host alone: without port, brackets, zone of an address, last dot of a
 * name. False where that is nothing, or too long for one. */
static bool strip(const char *text, char buf[static HOST_SIZE]) {
        const char *colon = strchr(text, ':');
        size_t n = strlen(text);

        if (*text == '[') {
                text++;
                n = strcspn(text, "]");
        } else if (colon && !strchr(colon + 1, ':')) /* with more than one it is an IPv6 address */
                n = (size_t) (colon - text);
        if (n >= HOST_SIZE)
                return false;
        memcpy(buf, text, n);
        buf[n] = '\0';
        if (strchr(buf, ':'))
                buf[strcspn(buf, "%")] = '\0';
        else if (n > 0 && buf[n - 1] == '.')
                buf[n - 1] = '\0';
        return buf[0];
}

bool host_same(const char *a, const char *b) {
        char x[HOST_SIZE], y[HOST_SIZE];
        Address p, q;

        if (!strip(a, x) || !strip(b, y))
                return false;
        return address_parse(x, &p) ? address_parse(y, &q) && address_equal(&p, &q) : strcasecmp(x, y) == 0;
}

/* Not the other way round: two machines of one name in two domains are two. */
static bool is_name(const char *host, const char *name) {
        size_t n = strcspn(name, ".");

        return strcasecmp(host, name) == 0 || (strlen(host) == n && strncasecmp(host, name, n) == 0);
}

/* "ADDRESS NAME..." gives this machine the name `host`. With an address that
 * never leaves the machine its own name must stand there, too: such lines are
 * copied from one machine to the next. */
static bool line_says_own(char *line, const char *host, const char *name) {
        bool has_host = false, has_name = false;
        char *save = NULL, *word;
        Address a;

        line[strcspn(line, "#")] = '\0';
        word = strtok_r(line, BLANKS, &save);
        if (!word || !address_parse(word, &a))
                return false;
        while ((word = strtok_r(NULL, BLANKS, &save))) {
                has_host = has_host || strcasecmp(word, host) == 0;
                has_name = has_name || is_name(word, name);
        }
        return has_host && (has_name || !is_loopback(&a)) && is_own(&a);
}

bool host_is_own_by(const char *host, const char *name, const char *hosts) {
        _cleanup_free_ char *text = strdup(hosts);
        char *save = NULL, bare[HOST_SIZE];
        Address a;

        if (!strip(host, bare))
                return false;
        if (address_parse(bare, &a))
                return is_own(&a);
        if (strcasecmp(bare, "localhost") == 0 || (*name && is_name(bare, name)))
                return true;
        for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
                if (line_says_own(line, bare, name))
                        return true;
        return false;
}

/* "" where it cannot be read. */
static char *read_hosts(void) {
        _cleanup_fclose_ FILE *f = fopen("/etc/hosts", "re");
        char *text = malloc(HOSTS_MAX + 1);

        if (text)
                text[f ? fread(text, 1, HOSTS_MAX, f) : 0] = '\0';
        return text;
}

bool host_is_own(const char *host) {
        _cleanup_free_ char *hosts = read_hosts();
        char name[HOST_SIZE] = "";

        (void) gethostname(name, sizeof(name) - 1);
        return host_is_own_by(host, name, str_or(hosts, ""));
}
