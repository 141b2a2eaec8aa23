/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getaddrinfo(3), gethostbyname(3): a client asks for an address before it connects. Where a rule
 * leads its connections to a Unix socket whatever their address is, no address is needed; and in a
 * network namespace of its own (PrivateNetwork=) nobody could be asked for one. A name that nothing
 * is found for is the loopback address then. Not async-signal-safe, as the functions themselves.
 */

#include <netdb.h>
#include <netinet/in.h>

#include "preload/endpoint.h"
#include "preload/hook.h"
#include "preload/rule-set.h"

/* May the rule be about connections of that kind? port, type: 0 when they are not known. */
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

/* Is it about all of them? */
static bool concerns_all(const struct rule *rule, uint16_t port, int type)
{
        return (port != 0 || (rule->port_first <= 1 && rule->port_last == UINT16_MAX)) &&
               (type != 0 || rule->type == RULE_ANY_TYPE);
}

static bool leads_elsewhere(const struct rule *rule)
{
        return rule->action == RULE_PATH || rule->action == RULE_ABSTRACT ||
               rule->action == RULE_INET;
}

enum led { LED_NOWHERE_ELSE, LED_PERHAPS, LED_SURELY };

/*
 * Are connections led elsewhere, whatever their address? Not when a rule asks for the address that
 * nobody knows.
 *
 * port: 0 when the program did not name it. type: socket(2)'s, or 0 for any; who names no port may
 * mean another kind than it says (Python's socket.connect() asks for datagrams).
 */
static enum led find_lead(uint16_t port, int type)
{
        bool all = true, some = false;

        if (port == 0)
                type = 0;
        for (size_t i = 0; i < rule_set.n_rules; i++) {
                const struct rule *rule = &rule_set.rules[i];

                if (!may_concern(rule, port, type))
                        continue;
                if (rule->has_address)
                        return LED_NOWHERE_ELSE;
                if (leads_elsewhere(rule))
                        some = true;
                else
                        all = false;
                if (concerns_all(rule, port, type))
                        return !some              ? LED_NOWHERE_ELSE
                               : all && port != 0 ? LED_SURELY
                                                  : LED_PERHAPS;
        }

        return some ? LED_PERHAPS : LED_NOWHERE_ELSE;
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

/*
 * What is answered in the place of an address: the loopback address where it is sure that a rule is
 * about the connection, otherwise one at which connect(2) and sends fail unless one is.
 */
static const char *stand_in(enum led led, int family)
{
        if (led == LED_PERHAPS)
                return family == AF_INET6 ? ENDPOINT_NOWHERE_IPV6 : ENDPOINT_NOWHERE_IPV4;

        return family == AF_INET6 ? "::1" : "127.0.0.1";
}

/* The service's port, in any address; 0 without one, or a negative number when it is unknown. */
static int find_port(const char *service, const struct addrinfo *hints)
{
        struct addrinfo *info;
        int port;

        if (NEXT(getaddrinfo)(stand_in(LED_SURELY, hints->ai_family), service, hints, &info) != 0)
                return -1;
        port = port_of(info);
        NEXT(freeaddrinfo)(info);
        return port;
}

HOOK int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **ret)
{
        const int r = NEXT(getaddrinfo)(node, service, hints, ret);
        const int saved = errno;
        const struct addrinfo asked = hints ? *hints : (struct addrinfo){0};
        enum led led;
        int port;

        if (LIKELY(r == 0) || !node || !is_host_name(node) || !is_not_found(r) ||
            !rule_set.concerns_out || asked.ai_flags & (AI_NUMERICHOST | AI_PASSIVE))
                return r;

        port = find_port(service, &asked);
        led = port < 0 ? LED_NOWHERE_ELSE : find_lead((uint16_t)port, asked.ai_socktype);
        /* Who names no port may have other things in mind than to connect. */
        if (port == 0 && r != EAI_AGAIN)
                led = LED_NOWHERE_ELSE;
        if (led != LED_NOWHERE_ELSE &&
            NEXT(getaddrinfo)(stand_in(led, asked.ai_family), service, &asked, ret) == 0)
                return 0;

        errno = saved;
        return r;
}

/*
 * The older functions know no port. What does not exist stays so: lists of hosts to be turned away
 * are asked in this way. Returns what is to be looked up instead, or NULL.
 *
 * error: what h_errno says.
 */
static const char *find_stand_in(const char *name, int family, int error)
{
        const enum led led =
                name && error == TRY_AGAIN && is_host_name(name) && rule_set.concerns_out
                        ? find_lead(0, 0)
                        : LED_NOWHERE_ELSE;

        return led == LED_NOWHERE_ELSE ? NULL : stand_in(led, family);
}

HOOK struct hostent *gethostbyname(const char *name)
{
        struct hostent *found = NEXT(gethostbyname)(name);
        const char *instead = found ? NULL : find_stand_in(name, AF_INET, h_errno);

        return instead ? NEXT(gethostbyname)(instead) : found;
}

HOOK struct hostent *gethostbyname2(const char *name, int family)
{
        struct hostent *found = NEXT(gethostbyname2)(name, family);
        const char *instead = found ? NULL : find_stand_in(name, family, h_errno);

        return instead ? NEXT(gethostbyname2)(instead, family) : found;
}

HOOK int gethostbyname_r(const char *name, struct hostent *buf, char *memory, size_t size,
                         struct hostent **ret, int *ret_error)
{
        const int r = NEXT(gethostbyname_r)(name, buf, memory, size, ret, ret_error);
        /* ERANGE: not enough memory, and the program tries again with more. */
        const char *instead = *ret || r == ERANGE ? NULL : find_stand_in(name, AF_INET, *ret_error);

        return instead ? NEXT(gethostbyname_r)(instead, buf, memory, size, ret, ret_error) : r;
}

HOOK int gethostbyname2_r(const char *name, int family, struct hostent *buf, char *memory,
                          size_t size, struct hostent **ret, int *ret_error)
{
        const int r = NEXT(gethostbyname2_r)(name, family, buf, memory, size, ret, ret_error);
        const char *instead = *ret || r == ERANGE ? NULL : find_stand_in(name, family, *ret_error);

        return instead ? NEXT(gethostbyname2_r)(instead, family, buf, memory, size, ret, ret_error)
                       : r;
}
