/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/log.h"

#include "common/cleanup.h"
#include "common/journal.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int kmsg_fd = -1;
static bool journal;

void log_open(bool kmsg)
{
        /* Without O_CREAT: a container has no /dev/kmsg, and must not get a file of that name. */
        if (kmsg && kmsg_fd < 0)
                kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        journal = stderr_is_journal();
}

static void write_message(enum log_level level, const char *text)
{
        char record[1000];
        int length;

        if (journal)
                fprintf(stderr, "<%d>ip2unix: %s\n", level, text);
        else
                fprintf(stderr, "ip2unix: %s\n", text);
        if (kmsg_fd < 0)
                return;
        /* One write is one record, and the kernel refuses more than 1,024 bytes less its prefix. */
        length = snprintf(record, sizeof(record), "<%d>ip2unix-generator[%d]: %s", level,
                          (int)getpid(), text);
        if (length >= (int)sizeof(record))
                length = sizeof(record) - 1;
        /* There is nowhere to report a failure of the log to. */
        if (length > 0 && write(kmsg_fd, record, (size_t)length) < 0)
                kmsg_fd = -1;
}

/* Returns NULL when there is no memory. */
static char *__attribute__((format(printf, 1, 0))) format_text(const char *format, va_list args)
{
        char *text;

        return vasprintf(&text, format, args) < 0 ? NULL : text;
}

void log_message(enum log_level level, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list args;

        va_start(args, format);
        text = format_text(format, args);
        va_end(args);
        write_message(level, text ? text : "out of memory");
}

void log_failure(int error, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list args;

        va_start(args, format);
        text = format_text(format, args);
        va_end(args);
        log_message(LOG_LEVEL_ERR, "%s: %s", text ? text : "failed", strerror(-error));
}
