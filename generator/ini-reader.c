/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/ini-reader.h"

/*
 * What libinih (release 55, and others) does silently, and what becomes of it here:
 *
 * - It cuts a line that is longer than its buffer and reads the rest as a line of its own. Its
 *   reader callback is ours: it knows the size of the buffer, and says so.
 * - It cuts the names of sections and keys at 49 bytes. Longer ones are errors.
 * - " ;" begins a comment within a line, which systemd's files don't have. The value is taken from
 *   the line as it was written.
 * - "key: value" is an assignment to it, but not to systemd. Keys have no other characters than
 *   those that systemd's have, so that the first '=' ends them.
 * - It ignores what stands behind the ']' of a section.
 * - It doesn't tell the number of a line, nor an empty section. The reader callback does both.
 * - A control byte ends a string to it (NUL), or a line to systemd, which reads these values next
 *   (carriage return).
 */

#include "common/cleanup.h"
#include "generator/unit-text.h"
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a section's or a key's name that libinih keeps. */
#define NAME_LENGTH_MAX 49

/* Limit for a line, where libinih lets itself be told. */
#define LINE_SIZE (64 * 1024)

/*
 * Debian's build keeps its settings in variables; in others they are fixed at build time. Being
 * weak, they are looked for when the program is loaded and are NULL where there are none.
 */
extern bool ini_use_stack __attribute__((weak));
extern bool ini_allow_realloc __attribute__((weak));
extern int ini_initial_alloc __attribute__((weak));
extern int ini_max_line __attribute__((weak));

struct ini_reader {
        const char *next; /* where the next line begins */
        const char *end;
        const struct ini_reader_handlers *handlers;
        void *userdata;
        unsigned line;
        char *text;     /* of that line, without the blanks around it; owned */
        bool indented;  /* whether there were blanks in front */
        bool lost;      /* the section's beginning was refused: its lines mean nothing */
        bool has_key;   /* whether a key came before in this section */
        bool continued; /* whether this line carries that key on */
        int error;      /* of a handler, or ours */
};

static void raise_line_limit(void)
{
        if (!&ini_use_stack || !&ini_allow_realloc || !&ini_initial_alloc || !&ini_max_line)
                return;
        ini_use_stack = false;
        ini_allow_realloc = false;
        ini_initial_alloc = LINE_SIZE;
        ini_max_line = LINE_SIZE;
}

static void report(struct ini_reader *reader, const char *reason)
{
        if (reader->error == 0)
                reader->error = reader->handlers->error(reader->userdata, reader->line, reason);
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* Returns the first reason not to take these bytes as the text of a line, or NULL. */
static const char *check_bytes(const char *line, size_t length)
{
        if (!unit_text_is_valid(line, length))
                return "the line is not UTF-8";
        for (size_t i = 0; i < length; i++)
                if (unit_text_is_control(line[i]) && line[i] != '\t')
                        return "the line has a control character in it";
        return NULL;
}

static const char *check_section(const char *text)
{
        const char *end = strchr(text, ']');

        if (!end)
                return "']' is missing";
        if (end[1] != '\0')
                return "there is something behind the ']'";
        if (end - text - 1 > NAME_LENGTH_MAX)
                return "the section's name is longer than 49 bytes";
        return NULL;
}

static bool is_key_character(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
}

static const char *check_key(const char *text)
{
        const char *equals = strchr(text, '=');
        size_t length;

        if (!equals)
                return "neither a section nor an assignment (KEY=VALUE)";
        length = (size_t)(equals - text);
        while (length > 0 && is_blank(text[length - 1]))
                length--;
        if (length == 0)
                return "there is no key before the '='";
        for (size_t i = 0; i < length; i++)
                if (!is_key_character(text[i]))
                        return "a key is made of letters, digits, '-' and '_'";
        if (length > NAME_LENGTH_MAX)
                return "the key is longer than 49 bytes";
        return NULL;
}

static bool is_comment(const char *text)
{
        return *text == '\0' || *text == ';' || *text == '#';
}

/* Keep the line, without the blanks around it. Returns 0 or -ENOMEM. */
static int keep_text(struct ini_reader *reader, const char *line, size_t length)
{
        size_t first = 0;

        while (length > 0 && is_blank(line[length - 1]))
                length--;
        while (first < length && is_blank(line[first]))
                first++;
        free(reader->text);
        reader->indented = first > 0;
        reader->text = strndup(line + first, length - first);
        return reader->text ? 0 : -ENOMEM;
}

static void begin_section(struct ini_reader *reader)
{
        _cleanup_free_ char *name = strndup(reader->text + 1, strlen(reader->text) - 2);

        if (!name)
                reader->error = -ENOMEM;
        else if (reader->error == 0)
                reader->error = reader->handlers->section(reader->userdata, reader->line, name);
}

/*
 * Decide about the line at hand, in the order in which libinih does, and begin a section where one
 * begins. Returns whether libinih may have it.
 */
static bool admit(struct ini_reader *reader)
{
        const char *reason;

        reader->continued = false;
        if (is_comment(reader->text))
                return true;
        if (reader->lost && *reader->text != '[')
                return false;
        if (reader->indented && reader->has_key) {
                reader->continued = true;
                return true;
        }
        if (*reader->text != '[') {
                reason = check_key(reader->text);
                if (reason)
                        report(reader, reason);
                reader->has_key = reader->has_key || !reason;
                return !reason;
        }
        reason = check_section(reader->text);
        reader->lost = reason != NULL;
        reader->has_key = false;
        if (reason)
                report(reader, reason);
        else
                begin_section(reader);
        return !reason;
}

/* The next line of the file, without its end ("\n" or "\r\n"). */
static const char *take_line(struct ini_reader *reader, size_t *ret_length)
{
        const char *line = reader->next;
        const char *newline = memchr(line, '\n', (size_t)(reader->end - line));
        size_t length = (size_t)((newline ? newline : reader->end) - line);

        reader->next = newline ? newline + 1 : reader->end;
        reader->line++;
        if (length > 0 && line[length - 1] == '\r')
                length--;
        *ret_length = length;
        return line;
}

/*
 * fgets(3) to libinih. A line that was refused arrives there as an empty one. The line break is
 * always there, so that libinih never takes a line for the beginning of a longer one.
 */
static char *read_line(char *buffer, int size, void *stream)
{
        struct ini_reader *reader = stream;
        const char *line, *reason;
        size_t length;

        if (reader->next == reader->end || reader->error < 0 || size < 2)
                return NULL;
        line = take_line(reader, &length);
        strcpy(buffer, "\n");
        reason = check_bytes(line, length);
        if (!reason && length + 2 > (size_t)size)
                reason = "the line is too long";
        if (reason) {
                report(reader, reason);
                return buffer;
        }
        reader->error = keep_text(reader, line, length);
        if (reader->error < 0 || !admit(reader))
                return buffer;
        /*
         * Blanks in front are what libinih knows a continuation by. It gets them with a line that
         * is one, and not with a line that only it would take for one: the section that its last
         * key was in may have been followed by one that was refused.
         */
        snprintf(buffer, (size_t)size, "%s%s\n", reader->continued ? " " : "", reader->text);
        return buffer;
}

static int handle(void *userdata, const char *section, const char *key, const char *value)
{
        struct ini_reader *reader = userdata;
        const char *whole = reader->text;

        (void)section;
        (void)value;
        if (reader->error < 0)
                return 0;
        /* libinih's value ends where it sees a comment: this one is the line's own. */
        if (!reader->continued) {
                whole = strchr(whole, '=') + 1;
                while (is_blank(*whole))
                        whole++;
        }
        reader->error = reader->handlers->value(reader->userdata, reader->line, key, whole,
                                                reader->continued);
        return reader->error == 0;
}

int ini_reader_read(const char *data, size_t size, const struct ini_reader_handlers *handlers,
                    void *userdata)
{
        static const char bom[] = "\xef\xbb\xbf";
        struct ini_reader reader = {
                .next = data,
                .end = data + size,
                .handlers = handlers,
                .userdata = userdata,
        };

        if (size >= strlen(bom) && memcmp(data, bom, strlen(bom)) == 0)
                reader.next += strlen(bom);
        raise_line_limit();
        /* -2 is its word for out of memory; lines that it could not read were refused before. */
        if (ini_parse_stream(read_line, &reader, handle, &reader) == -2)
                reader.error = -ENOMEM;
        free(reader.text);
        return reader.error;
}
