/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A signal handler with a stack of its own, of the size that programs give it, sends the first
 * datagram of a socket, and the next ones. Below the stack there is nothing. Run bare too. argv: an
 * address.
 */

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

/* SIGSTKSZ, as it was for decades; a sanitizer's code takes more of it. */
#ifdef SANITIZED
#define SIZE (128 * 1024)
#else
#define SIZE 8192
#endif

/* What there is at least beside what the kernel puts there itself, on processors of today a lot. */
#define LEAST 4096

static int fd;
static struct sockaddr_storage to;
static socklen_t to_length;
static volatile ssize_t sent;
static volatile int connected;

static void handle(int number)
{
        const int saved = errno;
        struct iovec iovec = {(char[]){'x'}, 1};
        const struct msghdr msg = {&to, to_length, &iovec, 1, NULL, 0, 0};

        (void)number;
        sent = sendto(fd, "x", 1, 0, (struct sockaddr *)&to, to_length);
        if (sent == 1)
                sent += sendmsg(fd, &msg, 0);
        connected = connect(fd, (struct sockaddr *)&to, to_length);
        if (sent == 2)
                sent += send(fd, "x", 1, 0);
        errno = saved;
}

static void open_stack(void)
{
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        size_t size = getauxval(AT_MINSIGSTKSZ) + LEAST;
        stack_t stack = {0};
        char *mapped;

        size = size > SIZE ? (size + page - 1) / page * page : SIZE;
        size = size > page ? size : page;
        mapped = mmap(NULL, size + 16 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        need(mapped != MAP_FAILED &&
                     mprotect(mapped + 16 * page, size, PROT_READ | PROT_WRITE) == 0,
             "memory");
        stack.ss_sp = mapped + 16 * page;
        stack.ss_size = size;
        need(sigaltstack(&stack, NULL) == 0, "a stack");
}

int main(int argc, char **argv)
{
        const struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
        int server;

        need(argc == 2, "an address");
        server = udp_server(argv[1]);
        fd = udp_socket(argv[1]);
        to_length = address_of(argv[1], &to);
        open_stack();
        need(sigaction(SIGUSR1, &action, NULL) == 0 && raise(SIGUSR1) == 0, "a signal");
        same(sent, 3, "a handler sends three");
        same(connected, 0, "and connects");
        for (int i = 0; i < 3; i++)
                is(hear(server), "x", "which the server hears");
        is(exchange(fd, NULL, server), "both ways", "the socket works on");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
