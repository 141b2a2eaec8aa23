/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/generate.h"

#include "common/array.h"
#include "common/cleanup.h"
#include "generator/log.h"
#include "generator/output.h"
#include "generator/rulefile.h"
#include "generator/search.h"
#include "generator/unit-check.h"
#include "generator/unit-path.h"
#include "generator/unit.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct run {
        const struct manager *manager;
        struct search *search;
        struct rulefile **files;
        size_t n_files;
        struct unit_path *paths;
        struct units *units;
        struct output *output;
};

static void run_clear(struct run *run)
{
        output_free(run->output);
        units_free(run->units);
        unit_path_free(run->paths);
        for (size_t i = 0; i < run->n_files; i++)
                rulefile_free(run->files[i]);
        free(run->files);
        search_free(run->search);
}

/* Add the file of an entry, unless it is masked. Errors: -ENOMEM. */
static int read_file(struct run *run, const struct search_entry *entry)
{
        _cleanup_free_ char *data = NULL;
        struct rulefile *file;
        size_t size;
        int error, r;

        error = search_read(run->search, entry, &data, &size);
        if (error == -ENODATA)
                return 0;
        r = array_grow(&run->files, run->n_files, sizeof(*run->files));
        if (r < 0)
                return r;
        r = rulefile_new(entry->path, &file);
        if (r < 0)
                return r;
        run->files[run->n_files++] = file;
        if (error == -EINVAL)
                return rulefile_complain(file, 0, "is not a regular file");
        if (error < 0)
                return rulefile_complain(file, 0, "can't be read: %s", strerror(-error));
        return rulefile_read(file, data, size);
}

/* Returns 0, or the first error of a rule directory. */
static int log_directories(const struct run *run)
{
        int error = 0;

        for (size_t i = 0; run->manager->rule_dirs && run->manager->rule_dirs[i]; i++) {
                if (run->search->errors[i] == 0)
                        continue;
                log_failure(run->search->errors[i], "%s can't be read", run->manager->rule_dirs[i]);
                if (error == 0)
                        error = run->search->errors[i];
        }
        return error;
}

static int log_notes(enum log_level level, const struct rulefile *file,
                     const struct complaint *notes, size_t n_notes)
{
        for (size_t i = 0; i < n_notes; i++) {
                _cleanup_free_ char *text = NULL;
                int r = rulefile_describe_complaint(file, &notes[i], &text);

                if (r < 0)
                        return r;
                log_message(level, "%s", text);
        }
        return 0;
}

/* Returns whether there was a complaint, or -ENOMEM. */
static int log_complaints(const struct run *run)
{
        bool any = false;

        for (size_t i = 0; i < run->n_files; i++) {
                const struct rulefile *file = run->files[i];
                int r = log_notes(LOG_LEVEL_WARNING, file, file->warnings, file->n_warnings);

                if (r == 0)
                        r = log_notes(LOG_LEVEL_ERR, file, file->complaints, file->n_complaints);
                if (r < 0)
                        return r;
                any = any || file->n_complaints > 0;
        }
        return any;
}

/* Goes on after a failure, so that what can be written is. */
static int write_units(const struct run *run)
{
        int error = 0;

        for (size_t i = 0; i < run->units->n_items; i++) {
                const struct unit *unit = &run->units->items[i];
                int r = output_write(run->output, unit);

                if (r < 0)
                        log_failure(r, "the units for %s can't be written", unit->name);
                if (error == 0)
                        error = r;
        }
        return error;
}

static int read_files(struct run *run)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < run->search->n_entries; i++)
                r = read_file(run, &run->search->entries[i]);
        return r;
}

static int read_and_check(struct run *run)
{
        int r = read_files(run);

        if (r == 0)
                r = unit_path_new(run->manager, &run->paths);
        if (r == 0)
                r = units_join(run->files, run->n_files, run->paths, &run->units);
        if (r == 0)
                r = units_check(run->units, run->manager, run->paths);
        if (r < 0)
                log_failure(r, "the rule files can't be read");
        return r;
}

/* Units first, words later: a log that fails or blocks must not keep a service from its rules. */
static int write_and_log(struct run *run, const char *directory, const char *early)
{
        int complaints, r;

        r = output_new(directory, early, &run->output);
        if (r < 0) {
                log_failure(r, "%s can't be written to", directory);
                return r;
        }
        r = read_and_check(run);
        if (r < 0)
                return r;
        r = write_units(run);
        complaints = log_complaints(run);
        return r < 0 ? r : complaints;
}

int generate(const struct manager *manager, const char *directory, const char *early)
{
        _cleanup_(run_clear) struct run run = {.manager = manager};
        int error, r = search_rule_files(manager, &run.search);

        if (r < 0) {
                log_failure(r, "the rule directories can't be read");
                return r;
        }
        if (run.search->n_entries > 0)
                r = write_and_log(&run, directory, early);
        error = log_directories(&run);
        return r < 0 || error == 0 ? r : error;
}
