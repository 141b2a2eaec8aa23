/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The first rule that matches decides. The program is given calls and their results:
 *
 *     reject bind|connect|sendto|sendmsg|sendmmsg|listen:tcp|udp:ADDRESS=RESULT...
 *
 * RESULT: an errno's name, or "0". A refused call must leave the socket as it was.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static int send_to(int fd, const char *call, const char *address)
{
        struct sockaddr_storage storage;
        const socklen_t length = address_of(address, &storage);
        struct iovec iovec = {(char *)"x", 1};
        struct mmsghdr messages[2] = {{{&storage, length, &iovec, 1, NULL, 0, 0}, 0},
                                      {{&storage, length, &iovec, 1, NULL, 0, 0}, 0}};
        ssize_t n;

        if (strcmp(call, "sendto") == 0)
                n = sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&storage, length);
        else if (strcmp(call, "sendmsg") == 0)
                n = sendmsg(fd, &messages[0].msg_hdr, MSG_NOSIGNAL);
        else
                n = sendmmsg(fd, messages, 2, MSG_NOSIGNAL);

        return n < 0 ? errno : 0;
}

static int listen_unbound(int fd)
{
        return listen(fd, 1) < 0 ? errno : 0;
}

static void check(char *argument)
{
        char *result = strrchr(argument, '='), *call, *type, *address;
        int fd, r;

        need(result, argument);
        *result++ = 0;
        call = strtok(argument, ":");
        type = strtok(NULL, ":");
        address = strtok(NULL, "");
        need(call && type && address, "a call");

        fd = socket_for(address, strcmp(type, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM);
        need(fd >= 0, "socket");
        r = strcmp(call, "bind") == 0      ? bind_to(fd, address)
            : strcmp(call, "connect") == 0 ? connect_to(fd, address)
            : strcmp(call, "listen") == 0  ? listen_unbound(fd)
                                           : send_to(fd, call, address);
        is(r ? strerrorname_np(r) : "0", result, "%s %s %s", call, type, address);
        /* The kernel binds before it finds nobody there. */
        if (r && r != ECONNREFUSED)
                ok(option(fd, SOL_SOCKET, SO_PROTOCOL) != 0 && strstr(local_name(fd), ":0") != NULL,
                   "%s %s %s: the socket is an IP socket, not bound", call, type, address);
        close(fd);
}

/* Of several messages those before the first refused one are sent. */
static void check_some(void)
{
        struct sockaddr_storage good, bad;
        const int receiver = socket(AF_INET, SOCK_DGRAM, 0), fd = socket(AF_INET, SOCK_DGRAM, 0);
        struct iovec iovec = {(char *)"x", 1};
        struct mmsghdr messages[3] = {{{&good, 0, &iovec, 1, NULL, 0, 0}, 0},
                                      {{&bad, 0, &iovec, 1, NULL, 0, 0}, 0},
                                      {{&good, 0, &iovec, 1, NULL, 0, 0}, 0}};

        need(bind_to(receiver, "127.0.0.1:0") == 0, "bind");
        messages[0].msg_hdr.msg_namelen = address_of(local_name(receiver), &good);
        messages[1].msg_hdr.msg_namelen = address_of("127.0.0.1:9", &bad);
        messages[2].msg_hdr.msg_namelen = messages[0].msg_hdr.msg_namelen;
        same(sendmmsg(fd, messages, 3, 0), 1, "sendmmsg sends what stands before the refused one");
        ok(readable(receiver, PATIENCE), "it arrives");
        errno = 0;
        same(sendmmsg(fd, messages + 1, 2, 0), -1, "sendmmsg, the first refused");
        same(errno, EPERM, "with its errno");
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], "some") == 0)
                        check_some();
                else
                        check(argv[i]);

        return tap_end();
}
