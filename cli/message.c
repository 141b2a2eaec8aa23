/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/message.h"

#include "common/cleanup.h"
#include "common/journal.h"
#include "rules/text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A byte may become \xNN. */
#define PRINTABLE_SIZE(length) (4 * (length) + 1)

static void print_line(enum message_level level, const char *prefix, const char *line)
{
        if (stderr_is_journal())
                fprintf(stderr, "<%d>", level);
        fprintf(stderr, "%s%s\n", prefix, line);
}

void message(enum message_level level, const char *format, ...)
{
        _cleanup_free_ char *raw = NULL, *printable = NULL;
        struct text text;
        va_list args;
        int length;

        va_start(args, format);
        length = vasprintf(&raw, format, args);
        va_end(args);
        if (length < 0)
                raw = NULL;
        else
                printable = malloc(PRINTABLE_SIZE((size_t)length));
        if (!printable) {
                print_line(level, "ip2unix: ", "out of memory");
                return;
        }
        text_init(&text, printable, PRINTABLE_SIZE((size_t)length));
        text_add_printable(&text, raw, (size_t)length);
        text_finish(&text);
        print_line(level, "ip2unix: ", printable);
}

void message_more(enum message_level level, const char *line)
{
        print_line(level, "", line);
}

int message_no_memory(void)
{
        message(MESSAGE_ERROR, "%s", strerror(ENOMEM));
        return -ENOMEM;
}
