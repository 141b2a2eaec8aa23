/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What addresses a server's peers have: by every call that tells them, of clients that come back
 * under the same name, of those without a name, and of those that are gone. argv: the address, and
 * how the addresses of peers begin.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define TEXT 64

static int server, family;
static const char *host;

static bool is_peer(const char *address)
{
        int port;

        if (strncmp(address, host, strlen(host)) != 0)
                return false;

        port = atoi(address + strlen(host));
        return port >= 32768 && port <= 60999;
}

/* A client says something, which is heard. The address is the thread's of that number of calls. */
static const char *address_now(int client)
{
        static char texts[8][TEXT];
        static unsigned turn;
        char *text = texts[turn++ % 8];

        strcpy(text, "none");
        need(client_says(client, "?"), "a client that can send");
        need(strcmp(server_hears(server, text), "?") == 0, "what it says is heard");
        return text;
}

static void check_calls(int client, const char *address)
{
        struct sockaddr_storage from[2] = {0};
        char bytes[2][8] = {0};
        struct iovec iovecs[2] = {{bytes[0], 8}, {bytes[1], 8}};
        struct mmsghdr messages[2] = {
                {{&from[0], sizeof(from[0]), &iovecs[0], 1, NULL, 0, 0}, 0},
                {{&from[1], sizeof(from[1]), &iovecs[1], 1, NULL, 0, 0}, 0},
        };
        const socklen_t length =
                family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

        client_says(client, "1");
        same(recvmsg(server, &messages[0].msg_hdr, 0), 1, "recvmsg");
        is(address_text((struct sockaddr *)&from[0]), address, "it tells the same address");
        same(messages[0].msg_hdr.msg_namelen, length, "of the right length");
        same(sendmsg(server, &messages[0].msg_hdr, 0), 8, "sendmsg to it");
        is(client_hears(client), "1", "the client hears that");

        memset(from, 0, sizeof(from));
        messages[0].msg_hdr.msg_namelen = sizeof(from[0]);
        client_says(client, "2");
        client_says(client, "3");
        same(recvmmsg(server, messages, 2, 0, NULL), 2, "recvmmsg");
        is(address_text((struct sockaddr *)&from[0]), address, "the first of the same");
        is(address_text((struct sockaddr *)&from[1]), address, "the second of the same");
        same(messages[1].msg_hdr.msg_namelen, length, "of the right length");
        iovecs[0].iov_len = iovecs[1].iov_len = 1;
        same(sendmmsg(server, messages, 2, 0), 2, "sendmmsg to both");
        is(client_hears(client), "2", "the client hears the first");
        is(client_hears(client), "3", "the client hears the second");
}

/* Two that come in one call are of two clients, and go back to each of them in one. */
static void check_batch(void)
{
        struct sockaddr_storage from[2] = {0};
        char bytes[2][8] = {0}, address[2][TEXT];
        struct iovec iovecs[2] = {{bytes[0], 8}, {bytes[1], 8}};
        struct mmsghdr messages[2];
        int clients[2];

        for (int i = 0; i < 2; i++) {
                clients[i] = new_client(i == 0 ? "@first" : "second");
                strcpy(address[i], address_now(clients[i]));
                messages[i] =
                        (struct mmsghdr){{&from[i], sizeof(from[i]), &iovecs[i], 1, NULL, 0, 0}, 0};
        }
        client_says(clients[0], "of 0");
        client_says(clients[1], "of 1");
        same(recvmmsg(server, messages, 2, 0, NULL), 2, "recvmmsg of two clients");
        for (int i = 0; i < 2; i++) {
                is(address_text((struct sockaddr *)&from[i]), address[i], "%d: its address", i);
                same(bytes[i][3], '0' + i, "%d: what it said", i);
                iovecs[i].iov_len = 4;
        }
        same(sendmmsg(server, messages, 2, 0), 2, "sendmmsg to both");
        is(client_hears(clients[0]), "of 0", "the first hears what is for it");
        is(client_hears(clients[1]), "of 1", "and so does the second");
        close(clients[0]);
        close(clients[1]);
}

/* Names of all lengths. */
static void check_names(void)
{
        static const char digits[] = "01234567890123456789012345678901234567890123456789"
                                     "01234567890123456789";
        int clients[8], wrong = 0, twice = 0;
        char address[8][TEXT], name[TEXT + 32];

        for (int i = 0; i < 8; i++) {
                snprintf(name, sizeof(name), i % 2 ? "@%d-%.*s" : "%d-%.*s", i, 10 * i, digits);
                clients[i] = new_client(name);
                strcpy(address[i], address_now(clients[i]));
                wrong += !is_peer(address[i]);
                for (int k = 0; k < i; k++)
                        twice += strcmp(address[i], address[k]) == 0;
        }
        same(wrong, 0, "addresses are %s and an ephemeral port", host);
        same(twice, 0, "no two are the same");
        for (int i = 0; i < 8; i++) {
                snprintf(name, sizeof(name), "for %d", i);
                wrong += server_says(server, address[i], name) != 0;
        }
        for (int i = 0; i < 8; i++) {
                snprintf(name, sizeof(name), "for %d", i);
                wrong += strcmp(client_hears(clients[i]), name) != 0;
                wrong += strcmp(address_now(clients[i]), address[i]) != 0;
                close(clients[i]);
        }
        same(wrong, 0, "each one gets what is for it, and keeps its address");
}

/* Bare, a new socket has another port: what is asked is about names. */
static void check_return(const char *name)
{
        int client = new_client(name);
        char address[TEXT];

        strcpy(address, address_now(client));
        close(client);
        same(server_says(server, address, "lost"), 0, "%s: it is gone, and sent to", name);
        errno = 0;
        ok(recv(server, address, 0, MSG_DONTWAIT) < 0 && errno == EAGAIN,
           "%s: nobody is told that it is gone", name);
        client = new_client(name);
        if (under_rules())
                is(address_now(client), address, "%s: it comes back and has its address", name);
        strcpy(address, address_now(client));
        same(server_says(server, address, "back"), 0, "%s: it is sent to", name);
        is(client_hears(client), "back", "%s: and hears that", name);
        close(client);
}

static void check_nameless(void)
{
        int first, second;
        char address[TEXT];

        if (!under_rules()) {
                skip("clients without a name", "UDP has none");
                return;
        }
        first = new_client(NULL);
        second = new_client(NULL);
        strcpy(address, address_now(first));
        ok(is_peer(address), "a client without a name has an address: %s", address);
        is(address_now(first), address, "which stays");
        is(address_now(second), address, "all such clients share it");
        same(server_says(server, address, "lost"), 0, "it is sent to");
        same(client_gets(first, address, 1, 20), -1, "which nobody hears");
        same(client_gets(second, address, 1, 0), -1, "be it whoever");
        close(first);
        close(second);
}

/* A path as long as can be has no room for its NUL, which the kernel counts all the same. */
static void check_longest(void)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        char path[sizeof(un.sun_path) + 1] = "", address[TEXT];
        int client;

        if (!under_rules()) {
                skip("a name of 108 bytes", "UDP has none");
                return;
        }
        memset(path, 'x', sizeof(path) - 1);
        memcpy(path, in_directory(""), strlen(in_directory("")));
        memcpy(un.sun_path, path, sizeof(un.sun_path));
        client = new_client(NULL);
        (void)unlink(path);
        same(bind(client, (struct sockaddr *)&un, sizeof(un)), 0, "a name of 108 bytes");
        strcpy(address, address_now(client));
        ok(is_peer(address), "it has an address: %s", address);
        is(address_now(client), address, "which stays");
        same(server_says(server, address, "answer"), 0, "it is sent to");
        is(client_hears(client), "answer", "and hears that");
        close(client);
        (void)unlink(path);
}

static void check_unknown(void)
{
        char address[TEXT];
        const int client = new_client("@unknown"), port = 4;

        (void)address_now(client);
        snprintf(address, sizeof(address), "%s%d", host, port);
        same(server_says(server, address, "x"), under_rules() ? ENETUNREACH : 0,
             "an address that nobody has");
        is(address_now(client)[0] ? "heard" : "", "heard", "does not harm");
        close(client);
}

int main(int argc, char **argv)
{
        int client;

        need(argc == 3, "an address, and how those of peers begin");
        host = argv[2];
        family = *argv[1] == '[' ? AF_INET6 : AF_INET;
        server = serve_datagrams(argv[1], 0);
        is(local_name(server), argv[1], "the server's own name");

        client = new_client("calls");
        check_calls(client, address_now(client));
        check_batch();
        check_names();
        check_return("@back");
        check_return("back");
        check_nameless();
        check_longest();
        check_unknown();
        is(local_name(server), argv[1], "the server's own name is what it was");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
