/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/excerpt.h"

#include "cli/character.h"
#include "common/buffer.h"
#include <string.h>
#include <unistd.h>

#define INDENT "  "
#define DOTS   "..."

/* Where stderr is no terminal. */
#define COLUMNS_DEFAULT 100

/* Narrower than this there is nothing to be seen. */
#define COLUMNS_MIN 30

/* The part of the rule that is shown, in bytes. */
struct window {
        size_t begin;
        size_t end;
};

/* As many characters before end as fit. Returns where the first of them starts. */
static size_t fit_before(const char *rule, size_t end, size_t columns)
{
        size_t begin = 0, width = text_width(rule, end);

        while (width > columns) {
                struct character character = character_at(rule + begin, end - begin);

                width -= character.width;
                begin += character.length;
        }
        return begin;
}

/* As many characters from begin on as fit. Returns where the last of them ends. */
static size_t fit_after(const char *rule, size_t length, size_t begin, size_t columns)
{
        size_t end = begin, width = 0;

        while (end < length) {
                struct character character = character_at(rule + end, length - end);

                width += character.width;
                if (width > columns)
                        break;
                end += character.length;
        }
        return end;
}

/* The marked part begins in the first half of the window, so that most of it can be seen. */
static struct window choose_window(const char *rule, size_t length, size_t offset, size_t columns)
{
        struct window window = {0, length};

        if (text_width(rule, length) <= columns)
                return window;
        columns -= strlen(DOTS);
        window.begin = fit_before(rule, offset, columns / 3);
        window.end = fit_after(rule, length, window.begin,
                               window.begin > 0 ? columns - strlen(DOTS) : columns);
        /* Near the end of the rule there is room left: show more of what comes before. */
        if (window.end == length)
                window.begin = fit_before(rule, length, columns);
        return window;
}

static void add_shown(struct buffer *line, const char *text, size_t length)
{
        while (length > 0) {
                struct character character = character_at(text, length);

                buffer_add(line, character.shown);
                text += character.length;
                length -= character.length;
        }
}

static void add_repeated(struct buffer *line, char c, size_t n)
{
        while (n-- > 0)
                buffer_add_char(line, c);
}

static void print_line(enum message_level level, struct buffer *line)
{
        if (buffer_error(line) == 0)
                message_more(level, line->data);
        buffer_clear(line);
}

void excerpt_print(enum message_level level, const char *rule, size_t length, size_t offset,
                   size_t marked)
{
        size_t columns = terminal_columns(STDERR_FILENO, COLUMNS_DEFAULT);
        struct buffer line = BUFFER_INIT;
        struct window window;
        size_t end;

        if (length == 0)
                return;
        if (marked == 0)
                marked = length;
        columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns;
        window = choose_window(rule, length, offset, columns - strlen(INDENT));
        end = offset + marked < window.end ? offset + marked : window.end;

        buffer_add(&line, window.begin > 0 ? INDENT DOTS : INDENT);
        add_shown(&line, rule + window.begin, window.end - window.begin);
        buffer_add(&line, window.end < length ? DOTS : "");
        print_line(level, &line);

        buffer_add(&line, window.begin > 0 ? INDENT "   " : INDENT);
        add_repeated(&line, ' ', text_width(rule + window.begin, offset - window.begin));
        add_repeated(&line, '^', text_width(rule + offset, end - offset));
        print_line(level, &line);
}
