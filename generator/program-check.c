/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/program-check.h"

#include "common/array.h"
#include "common/cleanup.h"
#include "common/program.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A program that a unit starts. Sorted, so that each is looked at once. */
struct program_ref {
        const struct unit *unit;
        const char *root; /* RootDirectory= or "" */
        const char *program;
        char *const *search; /* of ExecSearchPath=, or NULL */
        size_t order;
};

static bool same_program(const struct program_ref *a, const struct program_ref *b)
{
        return strcmp(a->program, b->program) == 0 && strcmp(a->root, b->root) == 0 &&
               a->search == b->search;
}

static int compare_refs(const void *a, const void *b)
{
        const struct program_ref *x = a, *y = b;
        int r = strcmp(x->program, y->program);

        if (r == 0)
                r = strcmp(x->root, y->root);
        return r != 0 ? r : (x->order > y->order) - (x->order < y->order);
}

static int add_programs(const struct unit *unit, struct program_ref **refs, size_t *n_refs)
{
        const struct unit_settings *settings = &unit->settings;

        for (size_t i = 0; i < settings->n_programs; i++) {
                int r = array_grow(refs, *n_refs, sizeof(**refs));

                if (r < 0)
                        return r;
                (*refs)[*n_refs] = (struct program_ref){
                        .unit = unit,
                        .root = settings->root_directory ? settings->root_directory : "",
                        .program = settings->programs[i],
                        .search = settings->search_path,
                        .order = *n_refs,
                };
                (*n_refs)++;
        }
        return 0;
}

static int list_programs(const struct units *units, struct program_ref **refs, size_t *n_refs)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < units->n_items; i++) {
                const struct unit *unit = &units->items[i];

                /* An image can't be looked into. */
                if (!unit_broken_file(unit) && !unit->settings.root_image &&
                    !unit->settings.root_unknown)
                        r = add_programs(unit, refs, n_refs);
        }
        return r;
}

/* ret: one of PROGRAM_PRELOADABLE where nothing can be seen. */
static int inspect(const struct manager *manager, const struct program_ref *ref,
                   struct program *ret)
{
        _cleanup_free_ char *root = NULL;
        int r;

        if (asprintf(&root, "%s%s", manager->root, ref->root) < 0) {
                root = NULL;
                return -ENOMEM;
        }
        r = program_inspect(root, ref->program, ref->search, ret);
        if (r < 0)
                ret->kind = PROGRAM_PRELOADABLE;
        return r == -ENOMEM ? r : 0;
}

static int complain(const struct program_ref *ref, const struct program *program)
{
        struct rulefile *file = ref->unit->files[0];
        const char *obstacle = program_obstacle(program->kind);

        if (!obstacle)
                return 0;
        if (program->is_interpreter)
                return rulefile_complain(file, file->rules_line,
                                         "%s, which %s starts, has the interpreter %s, which %s: "
                                         "no library can be preloaded",
                                         ref->program, ref->unit->name, program->file, obstacle);
        return rulefile_complain(file, file->rules_line,
                                 "%s, which %s starts, %s: no library can be preloaded",
                                 ref->program, ref->unit->name, obstacle);
}

int programs_check(const struct units *units, const struct manager *manager)
{
        struct program_ref *refs = NULL;
        struct program program = {.kind = PROGRAM_PRELOADABLE};
        size_t n_refs = 0;
        int r = list_programs(units, &refs, &n_refs);

        if (r == 0 && n_refs > 1)
                qsort(refs, n_refs, sizeof(*refs), compare_refs);
        for (size_t i = 0; r == 0 && i < n_refs; i++) {
                if (i == 0 || !same_program(&refs[i - 1], &refs[i]))
                        r = inspect(manager, &refs[i], &program);
                if (r == 0)
                        r = complain(&refs[i], &program);
        }
        free(refs);
        return r;
}
