/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a hook adds to a call on a descriptor that the shim does not track.
 *
 *     calls STANDIN-LIBRARY BATCHES
 *
 * Runs with LD_PRELOAD of the shim and the library of stand-ins, in this order. Each function is
 * called in two ways in turns, both through a pointer as any call to a shared library is: as the
 * program finds it, which is the shim's hook, and the stand-in itself. Prints a line for each: the
 * name, nanoseconds through the hook, nanoseconds of the stand-in. With the library that counts,
 * the line is instead: the name, and how many calls came through for each that was made.
 */

#include <dlfcn.h>
#include <netinet/in.h>
#include <stdio.h>

#include "tests/bench/measure.h"
#include "tests/bench/standin.h"

static void *find(void *library, const char *name)
{
        void *symbol = dlsym(library, name);

        if (!symbol) {
                fprintf(stderr, "%s\n", dlerror());
                exit(EXIT_FAILURE);
        }
        return symbol;
}

int main(int argc, char **argv)
{
        int ends[2], fd;
        long batches;
        void *library;
        const volatile unsigned long *count;
        struct epoll_event event = {.events = EPOLLIN};
        struct sockaddr_storage storage = {.ss_family = AF_INET};
        struct sockaddr *name = (struct sockaddr *)&storage;
        socklen_t length = sizeof(struct sockaddr_in);
        int value = 1;
        char bytes[100] = "";
        struct iovec iovec = {bytes, sizeof bytes};
        struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = &iovec, .msg_iovlen = 1}}};

        if (argc != 3)
                return EXIT_FAILURE;
        library = dlopen(argv[1], RTLD_NOW);
        need(library != NULL, "dlopen");
        count = dlsym(library, "standin_calls");
        batches = number(argv[2]);

        /* A tracked neighbour, so that the table has memory for this range of descriptors. */
        need(socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket");
        need(pipe(ends) == 0, "pipe");
        fd = ends[0];

#define MEASURE(type, name, parameters, arguments)                                                 \
        {                                                                                          \
                type(*volatile hook) parameters = find(RTLD_DEFAULT, #name);                       \
                type(*volatile standin) parameters = find(library, #name);                         \
                struct shortest hooked = SHORTEST_INIT, bare = SHORTEST_INIT;                      \
                unsigned long before = count ? *count : 0;                                         \
                                                                                                   \
                need(hook != standin, #name ": the shim has no hook");                             \
                for (long batch = 0; batch < batches; batch++) {                                   \
                        TIME_BATCH(&hooked, hook arguments);                                       \
                        if (!count)                                                                \
                                TIME_BATCH(&bare, standin arguments);                              \
                }                                                                                  \
                if (count)                                                                         \
                        printf("%s %.1f\n", #name,                                                 \
                               (double)(*count - before) / (batches * CALLS_PER_BATCH));           \
                else                                                                               \
                        printf("%s %.2f %.2f\n", #name, ns_per_call(&hooked), ns_per_call(&bare)); \
        }
        STANDINS(MEASURE)
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
