/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/rule-file.h"

#include "cli/message.h"
#include "common/cleanup.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* More than the environment takes many times over: such a file is none of rules. */
#define FILE_SIZE_MAX (16 << 20)

/* Nobody reads on after so many: what is wrong is the file. */
#define ERRORS_MAX 20

struct rule_file {
        FILE *stream;
        const char *name; /* in messages */
        unsigned line;
        size_t size; /* of what has been read */
};

static void cleanup_fclose(FILE **stream)
{
        if (*stream && *stream != stdin)
                fclose(*stream);
}

/* A line without its line break and the blanks before it. Returns whether it holds a rule. */
static bool trim(const char **line, size_t *length)
{
        if (*length > 0 && (*line)[*length - 1] == '\n')
                (*length)--;
        while (*length > 0 && (**line == ' ' || **line == '\t')) {
                (*line)++;
                (*length)--;
        }
        return *length > 0 && **line != '#';
}

/* No rule begins so, but the files of services do: they are written alike and lie near at hand. */
static bool is_section(const char *line, size_t length)
{
        return length > 2 && *line == '[' && memchr(line, ']', length);
}

static int add_line(struct rule_file *file, struct rule_list *list, const char *line, size_t length)
{
        _cleanup_free_ char *where = NULL;

        file->line++;
        if (!trim(&line, &length))
                return 0;
        if (is_section(line, length))
                return -ENOEXEC;
        if (asprintf(&where, "%s:%u", file->name, file->line) < 0) {
                where = NULL;
                return message_no_memory();
        }
        return rule_list_add(list, line, length, where, where);
}

/* getdelim(3) would take /dev/zero for one long line: read byte by byte, up to the limit. */
static ssize_t read_line(struct rule_file *file, char **line, size_t *size)
{
        size_t length = 0;
        int c = 0;

        while (c != '\n' && (c = getc_unlocked(file->stream)) != EOF) {
                if (++file->size > FILE_SIZE_MAX) {
                        errno = EFBIG;
                        return -1;
                }
                if (length == *size) {
                        char *more = realloc(*line, *size = *size ? 2 * *size : 256);

                        if (!more)
                                return -1;
                        *line = more;
                }
                (*line)[length++] = (char)c;
        }
        return ferror(file->stream) ? -1 : (ssize_t)length;
}

static int read_lines(struct rule_file *file, struct rule_list *list)
{
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        ssize_t length;

        while ((length = read_line(file, &line, &size)) > 0) {
                int r = add_line(file, list, line, (size_t)length);

                if (r < 0)
                        return r;
                if (list->n_errors >= ERRORS_MAX)
                        return -E2BIG;
        }
        if (length < 0)
                return errno == ENOMEM ? message_no_memory() : -errno;
        return 0;
}

static void complain(const struct rule_file *file, int r)
{
        switch (r) {
        case -ENOEXEC:
                message(MESSAGE_ERROR,
                        "%s:%u: a file of rules has one rule a line and no sections; "
                        "those of ip2unix.conf(5) are for services of systemd",
                        file->name, file->line);
                break;
        case -E2BIG:
                message(MESSAGE_ERROR, "%s:%u: too many errors, not read any further", file->name,
                        file->line);
                break;
        default:
                message(MESSAGE_ERROR, "can't read the rules of %s: %s", file->name, strerror(-r));
        }
}

int rule_file_read(struct rule_list *list, const char *name)
{
        bool is_stdin = strcmp(name, RULE_FILE_STDIN) == 0;
        struct rule_file file = {.name = is_stdin ? "standard input" : name};
        _cleanup_(cleanup_fclose) FILE *stream = is_stdin ? stdin : fopen(name, "re");
        int r = stream ? 0 : -errno;

        file.stream = stream;
        if (r == 0)
                r = read_lines(&file, list);
        if (r == 0 || r == -ENOMEM)
                return r;
        complain(&file, r);
        rule_list_count_error(list);
        return 0;
}
