/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/rulefile.h"

#include "common/array.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "generator/escape.h"
#include "generator/ini-reader.h"
#include "generator/rulefile-keys.h"
#include "generator/rulefile-unit.h"
#include "generator/unit-text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int rulefile_new(const char *path, struct rulefile **ret)
{
        struct rulefile *file = calloc(1, sizeof(*file));
        int r;

        if (!file)
                return -ENOMEM;
        file->rules_line = 1;
        file->path = strdup(path);
        r = file->path ? rulefile_unit_default(path, &file->unit) : -ENOMEM;
        if (r < 0 && r != -EINVAL) {
                rulefile_free(file);
                return r;
        }
        *ret = file;
        return 0;
}

__attribute__((format(printf, 4, 0))) static int
add_note(struct complaint **notes, size_t *n_notes, unsigned line, const char *format, va_list args)
{
        struct complaint *note;
        char *reason;
        int r;

        if (vasprintf(&reason, format, args) < 0)
                return -ENOMEM;
        r = array_grow(notes, *n_notes, sizeof(*note));
        if (r < 0) {
                free(reason);
                return r;
        }
        note = &(*notes)[*n_notes];
        note->order = (*n_notes)++;
        note->line = line;
        note->reason = reason;
        return 0;
}

int rulefile_complain(struct rulefile *file, unsigned line, const char *format, ...)
{
        va_list args;
        int r;

        va_start(args, format);
        r = add_note(&file->complaints, &file->n_complaints, line, format, args);
        va_end(args);
        return r;
}

int rulefile_warn(struct rulefile *file, unsigned line, const char *format, ...)
{
        va_list args;
        int r;

        va_start(args, format);
        r = add_note(&file->warnings, &file->n_warnings, line, format, args);
        va_end(args);
        return r;
}

int rulefile_describe_complaint(const struct rulefile *file, const struct complaint *complaint,
                                char **ret)
{
        _cleanup_(buffer_clear) struct buffer text = BUFFER_INIT;

        escape_visible(&text, file->path);
        buffer_add_char(&text, ':');
        if (complaint->line > 0)
                buffer_printf(&text, "%u:", complaint->line);
        buffer_add_char(&text, ' ');
        escape_visible(&text, complaint->reason);
        return buffer_take(&text, ret);
}

int rulefile_name_line(const struct rulefile *file, const struct rulefile *other, unsigned line,
                       char **ret)
{
        const bool same = other == file;
        char *name;

        if (asprintf(&name, "%s%s%u", same ? "line " : other->path, same ? "" : ":", line) < 0)
                return -ENOMEM;
        *ret = name;
        return 0;
}

static int compare_complaints(const void *a, const void *b)
{
        const struct complaint *x = a, *y = b;

        if (x->line != y->line)
                return x->line < y->line ? -1 : 1;
        return (x->order > y->order) - (x->order < y->order);
}

/* The path ends up in comments and in SourcePath=, which can't hold everything. */
static int check_path(struct rulefile *file)
{
        bool fits = unit_text_is_valid(file->path, strlen(file->path));

        for (const char *c = file->path; fits && *c; c++)
                fits = !unit_text_is_control(*c);
        if (fits)
                return 0;
        return rulefile_complain(file, 0, "the file's name can't be written into a unit file");
}

/* A file that can't be used is about the unit that it was written for all the same. */
static int salvage_unit(struct rulefile *file, const char *data, size_t size)
{
        char *unit;
        int r = rulefile_unit_salvage(data, size, &unit);

        if (r < 0 || !unit)
                return r;
        free(file->unit);
        file->unit = unit;
        return 0;
}

int rulefile_read(struct rulefile *file, const char *data, size_t size)
{
        struct rulefile_keys keys = {.file = file};
        int r;

        r = check_path(file);
        if (r == 0)
                r = ini_reader_read(data, size, &rulefile_keys_handlers, &keys);
        if (r == 0)
                r = rulefile_keys_finish(&keys);
        if (r == 0 && file->n_complaints > 0 && !keys.unit_found)
                r = salvage_unit(file, data, size);
        if (file->n_complaints > 1)
                qsort(file->complaints, file->n_complaints, sizeof(*file->complaints),
                      compare_complaints);
        return r;
}

static void free_assignments(struct assignments *assignments)
{
        for (size_t i = 0; i < assignments->n_items; i++) {
                free(assignments->items[i].key);
                free(assignments->items[i].value);
        }
        free(assignments->items);
}

static void free_sockets(struct rulefile *file)
{
        for (size_t i = 0; i < file->n_sockets; i++) {
                free(file->sockets[i].name);
                free(file->sockets[i].unit);
                free_assignments(&file->sockets[i].settings);
        }
        free(file->sockets);
}

static void free_rules(struct rulefile *file)
{
        for (size_t i = 0; i < file->n_rules; i++) {
                free(file->rules[i].text);
                free(file->rules[i].memory);
        }
        free(file->rules);
}

static void free_notes(struct complaint *notes, size_t n_notes)
{
        for (size_t i = 0; i < n_notes; i++)
                free(notes[i].reason);
        free(notes);
}

void rulefile_free(struct rulefile *file)
{
        if (!file)
                return;
        free_notes(file->complaints, file->n_complaints);
        free_notes(file->warnings, file->n_warnings);
        free_assignments(&file->service);
        free_assignments(&file->unit_section);
        free_sockets(file);
        free_rules(file);
        free(file->log_level);
        free(file->unit);
        free(file->path);
        free(file);
}
