/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Urgent data: MSG_OOB, SO_OOBINLINE, SIOCATMARK, SIGURG, POLLPRI. Run bare too. argv: the
 * address.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;
static int listener, ours, theirs;
static volatile sig_atomic_t urgent;

static void count_urgent(int number)
{
        (void)number;
        urgent++;
}

static const char *got(int flags)
{
        static char bytes[64];
        const ssize_t n = recv(ours, bytes, sizeof(bytes) - 1, flags | MSG_DONTWAIT);

        if (n < 0)
                return strerrorname_np(errno);

        bytes[n] = 0;
        return bytes;
}

/* TCP has it all: what is sent has been acknowledged. Unix sockets hand over at once. */
static void until_arrived(void)
{
        for (int i = 0, left = -1; i < PATIENCE && !leads_to_unix() && left != 0; i++) {
                need(ioctl(theirs, SIOCOUTQ, &left) == 0, "SIOCOUTQ");
                usleep(1000);
        }
}

/*
 * The Unix sockets of Linux 6.1 take the empty place of an urgent byte for the end of the data,
 * once: EAGAIN, though poll(2) says that there is more. TCP and later kernels go on at once.
 */
static const char *got_after_urgent(void)
{
        const char *bytes = got(0);

        return leads_to_unix() && strcmp(bytes, "EAGAIN") == 0 ? got(0) : bytes;
}

static int at_mark(void)
{
        int n = -1;

        return ioctl(ours, SIOCATMARK, &n) < 0 ? -errno : n;
}

static void check_out_of_band(void)
{
        ours = join(listener, address, &theirs);
        is(got(MSG_OOB), "EINVAL", "no urgent byte");
        need(write(theirs, "ab", 2) == 2, "write");
        same(send(theirs, "!", 1, MSG_OOB), 1, "an urgent byte is sent");
        need(write(theirs, "cd", 2) == 2, "write");
        until_arrived();
        ok(strstr(events_of(ours, PATIENCE), "PRI"), "poll tells of it");
        same(at_mark(), 0, "not at the mark");
        is(got(0), "ab", "recv stops at the mark");
        same(at_mark(), 1, "at the mark");
        is(got(MSG_OOB), "!", "the urgent byte");
        is(got_after_urgent(), "cd", "what follows");
        same(at_mark(), 0, "past the mark");
        close(ours);
        close(theirs);
}

static void check_inline(void)
{
        ours = join(listener, address, &theirs);
        need(set_option(ours, SOL_SOCKET, SO_OOBINLINE, 1) == 0, "SO_OOBINLINE");
        need(write(theirs, "ab", 2) == 2 && send(theirs, "!", 1, MSG_OOB) == 1 &&
                     write(theirs, "cd", 2) == 2,
             "write");
        until_arrived();
        is(got(0), "ab", "inline: recv stops at the mark");
        same(at_mark(), 1, "inline: at the mark");
        is(got(MSG_OOB), "EINVAL", "inline: nothing out of band");
        is(got(0), "!cd", "inline: the urgent byte is among the data");
        close(ours);
        close(theirs);
}

static void check_signal(void)
{
        const struct sigaction action = {.sa_handler = count_urgent, .sa_flags = SA_RESTART};

        ours = join(listener, address, &theirs);
        sigaction(SIGURG, &action, NULL);
        same(fcntl(ours, F_SETOWN, getpid()), 0, "F_SETOWN");
        same(send(theirs, "!", 1, MSG_OOB), 1, "an urgent byte is sent");
        for (int i = 0; i < PATIENCE && !urgent; i++)
                usleep(1000);
        ok(urgent > 0, "SIGURG");
        is(got(MSG_OOB), "!", "the urgent byte");
        close(ours);
        close(theirs);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        listener = serve_at(address, 5);
        check_out_of_band();
        check_inline();
        check_signal();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
