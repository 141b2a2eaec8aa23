/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints test points. See tap.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/tap.h"

#define LINE 1024

static int points, failures;

/*
 * One write(2) a line: what is in a stdio buffer would be printed again by forked children. The
 * protocol is one of lines, whatever the texts hold.
 */
static void __attribute__((format(printf, 2, 0)))
print_line(const char *before, const char *format, va_list ap)
{
        char line[LINE];
        size_t length;

        length = (size_t)snprintf(line, sizeof(line), "%s", before);
        vsnprintf(line + length, sizeof(line) - length - 1, format, ap);
        for (char *c = line; *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = '.';
        strcat(line, "\n");
        (void)!write(STDOUT_FILENO, line, strlen(line));
}

static bool __attribute__((format(printf, 2, 0)))
point(bool condition, const char *format, va_list ap)
{
        char before[32];

        snprintf(before, sizeof(before), "%sok %d - ", condition ? "" : "not ", ++points);
        failures += !condition;
        print_line(before, format, ap);
        return condition;
}

void note(const char *text, ...)
{
        va_list ap;

        va_start(ap, text);
        print_line("# ", text, ap);
        va_end(ap);
}

bool ok(bool condition, const char *what, ...)
{
        va_list ap;

        va_start(ap, what);
        point(condition, what, ap);
        va_end(ap);
        return condition;
}

bool same(long long got, long long want, const char *what, ...)
{
        va_list ap;

        va_start(ap, what);
        point(got == want, what, ap);
        va_end(ap);
        if (got != want)
                note("got %lld, want %lld", got, want);
        return got == want;
}

bool is(const char *got, const char *want, const char *what, ...)
{
        const bool equal = strcmp(got, want) == 0;
        va_list ap;

        va_start(ap, what);
        point(equal, what, ap);
        va_end(ap);
        if (!equal)
                note("got \"%s\", want \"%s\"", got, want);
        return equal;
}

static void __attribute__((format(printf, 1, 2))) print_skip(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        print_line("", format, ap);
        va_end(ap);
}

void skip(const char *what, const char *why)
{
        print_skip("ok %d - %s # SKIP %s", ++points, what, why);
}

void need(bool condition, const char *what)
{
        if (condition)
                return;

        print_skip("Bail out! %s: %s", what, strerror(errno));
        _exit(EXIT_FAILURE);
}

int tap_points(void)
{
        return points;
}

void tap_resume(int count)
{
        points = count;
}

int tap_end(void)
{
        print_skip("1..%d", points);
        return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
