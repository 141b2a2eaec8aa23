/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/table.h"

#include "cli/character.h"
#include "common/array.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS_MAX 16

/* Between columns. */
#define GAP 2

/* A last column that would be narrower goes below the others, a line of its own for each row. */
#define WRAP_MIN 20

#define BOLD   "\033[1m"
#define NORMAL "\033[0m"

int table_add(struct table *table, const char *cell)
{
        int r = array_grow(&table->cells, table->n_cells, sizeof(char *));
        char *copy = r == 0 ? strdup(cell) : NULL;

        if (!copy)
                return -ENOMEM;
        table->cells[table->n_cells++] = copy;
        return 0;
}

void table_clear(struct table *table)
{
        for (size_t i = 0; i < table->n_cells; i++)
                free(table->cells[i]);
        free(table->cells);
        table->cells = NULL;
        table->n_cells = 0;
}

/* What is known of the table when it is printed. */
struct layout {
        FILE *stream;
        const char *const *headings;
        size_t n_columns;
        size_t widths[COLUMNS_MAX];
        size_t last;        /* where the last column begins */
        size_t wrap;        /* the width that it is wrapped at */
        bool below;         /* whether it stands below the others */
        const char *before; /* what makes a row look as it should, in front of it and behind it */
        const char *after;
};

static size_t width_of(const char *cell)
{
        return text_width(cell, strlen(cell));
}

static void measure(const struct table *table, struct layout *layout)
{
        while (table->headings[layout->n_columns]) {
                layout->widths[layout->n_columns] = width_of(table->headings[layout->n_columns]);
                layout->n_columns++;
        }
        for (size_t i = 0; i < table->n_cells; i++) {
                size_t *width = &layout->widths[i % layout->n_columns];
                size_t cell = width_of(table->cells[i]);

                *width = cell > *width ? cell : *width;
        }
}

static void choose_wrap(struct layout *layout)
{
        size_t columns = terminal_columns(fileno(layout->stream), SIZE_MAX);

        for (size_t i = 0; i + 1 < layout->n_columns; i++)
                layout->last += layout->widths[i] + GAP;
        layout->wrap = SIZE_MAX;
        if (columns == SIZE_MAX)
                return;
        layout->below = columns < layout->last + WRAP_MIN;
        if (layout->below)
                layout->last = layout->widths[0] + GAP;
        layout->wrap = columns > layout->last ? columns - layout->last : 1;
}

static void print_blanks(const struct layout *layout, size_t n)
{
        fprintf(layout->stream, "%*s", (int)n, "");
}

/* As many words as fit into a line, one at the least. Returns their bytes. */
static size_t fit_words(const char *text, size_t columns)
{
        size_t fitting = strcspn(text, " ");

        for (size_t end = fitting; text_width(text, end) <= columns;) {
                fitting = end;
                if (text[end] == '\0')
                        break;
                end += 1 + strcspn(text + end + 1, " ");
        }
        return fitting;
}

static void print_wrapped(const struct layout *layout, const char *cell)
{
        size_t fitting = fit_words(cell, layout->wrap);

        fprintf(layout->stream, "%.*s", (int)fitting, cell);
        while (cell[fitting] != '\0') {
                cell += fitting + 1;
                fitting = fit_words(cell, layout->wrap);
                fputc('\n', layout->stream);
                print_blanks(layout, layout->last);
                fprintf(layout->stream, "%.*s", (int)fitting, cell);
        }
        fprintf(layout->stream, "%s\n", layout->after);
}

static void print_cell(const struct layout *layout, size_t column, const char *cell)
{
        size_t blanks = layout->widths[column] - width_of(cell);
        bool right = layout->headings[column][0] == '#';

        print_blanks(layout, right ? blanks : 0);
        fputs(cell, layout->stream);
        /* Where the line ends, there are no blanks to be left behind. */
        if (!layout->below || column + 2 < layout->n_columns)
                print_blanks(layout, right ? GAP : blanks + GAP);
}

static void print_row(const struct layout *layout, const char *const *cells)
{
        fputs(layout->before, layout->stream);
        for (size_t i = 0; i + 1 < layout->n_columns; i++)
                print_cell(layout, i, cells[i]);
        if (layout->below) {
                fputc('\n', layout->stream);
                print_blanks(layout, layout->last);
        }
        print_wrapped(layout, cells[layout->n_columns - 1]);
}

/* https://no-color.org: any value but the empty one. */
static bool wants_colour(FILE *stream)
{
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(fileno(stream)) && !(no_color && *no_color) && term &&
               strcmp(term, "dumb") != 0;
}

void table_print(const struct table *table, FILE *stream)
{
        struct layout layout = {.stream = stream, .headings = table->headings};
        bool colour = wants_colour(stream);

        measure(table, &layout);
        choose_wrap(&layout);
        layout.before = colour ? BOLD : "";
        layout.after = colour ? NORMAL : "";
        print_row(&layout, table->headings);
        layout.before = layout.after = "";
        for (size_t i = 0; i < table->n_cells; i += layout.n_columns)
                print_row(&layout, (const char *const *)table->cells + i);
}
