/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/unit-file.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "generator/unit-text.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n\r"

struct unit_file {
        const char *next;
        const char *end;
        char *section;
        unit_file_fn fn;
        void *userdata;
};

/* systemd ends lines at each of these. */
static size_t line_length(const char *line, const char *end)
{
        size_t n = 0;

        while (line + n < end && line[n] != '\n' && line[n] != '\r' && line[n] != '\0')
                n++;
        return n;
}

static bool ends_in_backslash(const char *line, size_t length)
{
        bool escaped = false;

        for (size_t i = 0; i < length; i++)
                escaped = !escaped && line[i] == '\\';
        return escaped;
}

/*
 * Put together the next logical line. A backslash at its end becomes a blank and joins the next
 * line, past comment lines. Returns whether there was one.
 */
static bool read_logical_line(struct unit_file *file, struct buffer *ret)
{
        buffer_clear(ret);
        while (file->next < file->end) {
                const char *line = file->next;
                size_t length = line_length(line, file->end);
                size_t blanks = 0;

                file->next = line + length + (line + length < file->end);
                while (blanks < length && strchr(BLANKS, line[blanks]))
                        blanks++;
                if (blanks < length && (line[blanks] == '#' || line[blanks] == ';'))
                        continue;
                buffer_add_bytes(ret, line, length);
                if (ret->failed || !ends_in_backslash(ret->data, ret->length))
                        return true;
                ret->data[ret->length - 1] = ' ';
        }
        return ret->length > 0;
}

/* Take the blanks off both ends, in place. */
static char *strip(char *text)
{
        size_t n;

        text += strspn(text, BLANKS);
        for (n = strlen(text); n > 0 && strchr(BLANKS, text[n - 1]); n--)
                text[n - 1] = '\0';
        return text;
}

static int begin_section(struct unit_file *file, const char *line)
{
        size_t length = strlen(line);

        free(file->section);
        file->section = NULL;
        if (line[length - 1] != ']')
                return 0;
        file->section = strndup(line + 1, length - 2);
        return file->section ? 0 : -ENOMEM;
}

static int take_line(struct unit_file *file, char *line)
{
        char *equals;

        line = strip(line);
        if (*line == '\0' || !unit_text_is_valid(line, strlen(line)))
                return 0;
        if (*line == '[')
                return begin_section(file, line);
        equals = strchr(line, '=');
        if (!equals || !file->section)
                return 0;
        *equals = '\0';
        return file->fn(file->section, strip(line), strip(equals + 1), file->userdata);
}

int unit_file_read(const char *data, size_t size, unit_file_fn fn, void *userdata)
{
        static const char bom[] = "\xef\xbb\xbf";
        _cleanup_(buffer_clear) struct buffer line = BUFFER_INIT;
        struct unit_file file = {.next = data, .end = data + size, .fn = fn, .userdata = userdata};
        int r = 0;

        if (size >= strlen(bom) && memcmp(data, bom, strlen(bom)) == 0)
                file.next += strlen(bom);
        while (r == 0 && read_logical_line(&file, &line))
                r = buffer_error(&line) < 0 ? -ENOMEM : take_line(&file, line.data);
        free(file.section);
        return r;
}
