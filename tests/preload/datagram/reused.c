/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A thread sends first on a socket while another closes it and opens a file, which gets the number:
 * the file has to stay one. Run bare too. argv: the address of a server, how many times.
 */

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* Microseconds within which somebody who sends first has got a Unix socket, if nobody disturbs. */
#define SPREAD 500

static const char *address;
static int fd, file;
static pthread_barrier_t barrier;
static _Atomic bool has_sent;

static int by_close_and_open(int number)
{
        close(number);
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int by_close_range(int number)
{
        need(close_range((unsigned)number, (unsigned)number, 0) == 0, "close_range");
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int by_fclose(int number)
{
        FILE *stream = fdopen(number, "r");

        need(stream && fclose(stream) == 0, "fclose");
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int by_dup2(int number)
{
        return dup2(file, number);
}

static int by_dup3(int number)
{
        return dup3(file, number, O_CLOEXEC);
}

static const struct way {
        const char *name;
        int (*replace)(int number);
} ways[] = {
        {"close and open", by_close_and_open},
        {"close_range and open", by_close_range},
        {"fclose and open", by_fclose},
        {"dup2", by_dup2},
        {"dup3", by_dup3},
};

static void *send_first(void *unused)
{
        const char *said;

        (void)unused;
        pthread_barrier_wait(&barrier);
        said = say(fd, address, "first");
        atomic_store(&has_sent, true);
        return (void *)said;
}

/* Sleeping takes longer than that. */
static void spin(int microseconds)
{
        const double end = milliseconds() + microseconds / 1000.0;

        while (milliseconds() < end)
                ;
}

static ino_t inode_now(void)
{
        struct stat st;

        return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Until the descriptor is another socket, which may not be known as one yet. */
static void await_another(ino_t before)
{
        while (!atomic_load(&has_sent) && inode_now() == before)
                ;
}

/* In the shim's eyes as well, which would answer for a socket. */
static bool is_file(int number)
{
        struct stat st;

        return fstat(number, &st) == 0 && S_ISCHR(st.st_mode) &&
               strcmp(local_name(number), "ENOTSOCK") == 0 && write(number, "x", 1) == 1;
}

/*
 * Too late, it is sent; too early, there is no socket. While a stand-in is being closed, it is the
 * Unix socket that it is in truth.
 */
static bool may_be_said(const char *said)
{
        return strcmp(said, "sent") == 0 || strcmp(said, "EBADF") == 0 ||
               strcmp(said, "ENOTSOCK") == 0 || (under_rules() && strcmp(said, "EINVAL") == 0);
}

/*
 * What went wrong, or NULL. The file has another number when the sender was faster to open
 * something for itself.
 */
static const char *try_once(const struct way *way, int round)
{
        const char *wrong = NULL;
        pthread_t thread;
        ino_t inode;
        void *said;
        int number;

        fd = udp_socket(address);
        inode = inode_now();
        atomic_store(&has_sent, false);
        need(pthread_create(&thread, NULL, send_first, NULL) == 0, "a thread");
        pthread_barrier_wait(&barrier);
        if (round % 2 == 0)
                await_another(inode);
        else
                spin(round * 7 % SPREAD);
        number = way->replace(fd);
        pthread_join(thread, &said);

        if (!is_file(number))
                wrong = "no file any more";
        else if (!may_be_said(said))
                wrong = said;
        close(number);
        return wrong;
}

static void drain(int server)
{
        char byte;

        while (recv(server, &byte, 1, MSG_DONTWAIT) >= 0)
                ;
}

static void check(const struct way *way, int server, int times)
{
        const int before = count_open();
        const char *wrong = NULL;
        int done;

        for (done = 0; done < times && !wrong; done++) {
                wrong = try_once(way, done);
                drain(server);
        }
        is(wrong ? wrong : "a file", "a file", "%s: what has the number, after %d times", way->name,
           done);
        same(count_open(), before, "no descriptor is left over");
}

int main(int argc, char **argv)
{
        int server;

        need(argc == 3, "an address, and how many times");
        if (SANITIZED_THREAD) {
                skip("a descriptor that is closed meanwhile", "the thread sanitizer finds that");
                return tap_end();
        }
        address = argv[1];
        server = udp_server(address);
        file = open("/dev/null", O_RDWR | O_CLOEXEC);
        need(file >= 0 && pthread_barrier_init(&barrier, NULL, 2) == 0, "a file, and a barrier");
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
                check(&ways[i], server, atoi(argv[2]));
        is(messages(), "", "nothing is printed");
        return tap_end();
}
