/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How long commands take that differ in their environment alone.
 *
 *     start ROUNDS VARIANT... -- PROGRAM [ARG...]
 *
 * A variant is a list of VAR=VALUE words separated by blanks, which may be empty. Each round starts
 * the program once in each of the environments and waits for it. Prints, for each variant, the
 * first decile in microseconds: of the figures that a busy machine leaves alone, the steadiest.
 */

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/measure.h"

#define MAX_VARIANTS    16
#define MAX_ENVIRONMENT 16

struct variant {
        char *environment[MAX_ENVIRONMENT];
        uint64_t *times;
};

static void split(char *text, char **ret_words)
{
        int n = 0;

        for (char *word = strtok(text, " "); word && n < MAX_ENVIRONMENT - 1;
             word = strtok(NULL, " "))
                ret_words[n++] = word;
        ret_words[n] = NULL;
}

static uint64_t time_start(char **command, char **environment, posix_spawn_file_actions_t *actions)
{
        uint64_t start = now_ns();
        int status;
        pid_t child;

        need(posix_spawn(&child, command[0], actions, NULL, command, environment) == 0, command[0]);
        need(waitpid(child, &status, 0) == child, "waitpid");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                fprintf(stderr, "%s failed in the environment of %s\n", command[0],
                        environment[0] ? environment[0] : "nothing");
                exit(EXIT_FAILURE);
        }
        return now_ns() - start;
}

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

static double first_decile_us(struct variant *variant, long rounds)
{
        qsort(variant->times, rounds, sizeof *variant->times, compare);
        return variant->times[rounds / 10] / 1e3;
}

int main(int argc, char **argv)
{
        static struct variant variants[MAX_VARIANTS];
        posix_spawn_file_actions_t actions;
        long rounds = argc > 2 ? number(argv[1]) : 0;
        int n = 0, argument;

        for (argument = 2; argument < argc && strcmp(argv[argument], "--") != 0; argument++) {
                if (n == MAX_VARIANTS)
                        return EXIT_FAILURE;
                split(argv[argument], variants[n].environment);
                variants[n].times = calloc(rounds, sizeof *variants[n].times);
                need(variants[n++].times != NULL, "calloc");
        }
        if (n == 0 || argument + 1 >= argc)
                return EXIT_FAILURE;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        /* In each round another one is first, so that none always follows the same. */
        for (long round = 0; round < rounds; round++)
                for (int i = 0; i < n; i++) {
                        struct variant *variant = &variants[(i + round) % n];

                        variant->times[round] =
                                time_start(argv + argument + 1, variant->environment, &actions);
                }
        for (int i = 0; i < n; i++)
                printf("%.2f\n", first_decile_us(&variants[i], rounds));
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
