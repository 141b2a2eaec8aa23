/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getaddrinfo(3), gethostbyname(3): a client asks for an address before it connects. Where a rule
 * leads its connections to a Unix socket whatever their address is, no address is needed; and in a
 * network namespace of its own (PrivateNetwork=) nobody could be asked for one. A name that nothing
 * is found for is the loopback address then. Not async-signal-safe, as the functions themselves.
 */

#include <netdb.h>
#include <netinet/in.h>

#include "preload/hook.h"
#include "preload/rule-set.h"

/* May the rule be about connections to that port? port: 0 when the program did not name it. */
static bool may_concern(const struct rule *rule, uint16_t port, int type)
{
        if (rule->direction == RULE_IN || rule->origin != RULE_FROM_IP ||
            rule->action == RULE_SYSTEMD || rule->action == RULE_BLACKHOLE)
                return false;
        if ((rule->type == RULE_STREAM && type == SOCK_DGRAM) ||
            (rule->type == RULE_DGRAM && type == SOCK_STREAM))
                return false;

        return port == 0 || (port >= rule->port_first && port <= rule->port_last);
}

/*
 * Is it certain that every such connection is led elsewhere, whatever its address? The program must
 * not be sent to the loopback address for what no rule is about, or another one.
 *
 * port: 0 when the program did not name it. type: socket(2)'s, or 0 for any.
 */
static bool is_led_elsewhere(uint16_t port, int type)
{
        for (size_t i = 0; i < rule_set.n_rules; i++) {
                const struct rule *rule = &rule_set.rules[i];

                if (!may_concern(rule, port, type))
                        continue;
                if (rule->has_address ||
                    (port == 0 && (rule->port_first > 1 || rule->port_last < UINT16_MAX)) ||
                    (type == 0 && rule->type != RULE_ANY_TYPE))
                        return false;

                return rule->action == RULE_PATH || rule->action == RULE_ABSTRACT ||
                       rule->action == RULE_INET;
        }

        return false;
}

static bool is_label_character(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
}

/*
 * Can it be the name of a host, in the letters of RFC 1123 and the underscore that is about?
 * Nothing is to be found for a misspelt address, whose last label is a number.
 */
static bool is_host_name(const char *name)
{
        size_t length = 0;
        bool is_number = true;

        for (; *name; name++) {
                if (*name == '.' && name[1]) {
                        if (length == 0)
                                return false;
                        length = 0;
                        is_number = true;
                } else if (*name != '.') {
                        if (!is_label_character(*name) || ++length > 63)
                                return false;
                        is_number &= *name >= '0' && *name <= '9';
                }
        }

        return length > 0 && !is_number;
}

/*
 * Is it that there is no such name, or nobody to ask? EAI_ADDRFAMILY is none of these: it is for an
 * address of the other family, which is no name.
 */
static bool is_not_found(int r)
{
        switch (r) {
        case EAI_NONAME:
        case EAI_AGAIN:
        case EAI_FAIL:
        case EAI_NODATA:
        case EAI_SYSTEM:
                return true;
        default:
                return false;
        }
}

static uint16_t port_of(const struct addrinfo *info)
{
        const struct sockaddr_in *in = (const struct sockaddr_in *)info->ai_addr;

        /* In the same place for both families. */
        return ntohs(in->sin_port);
}

static const char *loopback(int family)
{
        return family == AF_INET6 ? "::1" : "127.0.0.1";
}

/* The loopback address, if connections of that port and kind are led elsewhere. */
static bool find_loopback(const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
        /* This reads the service, too. */
        if (NEXT(getaddrinfo)(loopback(hints->ai_family), service, hints, ret) != 0)
                return false;
        if (is_led_elsewhere(port_of(*ret), hints->ai_socktype))
                return true;

        NEXT(freeaddrinfo)(*ret);
        return false;
}

HOOK int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **ret)
{
        static const int types[] = {0, SOCK_STREAM, SOCK_DGRAM};
        const int r = NEXT(getaddrinfo)(node, service, hints, ret);
        const int saved = errno;
        struct addrinfo asked = hints ? *hints : (struct addrinfo){0}, *info;

        if (LIKELY(r == 0) || !node || !is_host_name(node) || !is_not_found(r) ||
            !rule_set.concerns_out || asked.ai_flags & (AI_NUMERICHOST | AI_PASSIVE))
                return r;

        /* Who asks for all kinds gets those that are led elsewhere. */
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                asked.ai_socktype = hints && hints->ai_socktype ? hints->ai_socktype : types[i];
                if (find_loopback(service, &asked, &info)) {
                        *ret = info;
                        return 0;
                }
        }

        errno = saved;
        return r;
}

/* The older functions know no port. */
static bool finds_anything(const char *name)
{
        return name && is_host_name(name) && rule_set.concerns_out && is_led_elsewhere(0, 0);
}

HOOK struct hostent *gethostbyname(const char *name)
{
        struct hostent *found = NEXT(gethostbyname)(name);

        return found || !finds_anything(name) ? found : NEXT(gethostbyname)(loopback(AF_INET));
}

HOOK struct hostent *gethostbyname2(const char *name, int family)
{
        struct hostent *found = NEXT(gethostbyname2)(name, family);

        return found || !finds_anything(name) ? found
                                              : NEXT(gethostbyname2)(loopback(family), family);
}

HOOK int gethostbyname_r(const char *name, struct hostent *buf, char *memory, size_t size,
                         struct hostent **ret, int *ret_error)
{
        const int r = NEXT(gethostbyname_r)(name, buf, memory, size, ret, ret_error);

        /* ERANGE: not enough memory, and the program tries again with more. */
        if (*ret || r == ERANGE || !finds_anything(name))
                return r;

        return NEXT(gethostbyname_r)(loopback(AF_INET), buf, memory, size, ret, ret_error);
}

HOOK int gethostbyname2_r(const char *name, int family, struct hostent *buf, char *memory,
                          size_t size, struct hostent **ret, int *ret_error)
{
        const int r = NEXT(gethostbyname2_r)(name, family, buf, memory, size, ret, ret_error);

        if (*ret || r == ERANGE || !finds_anything(name))
                return r;

        return NEXT(gethostbyname2_r)(loopback(family), family, buf, memory, size, ret, ret_error);
}
