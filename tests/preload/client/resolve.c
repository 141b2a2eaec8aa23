/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * getaddrinfo(3), gethostbyname(3) and their like: a name that nothing is found for is the loopback
 * address when a rule leads the connection elsewhere, whatever its address. All else is as it is
 * without rules. What is asked is given as arguments, with what must come back:
 *
 *     resolve HOW|NODE|SERVICE=ANSWER...
 *
 * HOW: a word of the table, for getaddrinfo; or host, host6, host_r, host6_r, and host_small, which
 * has too little memory. ANSWER: the first address, or "nothing".
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const struct {
        const char *how;
        int family, type, flags;
} kinds[] = {
        {"addr", AF_UNSPEC, SOCK_STREAM, 0},
        {"addr4", AF_INET, SOCK_STREAM, 0},
        {"addr6", AF_INET6, SOCK_STREAM, 0},
        {"udp", AF_UNSPEC, SOCK_DGRAM, 0},
        {"any", AF_UNSPEC, 0, 0},
        {"passive", AF_UNSPEC, SOCK_STREAM, AI_PASSIVE},
        {"numeric", AF_UNSPEC, SOCK_STREAM, AI_NUMERICHOST},
        {"config", AF_UNSPEC, SOCK_STREAM, AI_ADDRCONFIG},
        {"canon", AF_INET, SOCK_STREAM, AI_CANONNAME},
};

static const char *ask_addrinfo(size_t kind, const char *node, const char *service)
{
        const struct addrinfo hints = {.ai_family = kinds[kind].family,
                                       .ai_socktype = kinds[kind].type,
                                       .ai_flags = kinds[kind].flags};
        struct addrinfo *found = NULL;
        const char *answer;

        if (getaddrinfo(*node ? node : NULL, *service ? service : NULL, &hints, &found) != 0)
                return "nothing";
        answer = found->ai_addr->sa_family == hints.ai_family || hints.ai_family == AF_UNSPEC
                         ? address_text(found->ai_addr)
                         : "an address of another family";
        for (struct addrinfo *info = found; info; info = info->ai_next)
                if (hints.ai_socktype != 0 && info->ai_socktype != hints.ai_socktype)
                        answer = "a socket of another type";
        if (hints.ai_flags & AI_CANONNAME && !found->ai_canonname)
                answer = "no canonical name";
        freeaddrinfo(found);
        return answer;
}

static const char *host_text(const struct hostent *host)
{
        static char text[INET6_ADDRSTRLEN];

        if (!host || !host->h_addr_list[0])
                return "nothing";

        inet_ntop(host->h_addrtype, host->h_addr_list[0], text, sizeof(text));
        return text;
}

static const char *ask_host(const char *how, const char *node)
{
        static char memory[4096];
        struct hostent buf, *found = NULL;
        int error = 0;

        if (strcmp(how, "host") == 0)
                return host_text(gethostbyname(node));
        if (strcmp(how, "host6") == 0)
                return host_text(gethostbyname2(node, AF_INET6));
        if (strcmp(how, "host_small") == 0)
                return gethostbyname_r(node, &buf, memory, 4, &found, &error) == ERANGE
                               ? "ERANGE"
                               : host_text(found);
        if (strcmp(how, "host6_r") == 0)
                (void)gethostbyname2_r(node, AF_INET6, &buf, memory, sizeof(memory), &found,
                                       &error);
        else
                (void)gethostbyname_r(node, &buf, memory, sizeof(memory), &found, &error);
        return host_text(found);
}

static const char *ask(const char *how, const char *node, const char *service)
{
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (strcmp(how, kinds[i].how) == 0)
                        return ask_addrinfo(i, node, service);

        return ask_host(how, node);
}

/* HOW|NODE|SERVICE=ANSWER */
static void check(const char *argument)
{
        char *text = strdup(argument), *rest = text, *answer = strrchr(text, '=');
        const char *how, *node, *service;

        need(answer != NULL, argument);
        *answer++ = 0;
        how = strsep(&rest, "|");
        node = strsep(&rest, "|");
        service = strsep(&rest, "|");
        need(how && node && service, argument);
        is(ask(how, node, service), answer, "%s", argument);
        free(text);
}

/* What comes back can be connected to, in all the ways that programs go through the list. */
static void check_connect(void)
{
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
        struct addrinfo *found = NULL;
        const int listener = listen_at("127.0.0.1:7070");

        same(getaddrinfo("no-such-host.invalid", "7070", &hints, &found), 0, "getaddrinfo");
        for (struct addrinfo *info = found; info; info = info->ai_next) {
                const int fd = socket(info->ai_family, info->ai_socktype, info->ai_protocol);

                same(connect(fd, info->ai_addr, info->ai_addrlen), 0, "connect to %s",
                     address_text(info->ai_addr));
                is(peer_name(fd), address_text(info->ai_addr), "its peer");
        }
        ok(readable(listener, 0), "they arrive");
        freeaddrinfo(found);
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], "connect") == 0)
                        check_connect();
                else
                        check(argv[i]);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
