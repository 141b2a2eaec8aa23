/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes messages without disturbing the program.
 *
 * A daemon may close stderr and get the same number for a client's connection: before every line,
 * stderr is compared with what it was when the program started. Where it has changed and the
 * service's output went to the journal, the line goes there by journald's own datagram socket.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/words.h"
#include "rules/errno-name.h"
#include "rules/text.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define LINE_MAX_BYTES 1024

int log_level = LOG_WARNING;

/* What stderr was when the program started. */
static struct {
        bool open;
        bool is_journal;
        dev_t dev;
        ino_t ino;
} remembered;

static const char *journal_stream;

static const char *const level_names[] = {"emerg",   "alert",  "crit", "err",
                                          "warning", "notice", "info", "debug"};

bool log_set_level(const char *value)
{
        for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
                const char digit[] = {(char)('0' + i), 0};

                if (word_equals(value, level_names[i]) || word_equals(value, digit)) {
                        log_level = (int)i;
                        return true;
                }
        }

        return false;
}

static unsigned long long parse_number(const char **s)
{
        unsigned long long n = 0;

        for (; **s >= '0' && **s <= '9'; (*s)++)
                n = n * 10 + (unsigned long long)(**s - '0');

        return n;
}

/* $JOURNAL_STREAM is "DEV:INO" of the stream that systemd connected to the journal. */
static bool is_journal(const struct stat *st)
{
        const char *s = journal_stream;

        return s && parse_number(&s) == st->st_dev && *s++ == ':' &&
               parse_number(&s) == st->st_ino && *s == 0;
}

void log_open(const char *stream)
{
        struct stat st;

        journal_stream = stream;
        if (fstat(STDERR_FILENO, &st) < 0)
                return;

        remembered.open = true;
        remembered.dev = st.st_dev;
        remembered.ino = st.st_ino;
        remembered.is_journal = is_journal(&st);
}

static bool is_stderr_ours(void)
{
        struct stat st;

        return remembered.open && fstat(STDERR_FILENO, &st) == 0 && st.st_dev == remembered.dev &&
               st.st_ino == remembered.ino;
}

/* A pipe whose reader has gone: as MSG_NOSIGNAL, for what is no socket. */
static void write_without_signal(const char *line, size_t length)
{
        const uint64_t pipe = KERNEL_SIGNAL(SIGPIPE);
        uint64_t before = 0, pending = 0;

        (void)kernel_pending_signals(&pending);
        (void)kernel_block_signals(SIG_BLOCK, &pipe, &before);
        if (kernel_call(SYS_write, STDERR_FILENO, line, length) < 0 && errno == EPIPE &&
            !(pending & pipe))
                (void)kernel_take_signal(&pipe);
        (void)kernel_block_signals(SIG_SETMASK, &before, NULL);
}

/*
 * A reader that went away must not end the program with SIGPIPE. And the calls in which messages
 * are written are no cancellation points, so that these go straight to the kernel.
 */
static void write_stderr(const char *line, size_t length)
{
        if (kernel_call(SYS_sendto, STDERR_FILENO, line, length, MSG_NOSIGNAL, NULL, 0) < 0 &&
            errno == ENOTSOCK)
                write_without_signal(line, length);
}

/* One datagram of FIELD=value lines, as systemd-journald.service(8) documents. */
static void write_journal(const char *fields, size_t length)
{
        static const struct sockaddr_un journal = {AF_UNIX, JOURNAL_SOCKET};
        int fd;

        fd = (int)kernel_call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return;

        (void)kernel_call(SYS_sendto, fd, fields, length, MSG_DONTWAIT | MSG_NOSIGNAL, &journal,
                          sizeof(journal));
        (void)kernel_call(SYS_close, fd);
}

static size_t compose(char *line, size_t size, const char *before, int level, const char *between,
                      va_list ap)
{
        struct text text;

        /* A byte is kept for the line break; a message that is too long is cut. */
        text_init(&text, line, size - 1);
        text_add_string(&text, before);
        if (level >= 0) {
                text_add_unsigned(&text, (unsigned)level);
                text_add_string(&text, between);
        }
        text_add_string(&text, "ip2unix: ");
        for (const char *s = va_arg(ap, const char *); s; s = va_arg(ap, const char *))
                text_add_string(&text, s);
        (void)text_finish(&text);

        size = strlen(line);
        line[size++] = '\n';
        return size;
}

void log_strings(int level, ...)
{
        char line[LINE_MAX_BYTES];
        const int saved = errno;
        size_t length;
        va_list ap;

        va_start(ap, level);
        if (is_stderr_ours()) {
                length = remembered.is_journal ? compose(line, sizeof(line), "<", level, ">", ap)
                                               : compose(line, sizeof(line), "", -1, "", ap);
                write_stderr(line, length);
        } else if (journal_stream) {
                length = compose(line, sizeof(line), "PRIORITY=", level, "\nMESSAGE=", ap);
                write_journal(line, length);
        }
        va_end(ap);

        errno = saved;
}

const char *log_number(char buf[static 24], long long value)
{
        struct text text;

        text_init(&text, buf, 24);
        text_add_signed(&text, value);
        (void)text_finish(&text);
        return buf;
}

/* strerror(3) translates, and so allocates. These are the ones that administrators can mend. */
static const struct {
        int number;
        char text[44];
} errno_texts[] = {
        {EPERM, "Operation not permitted"},
        {ENOENT, "No such file or directory"},
        {EIO, "Input/output error"},
        {ENOMEM, "Cannot allocate memory"},
        {EACCES, "Permission denied"},
        {ENOTDIR, "Not a directory"},
        {EINVAL, "Invalid argument"},
        {ENFILE, "Too many open files in system"},
        {EMFILE, "Too many open files"},
        {ENOSPC, "No space left on device"},
        {EROFS, "Read-only file system"},
        {ENOLCK, "No locks available"},
        {ELOOP, "Too many levels of symbolic links"},
        {EPROTOTYPE, "Protocol wrong type for socket"},
        {EAFNOSUPPORT, "Address family not supported by protocol"},
        {EADDRINUSE, "Address already in use"},
        {EADDRNOTAVAIL, "Cannot assign requested address"},
        {ENETUNREACH, "Network is unreachable"},
        {ETIMEDOUT, "Connection timed out"},
        {ECONNREFUSED, "Connection refused"},
        {EDQUOT, "Disk quota exceeded"},
};

/* NULL: none of these. */
static const char *errno_text(int number)
{
        for (size_t i = 0; i < sizeof(errno_texts) / sizeof(errno_texts[0]); i++)
                if (errno_texts[i].number == number)
                        return errno_texts[i].text;

        return NULL;
}

const char *log_errno(char buf[static LOG_ERRNO_MAX], int number)
{
        const char *name = errno_to_name(number), *words = errno_text(number);
        struct text text;

        if (!name)
                return log_number(buf, number);
        if (!words)
                return name;

        text_init(&text, buf, LOG_ERRNO_MAX);
        text_add_string(&text, words);
        text_add_string(&text, " (");
        text_add_string(&text, name);
        text_add_string(&text, ")");
        (void)text_finish(&text);
        return buf;
}
