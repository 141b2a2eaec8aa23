/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * More living clients than a process remembers. While there is room each one has an address of its
 * own, at which it is reached. Then the one that was not heard of for longest is forgotten for each
 * new one, and what is sent to its old address reaches nobody. The loopback address has places for
 * 28,231, which are used again as soon as somebody there has closed his socket. argv: the address,
 * how many clients fit with certainty, how many more there are then.
 */

#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define SPARE     50 /* descriptors for everything else */
#define KEEPERS   64
#define CHUNK     100
#define FAVOURITE 5 /* is heard again and again */
#define ADDRESSED 7 /* is sent to again and again */
#define REFRESH   500
#define LATE      10 /* the first of CHUNK that are sent to when they were forgotten */

/* About as many have the loopback address: the first. */
#define LOCAL     28000
#define NOT_LOCAL 28500

/* Of those from here on, that are not the oldest, one half of each so many is closed. */
#define CLOSED_FROM 12000
#define HALF        50

/* A client's socket that was never open, and one that was closed: the next has another name. */
enum { NEVER = -1, CLOSED = -2 };

/* What a keeper of clients is told to do with some of its own. It answers with a number. */
enum order { SAY, HEAR, CLOSE };

struct command {
        enum order order;
        int first, count;
};

static int server, total, per_keeper;
static int channels[KEEPERS];
static struct sockaddr_storage *addresses;

/* Keepers are processes, each of which has as many clients as a process may have descriptors. */
static int obey(const struct command *command, int *fds, int base)
{
        static bool missing; /* somebody has waited in vain: the others need not */
        int good = 0;

        for (int i = command->first; i < command->first + command->count; i++) {
                int *fd = &fds[i - base], heard = -1;
                char name[64];

                snprintf(name, sizeof(name), *fd == CLOSED ? "@%d-again" : "@%d", i);
                if (*fd < 0)
                        *fd = new_client(name);
                switch (command->order) {
                case SAY:
                        good += client_sends(*fd, &i, sizeof(i));
                        break;
                case HEAR:
                        /* One datagram, its own, and no more. */
                        missing |= client_gets(*fd, &heard, sizeof(heard),
                                               missing ? 0 : PATIENCE) != sizeof(heard);
                        good += heard == i && client_gets(*fd, &heard, sizeof(heard), 0) < 0;
                        break;
                case CLOSE:
                        good += close(*fd) == 0;
                        *fd = CLOSED;
                        break;
                }
        }
        return good;
}

static void __attribute__((noreturn)) keep(int channel, int base)
{
        int *fds = malloc((size_t)per_keeper * sizeof(int)), good;
        struct command command;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        need(fds != NULL, "memory");
        for (int i = 0; i < per_keeper; i++)
                fds[i] = NEVER;
        while (read(channel, &command, sizeof(command)) == sizeof(command)) {
                good = obey(&command, fds, base);
                need(write(channel, &good, sizeof(good)) == sizeof(good), "a keeper's answer");
        }
        _exit(0);
}

static void start_keepers(void)
{
        int pair[2];

        need(total / per_keeper < KEEPERS, "more descriptors");
        for (int i = 0; i * per_keeper < total; i++) {
                need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
                if (fork() == 0)
                        keep(pair[1], i * per_keeper);
                close(pair[1]);
                channels[i] = pair[0];
        }
}

static void tell(enum order order, int first, int count)
{
        const struct command command = {order, first, count};
        const int channel = channels[first / per_keeper];

        need((first + count - 1) / per_keeper == first / per_keeper, "one keeper at a time");
        need(write(channel, &command, sizeof(command)) == sizeof(command), "a command");
}

static int result_of(int client)
{
        int good = 0;

        need(read(channels[client / per_keeper], &good, sizeof(good)) == sizeof(good), "a keeper");
        return good;
}

/* How many of [first, end) one keeper can be told of at once. */
static int chunk(int first, int end)
{
        int count = per_keeper - first % per_keeper;

        count = count < CHUNK ? count : CHUNK;
        return count < end - first ? count : end - first;
}

/* Let them say something. Returns how many have another address than they had. */
static int hear(int first, int end)
{
        int changed = 0, client;

        for (int n; first < end; first += n) {
                n = chunk(first, end);
                tell(SAY, first, n);
                for (int i = 0; i < n; i++) {
                        struct sockaddr_storage from = {0};
                        socklen_t length = sizeof(from);

                        need(recvfrom(server, &client, sizeof(client), 0, (struct sockaddr *)&from,
                                      &length) == sizeof(client),
                             "recvfrom");
                        changed += memcmp(&addresses[client], &from, sizeof(from)) != 0;
                        addresses[client] = from;
                }
                need(result_of(first) == n, "a client that can send");
        }
        return changed;
}

static void send_to(int client)
{
        need(sendto(server, &client, sizeof(client), 0, (struct sockaddr *)&addresses[client],
                    sizeof(addresses[client])) == sizeof(client),
             "sendto");
}

/* Send to them at the addresses that they had. Returns how many of them hear that, and only that.
 */
static int reach(int first, int end)
{
        int good = 0;

        for (int n; first < end; first += n) {
                n = chunk(first, end);
                for (int i = 0; i < n; i++)
                        send_to(first + i);
                tell(HEAR, first, n);
                good += result_of(first);
        }
        return good;
}

static void close_clients(int first, int end)
{
        for (int n; first < end; first += n) {
                n = chunk(first, end);
                tell(CLOSE, first, n);
                need(result_of(first) == n, "close");
        }
}

static int compare(const void *a, const void *b)
{
        return memcmp(a, b, sizeof(struct sockaddr_storage));
}

/* Of [first, end), how many have an address that another one has? */
static int count_twice(int first, int end)
{
        const size_t size = (size_t)(end - first) * sizeof(*addresses);
        struct sockaddr_storage *sorted = malloc(size);
        int twice = 0;

        need(sorted != NULL, "memory");
        memcpy(sorted, addresses + first, size);
        qsort(sorted, (size_t)(end - first), sizeof(*sorted), compare);
        for (int i = 1; i < end - first; i++)
                twice += compare(&sorted[i - 1], &sorted[i]) == 0;
        free(sorted);
        return twice;
}

static bool is_local(int client)
{
        const char *text = address_text((struct sockaddr *)&addresses[client]);

        return strncmp(text, "127.0.0.1:", 10) == 0 || strncmp(text, "[::1]:", 6) == 0;
}

/* Beyond the ports of the loopback address there are others that are of this machine alone. */
static bool is_beyond(int client)
{
        const char *text = address_text((struct sockaddr *)&addresses[client]);

        return !is_local(client) && (strncmp(text, "127.0.0.", 8) == 0 ||
                                     strncmp(text, "[fd69:7032:756e:6978::", 22) == 0);
}

static void check_hosts(int fit)
{
        int wrong = 0;

        for (int i = 0; i < fit && i < LOCAL; i++)
                wrong += !is_local(i);
        same(wrong, 0, "the first have the loopback address");
        for (int i = NOT_LOCAL; i < fit; i++)
                wrong += !is_beyond(i);
        same(wrong, 0, "the others have addresses that nobody else has");
}

static void check_room(int fit)
{
        (void)hear(0, fit);
        same(count_twice(0, fit), 0, "%d clients have as many addresses", fit);
        check_hosts(fit);
        same(hear(FAVOURITE, FAVOURITE + 1), 0, "one that is heard again has the same");
        same(reach(0, fit), fit, "each one is reached at its address");
}

/* Those were the oldest. Who has their places by now must not hear what is for them. */
static void send_late(const struct sockaddr_storage *late)
{
        int failed = 0;

        for (int i = 0; i < CHUNK; i++)
                failed += sendto(server, &i, sizeof(i), 0, (const struct sockaddr *)&late[i],
                                 sizeof(late[i])) != sizeof(i);
        same(failed, 0, "what is for those who were forgotten is no error");
}

/* Returns the first client that can't have been forgotten. */
static int check_full(int fit, int more)
{
        struct sockaddr_storage late[CHUNK];
        int changed = 0, heard = 0, first;

        memcpy(late, addresses + LATE, sizeof(late));
        for (int i = fit; i < fit + more; i += REFRESH) {
                (void)hear(i, i + REFRESH < fit + more ? i + REFRESH : fit + more);
                changed += hear(FAVOURITE, FAVOURITE + 1);
                heard += reach(ADDRESSED, ADDRESSED + 1);
        }
        same(changed, 0, "of one that is heard of often the address stays");
        same(heard, (more + REFRESH - 1) / REFRESH, "and of one that is sent to");
        first = more + 2;
        send_late(late);
        same(count_twice(first, fit + more), 0, "the latest have addresses of their own");
        same(reach(first, fit + more), fit + more - first, "at which each is reached");
        return first;
}

/* Who was forgotten is one more new client. */
static void check_forgotten(int first)
{
        const int end = first / 2, some = end - CHUNK / 2;

        if (some < ADDRESSED) {
                skip("who was forgotten", "too few");
                return;
        }
        (void)hear(some, end);
        same(count_twice(some, end), 0, "who was forgotten gets an address of its own again");
        same(reach(some, end), end - some, "at which it is reached");
}

/*
 * Who is at a place is asked in turn, two of them for each new client: so it takes some until the
 * first of those is found that were closed.
 */
static void check_closed(int fit, int more)
{
        const int last = fit < LOCAL ? fit : LOCAL, latest = fit + more - REFRESH;
        int n = 0, local = 0, reached = 0;

        for (int i = CLOSED_FROM; i + 2 * HALF <= last; i += 2 * HALF)
                close_clients(i, i + HALF);
        for (int i = CLOSED_FROM; local == 0 && i + 2 * HALF <= last; i += 2 * HALF) {
                (void)hear(i, i + HALF);
                n += HALF;
                for (int k = i; k < i + HALF; k++)
                        local += is_local(k);
                reached += reach(i, i + HALF);
        }
        ok(local > 0, "of %d new ones %d have a loopback address that another had", n, local);
        same(reached, n, "all of them are reached at their addresses");
        same(reach(latest, latest + REFRESH), REFRESH, "and so are the latest of before");
}

int main(int argc, char **argv)
{
        int fit, more;

        need(argc == 4, "an address, how many clients fit, how many more");
        fit = atoi(argv[2]);
        more = atoi(argv[3]);
        total = fit + more;
        per_keeper = raise_descriptors(1 << 16) - SPARE;
        need(per_keeper > CHUNK, "descriptors");
        addresses = calloc((size_t)total, sizeof(*addresses));
        need(addresses != NULL, "memory");
        server = serve_datagrams(argv[1], 0);
        start_keepers();

        check_room(fit);
        check_forgotten(check_full(fit, more));
        check_closed(fit, more);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
