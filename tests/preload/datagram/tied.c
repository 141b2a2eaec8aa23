/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whom a client hears that has not connected its socket. With one server that rules lead to,
 * strangers can't send to it at all, from its first question on; with two, from when it has had an
 * answer and asks the same once more, so that it hears both when it asks both. argv: "one" or
 * "two", as many servers as there are rules for.
 */

#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define FIRST  "127.0.0.1:8080"
#define SECOND "127.0.0.1:8081"

static int servers[2];

static void ask(int fd, const char *address, int server)
{
        is(say(fd, address, "question"), "sent", "%s is asked", address);
        is(hear(server), "question", "and hears it");
}

static void take_answer(int fd, const char *address)
{
        is(hear(fd), "answer", "the client has its answer");
        is(heard_from(), address, "from %s", address);
}

/* What somebody is told who sends to the client's real name. */
static const char *intrude(int fd)
{
        const int stranger = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un name;
        socklen_t length;
        const char *told;

        need(stranger >= 0, "a socket of a stranger's");
        need(udp_real_name(fd, &name, &length), "a client's name");
        told = result(sendto(stranger, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&name, length));
        close(stranger);
        return told;
}

static void check_one(void)
{
        const int fd = udp_socket(FIRST);

        ask(fd, FIRST, servers[0]);
        is(intrude(fd), "EPERM", "a stranger can't send to who has asked");
        is(answer(servers[0], "answer"), "sent", "the server can");
        take_answer(fd, FIRST);
        is(intrude(fd), "EPERM", "nor to who has the answer");
        close(fd);
}

/* It might ask another next. What strangers have sent until then is not heard. */
static void check_again(void)
{
        const int fd = udp_socket(FIRST);

        ask(fd, FIRST, servers[0]);
        is(intrude(fd), "1", "a stranger can send to who has asked once");
        is(answer(servers[0], "answer"), "sent", "the server answers");
        take_answer(fd, FIRST);
        is(hear_soon(fd), "nothing", "the stranger is not heard");
        ask(fd, FIRST, servers[0]);
        is(intrude(fd), "EPERM", "he can't send to who asks the same again");
        is(answer(servers[0], "answer"), "sent", "the server can");
        take_answer(fd, FIRST);
        ask(fd, SECOND, servers[1]);
        is(answer(servers[1], "answer"), "sent", "and so can another that is asked then");
        take_answer(fd, SECOND);
        close(fd);
}

/* The second question throws nothing away that came for the first. */
static void check_both(const char *first, int one, const char *second, int other)
{
        const int fd = udp_socket(FIRST);

        ask(fd, first, one);
        is(answer(one, "answer"), "sent", "the first answers");
        ask(fd, second, other);
        is(answer(other, "answer"), "sent", "the second answers");
        take_answer(fd, first);
        take_answer(fd, second);
        is(hear_soon(fd), "nothing", "and that is all");
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc == 2, "how many servers");
        servers[0] = udp_server(FIRST);
        servers[1] = udp_server(SECOND);
        if (strcmp(argv[1], "one") == 0) {
                check_one();
        } else {
                if (under_rules())
                        check_again();
                check_both(FIRST, servers[0], SECOND, servers[1]);
                check_both(SECOND, servers[1], FIRST, servers[0]);
        }
        is(messages(), "", "nothing is printed");
        return tap_end();
}
