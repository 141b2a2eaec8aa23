/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Time what takes nanoseconds, on a machine that others use as well.
 *
 * What disturbs a measurement only ever makes it longer. So a piece of work is timed in many short
 * batches, in turns with what it is compared to, and the shortest batch counts.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CALLS_PER_BATCH 500

static inline uint64_t now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

/* The shortest batch so far, in nanoseconds. */
struct shortest {
        uint64_t ns;
};

#define SHORTEST_INIT                                                                              \
        {                                                                                          \
                UINT64_MAX                                                                         \
        }

/* Run the expression CALLS_PER_BATCH times and keep the time when it is the shortest. */
#define TIME_BATCH(shortest, expression)                                                           \
        do {                                                                                       \
                uint64_t start_ = now_ns(), took_;                                                 \
                                                                                                   \
                for (int call_ = 0; call_ < CALLS_PER_BATCH; call_++)                              \
                        expression;                                                                \
                took_ = now_ns() - start_;                                                         \
                if (took_ < (shortest)->ns)                                                        \
                        (shortest)->ns = took_;                                                    \
        } while (0)

static inline double ns_per_call(const struct shortest *shortest)
{
        return (double)shortest->ns / CALLS_PER_BATCH;
}

/* End the program with a message when something that it needs did not work. */
static inline void need(int condition, const char *what)
{
        if (!condition) {
                perror(what);
                exit(EXIT_FAILURE);
        }
}

/* A positive number from the command line. */
static inline long number(const char *text)
{
        char *end;
        long value = strtol(text, &end, 10);

        if (*end != '\0' || value <= 0) {
                fprintf(stderr, "not a positive number: %s\n", text);
                exit(EXIT_FAILURE);
        }
        return value;
}
