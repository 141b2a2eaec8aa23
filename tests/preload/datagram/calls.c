/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every call that sends a datagram and every call that receives one, on a server, on a client, and
 * on both when they are connected. Run bare too. argv: "server" or "client", which end is tested,
 * and the address of the server.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* What programs call that were built with -D_FORTIFY_SOURCE, where the compiler knows sizes. */
extern ssize_t __recv_chk(int fd, void *bytes, size_t n, size_t size, int flags);
extern ssize_t __recvfrom_chk(int fd, void *bytes, size_t n, size_t size, int flags,
                              struct sockaddr *address, socklen_t *length);
extern ssize_t __read_chk(int fd, void *bytes, size_t n, size_t size);

static const char *server;
static int ours, theirs;

/* Where the calls with an address send to, and where those that tell one say that it is from. */
static struct sockaddr_storage to, from;
static socklen_t to_length, from_length;
static const char *source;

static struct iovec parts[2] = {{(char *)"he", 2}, {(char *)"llo", 3}};

static ssize_t by_sendto(void)
{
        return sendto(ours, "hello", 5, 0, (struct sockaddr *)&to, to_length);
}

static ssize_t by_sendmsg(void)
{
        const struct msghdr msg = {
                .msg_name = &to, .msg_namelen = to_length, .msg_iov = parts, .msg_iovlen = 2};

        return sendmsg(ours, &msg, MSG_NOSIGNAL);
}

/* One message of several, each a datagram. */
static ssize_t by_sendmmsg(void)
{
        struct mmsghdr messages[2] = {{{&to, to_length, parts, 2, NULL, 0, 0}, 0},
                                      {{&to, to_length, parts, 1, NULL, 0, 0}, 0}};
        const int n = sendmmsg(ours, messages, 2, 0);

        if (n != 2)
                return -1;

        is(hear(theirs), "hello", "sendmmsg: the first arrives");
        is(hear(theirs), "he", "sendmmsg: the second arrives");
        same(messages[1].msg_len, 2, "sendmmsg: the length of the second");
        return sendmmsg(ours, messages, 1, 0) == 1 ? (ssize_t)messages[0].msg_len : -1;
}

static ssize_t by_send(void)
{
        return send(ours, "hello", 5, 0);
}

static ssize_t by_write(void)
{
        return write(ours, "hello", 5);
}

static ssize_t by_writev(void)
{
        return writev(ours, parts, 2);
}

static ssize_t by_sendto_nowhere(void)
{
        return sendto(ours, "hello", 5, MSG_DONTWAIT, NULL, 0);
}

static ssize_t by_sendmsg_nowhere(void)
{
        const struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};

        return sendmsg(ours, &msg, 0);
}

static ssize_t by_sendmmsg_nowhere(void)
{
        struct mmsghdr message = {{NULL, 0, parts, 2, NULL, 0, 0}, 0};

        return sendmmsg(ours, &message, 1, 0) == 1 ? (ssize_t)message.msg_len : -1;
}

static ssize_t by_confirm(void)
{
        return sendto(ours, "hello", 5, MSG_CONFIRM | MSG_DONTROUTE, (struct sockaddr *)&to,
                      to_length);
}

/*
 * Two sends, one datagram: udp(7). Unix sockets have no such thing, and two datagrams would be
 * wrong.
 */
static ssize_t by_more(void)
{
        if (leads_to_unix()) {
                is(result(sendto(ours, "he", 2, MSG_MORE, (struct sockaddr *)&to, to_length)),
                   "EOPNOTSUPP", "MSG_MORE");
                return by_sendto();
        }
        if (sendto(ours, "he", 2, MSG_MORE, (struct sockaddr *)&to, to_length) != 2)
                return -1;

        return sendto(ours, "llo", 3, 0, (struct sockaddr *)&to, to_length) == 3 ? 5 : -1;
}

static const struct {
        const char *name;
        ssize_t (*call)(void);
        bool connected; /* sends nowhere without a connect */
} senders[] = {
        {"sendto", by_sendto, false},
        {"sendmsg", by_sendmsg, false},
        {"sendmmsg", by_sendmmsg, false},
        {"MSG_CONFIRM", by_confirm, false},
        {"MSG_MORE", by_more, false},
        {"send", by_send, true},
        {"write", by_write, true},
        {"writev", by_writev, true},
        {"sendto without an address", by_sendto_nowhere, true},
        {"sendmsg without an address", by_sendmsg_nowhere, true},
        {"sendmmsg without an address", by_sendmmsg_nowhere, true},
};

static char bytes[16];

static ssize_t by_recvfrom(void)
{
        from_length = sizeof(from);
        return recvfrom(ours, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_length);
}

static ssize_t by_recvfrom_chk(void)
{
        from_length = sizeof(from);
        return __recvfrom_chk(ours, bytes, 10, sizeof(bytes), 0, (struct sockaddr *)&from,
                              &from_length);
}

static ssize_t by_recvmsg(void)
{
        struct iovec into[2] = {{bytes, 2}, {bytes + 2, 9}};
        struct msghdr msg = {
                .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = into, .msg_iovlen = 2};
        const ssize_t n = recvmsg(ours, &msg, 0);

        from_length = msg.msg_namelen;
        same(msg.msg_flags, 0, "recvmsg: no flag");
        return n;
}

static ssize_t by_recvmmsg(void)
{
        struct iovec into = {bytes, sizeof(bytes)};
        struct mmsghdr messages[3] = {{{&from, sizeof(from), &into, 1, NULL, 0, 77}, 77}};

        messages[1] = messages[2] = messages[0];
        same(recvmmsg(ours, messages, 3, MSG_WAITFORONE, NULL), 1, "recvmmsg: one");
        same(messages[0].msg_hdr.msg_flags, 0, "recvmmsg: no flag");
        same(messages[1].msg_len, 77, "recvmmsg: and the second is left alone");
        from_length = messages[0].msg_hdr.msg_namelen;
        return (ssize_t)messages[0].msg_len;
}

static ssize_t by_recv(void)
{
        return recv(ours, bytes, sizeof(bytes), 0);
}

static ssize_t by_recv_chk(void)
{
        return __recv_chk(ours, bytes, 10, sizeof(bytes), 0);
}

static ssize_t by_read(void)
{
        return read(ours, bytes, sizeof(bytes));
}

static ssize_t by_read_chk(void)
{
        return __read_chk(ours, bytes, 10, sizeof(bytes));
}

static ssize_t by_readv(void)
{
        struct iovec into[2] = {{bytes, 4}, {bytes + 4, 9}}, nothing = {bytes, 0};

        same(readv(ours, &nothing, 1), 0, "readv without room takes nothing");
        return readv(ours, into, 2);
}

static ssize_t by_recvfrom_nobody(void)
{
        return recvfrom(ours, bytes, sizeof(bytes), 0, NULL, NULL);
}

static ssize_t by_recvmsg_nobody(void)
{
        struct iovec into = {bytes, sizeof(bytes)};
        struct msghdr msg = {.msg_namelen = 12, .msg_iov = &into, .msg_iovlen = 1};
        const ssize_t n = recvmsg(ours, &msg, 0);

        /* Where there is no room for a name the kernel does not touch its length. */
        same(msg.msg_namelen, 12, "recvmsg without room for a name: its length");
        return n;
}

static const struct {
        const char *name;
        ssize_t (*call)(void);
        bool tells; /* where it is from */
} receivers[] = {
        {"recvfrom", by_recvfrom, true},
        {"__recvfrom_chk", by_recvfrom_chk, true},
        {"recvmsg", by_recvmsg, true},
        {"recvmmsg", by_recvmmsg, true},
        {"recv", by_recv, false},
        {"__recv_chk", by_recv_chk, false},
        {"read", by_read, false},
        {"__read_chk", by_read_chk, false},
        {"readv", by_readv, false},
        {"recvfrom without an address", by_recvfrom_nobody, false},
        {"recvmsg without an address", by_recvmsg_nobody, false},
};

/* The address of a server is known, that of a client is found out: it has to stay the same. */
static void check_source(const char *what)
{
        is(address_text((struct sockaddr *)&from), source, "%s: from", what);
        same(from_length,
             from.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
             "%s: length of that address", what);
        memset(&from, 0, sizeof(from));
}

static void check_receivers(const char *how)
{
        for (size_t i = 0; i < sizeof(receivers) / sizeof(receivers[0]); i++) {
                const char *name = receivers[i].name;

                memset(bytes, 0, sizeof(bytes));
                is(answer(theirs, "welcome"), "sent", "%s: for %s", how, name);
                need(readable(ours, PATIENCE), "a datagram");
                same(receivers[i].call(), 7, "%s: %s", how, name);
                is(bytes, "welcome", "%s: %s: what was sent", how, name);
                if (receivers[i].tells)
                        check_source(name);
        }
        is(hear_soon(ours), "nothing", "%s: each was received once", how);
}

static void check_senders(const char *how, bool connected)
{
        for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
                const char *name = senders[i].name;

                errno = 0;
                if (senders[i].connected && !connected) {
                        is(result(senders[i].call()), "EDESTADDRREQ", "%s: %s", how, name);
                        continue;
                }
                same(senders[i].call(), 5, "%s: %s", how, name);
                is(hear(theirs), "hello", "%s: %s: what was sent", how, name);
        }
        is(hear_soon(theirs), "nothing", "%s: each was sent once", how);
}

static void check(const char *how, bool connected)
{
        check_senders(how, connected);
        check_receivers(how);
        check_senders(how, connected);
        is(option(ours, SOL_SOCKET, SO_ERROR) == 0 ? "none" : "one", "none", "%s: no error", how);
}

static void check_client(void)
{
        theirs = udp_server(server);
        to_length = address_of(server, &to);
        ours = udp_socket(server);
        source = server;
        check("client", false);
        same(connect_to(ours, server), 0, "connect");
        check("connected client", true);
        close(ours);
        ours = udp_to(server);
        check("client that connects first", true);
        close(ours);
        close(theirs);
}

static void check_server(void)
{
        static char client[64];

        ours = udp_at(server);
        theirs = udp_client(server);
        is(say(theirs, NULL, "first"), "sent", "a client");
        is(hear(ours), "first", "is heard");
        strcpy(client, heard_from());
        ok(is_local_peer(client, *server == '[' ? AF_INET6 : AF_INET), "its address: %s", client);
        source = client;
        to_length = address_of(client, &to);
        is(answer(ours, "back"), "sent", "the answer is sent");
        /* Takes the address of the server, to which answer() sends from now on. */
        is(hear(theirs), "back", "and is heard");
        check("server", false);
        same(connect_to(ours, client), 0, "connect to the client");
        check("connected server", true);
        is(peer_name(ours), client, "getpeername");
        is(local_name(ours), server, "getsockname");
        close(ours);
        close(theirs);
}

int main(int argc, char **argv)
{
        need(argc == 3, "which end, and an address");
        server = argv[2];
        if (strcmp(argv[1], "server") == 0)
                check_server();
        else
                check_client();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
