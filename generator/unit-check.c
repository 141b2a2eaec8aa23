/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/unit-check.h"

#include "generator/array.h"
#include "generator/cleanup.h"
#include "generator/pam-check.h"
#include "generator/program-check.h"
#include "generator/render.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel takes no longer string of the environment (MAX_ARG_STRLEN, its NUL included). */
#define ENVIRONMENT_STRING_MAX (32 * 4096 - 1)

/* The most that an instance's name adds in the place of %i. */
#define INSTANCE_GROWTH (255 - 2)

/* A socket of one file, for finding those that meet another. */
struct socket_ref {
        const struct unit *unit;
        struct rulefile *file;
        struct rulefile_socket *socket;
        size_t order;
};

static bool is_named(const struct unit *unit, const char *socket)
{
        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; j < unit->files[i]->n_rules; j++) {
                        const struct rulefile_rule *rule = &unit->files[i]->rules[j];

                        /* Without a name it takes any socket that has none to itself. */
                        if (rule->systemd && (!rule->fdname || strcmp(rule->fdname, socket) == 0))
                                return true;
                }
        return false;
}

/* The file before this one that defines a socket of the same name, or NULL. */
static const struct rulefile *find_definition(const struct unit *unit, const struct rulefile *file,
                                              const char *socket)
{
        for (size_t i = 0; i < unit->n_files && unit->files[i] != file; i++)
                for (size_t j = 0; j < unit->files[i]->n_sockets; j++)
                        if (strcmp(unit->files[i]->sockets[j].name, socket) == 0)
                                return unit->files[i];
        return NULL;
}

static int check_socket(const struct unit *unit, struct rulefile *file,
                        const struct rulefile_socket *socket, const struct unit_path *paths)
{
        const struct rulefile *other = find_definition(unit, file, socket->name);
        _cleanup_free_ char *hidden = NULL;
        int r;

        if (other)
                return rulefile_complain(file, socket->line, "%s defines the socket '%s' as well",
                                         other->path, socket->name);
        if (!is_named(unit, socket->name))
                return rulefile_complain(file, socket->line,
                                         "no rule names the socket '%s' (systemd=%s)", socket->name,
                                         socket->name);
        r = unit_path_hidden(paths, socket->unit, &hidden);
        if (r < 0 || !hidden)
                return r;
        return rulefile_complain(file, socket->line, "its unit %s would hide %s", socket->unit,
                                 hidden);
}

static int check_sockets(const struct unit *unit, const struct unit_path *paths)
{
        int r = 0;

        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; r == 0 && j < unit->files[i]->n_sockets; j++)
                        r = check_socket(unit, unit->files[i], &unit->files[i]->sockets[j], paths);
        return r;
}

/* Bytes that the rules can take in the environment. */
static size_t environment_length(const struct unit *unit, const char *rules)
{
        size_t length = strlen("IP2UNIX_RULES=") + strlen(rules);

        if (unit_is_template(unit))
                for (const char *p = rules; (p = strstr(p, "%i")); p++)
                        length += INSTANCE_GROWTH;
        return length;
}

static int check_rules(const struct unit *unit)
{
        struct rulefile *first = unit->files[0], *last = unit->files[unit->n_files - 1];
        _cleanup_free_ char *rules = NULL;
        int r = unit_rules(unit, &rules);

        if (r < 0)
                return r;
        if (*rules == '\0')
                return rulefile_complain(first, first->rules_line, "there is no Rule=");
        if (environment_length(unit, rules) > ENVIRONMENT_STRING_MAX)
                return rulefile_complain(last, last->rules_line,
                                         "all rules of %s together are longer than %zu bytes",
                                         unit->name,
                                         ENVIRONMENT_STRING_MAX - strlen("IP2UNIX_RULES="));
        return 0;
}

static int check_settings(const struct unit *unit)
{
        const struct unit_settings *settings = &unit->settings;
        struct rulefile *file = unit->files[0];
        int r = 0;

        if (settings->replaced_by)
                r = rulefile_complain(file, file->rules_line,
                                      "%s replaces the drop-in that would be made for %s: give it "
                                      "another name",
                                      settings->replaced_by, unit->name);
        if (r == 0 && settings->undone_by)
                r = rulefile_complain(file, file->rules_line,
                                      "%s comes after %s and sets %s=: give it a name that comes "
                                      "before",
                                      settings->undone_by, RENDER_DROPIN, settings->undone_key);
        if (r == 0 && (settings->unsets_preload || settings->unsets_rules))
                r = rulefile_complain(file, file->rules_line,
                                      "%s takes %s away (UnsetEnvironment=)", unit->name,
                                      settings->unsets_preload ? "LD_PRELOAD" : "IP2UNIX_RULES");
        if (r == 0 && unit_settings_failure_status(settings) < 0)
                r = rulefile_complain(file, file->rules_line,
                                      "%s takes every exit status for a success "
                                      "(SuccessExitStatus=)",
                                      unit->name);
        if (r == 0 && settings->preload_unknown && !settings->file_preload)
                r = rulefile_complain(file, file->rules_line,
                                      "%s has a specifier or a line break in its LD_PRELOAD "
                                      "(Environment=), which can't be kept: write it out",
                                      unit->name);
        return r;
}

/* Where the check for the library is not made in the service's own surroundings. */
static int warn_of_check(const struct unit *unit)
{
        const char *key = unit->settings.outer_start_pre  ? "RootDirectoryStartOnly"
                          : unit->settings.full_start_pre ? "PermissionsStartOnly"
                                                          : NULL;

        if (!key)
                return 0;
        return rulefile_warn(unit->files[0], unit->files[0]->rules_line,
                             "%s has %s=, so that nothing can be said before its start about "
                             "whether the library gets into it",
                             unit->name, key);
}

static int check_pam(const struct unit *unit, const struct manager *manager)
{
        struct rulefile *file = unit->files[0];
        const char *path;
        int r;

        if (!unit->settings.pam)
                return 0;
        r = pam_check_preload(manager->root, &path);
        if (r < 0 || !path)
                return r;
        return rulefile_complain(file, file->rules_line,
                                 "%s takes its environment from PAM (PAMName=), and %s has an "
                                 "LD_PRELOAD",
                                 unit->name, path);
}

static int check_unit(const struct unit *unit, const struct manager *manager,
                      const struct unit_path *paths)
{
        int r = check_rules(unit);

        if (r == 0)
                r = check_sockets(unit, paths);
        if (r == 0)
                r = check_settings(unit);
        if (r == 0)
                r = warn_of_check(unit);
        return r < 0 ? r : check_pam(unit, manager);
}

static int compare_refs(const void *a, const void *b)
{
        const struct socket_ref *x = a, *y = b;
        int r = strcmp(x->socket->unit, y->socket->unit);

        return r != 0 ? r : (x->order > y->order) - (x->order < y->order);
}

static int list_sockets(const struct units *units, struct socket_ref **refs, size_t *n_refs)
{
        for (size_t i = 0; i < units->n_items; i++) {
                const struct unit *unit = &units->items[i];

                for (size_t j = 0; !unit_broken_file(unit) && j < unit->n_files; j++)
                        for (size_t k = 0; k < unit->files[j]->n_sockets; k++) {
                                int r = array_grow(refs, *n_refs, sizeof(**refs));

                                if (r < 0)
                                        return r;
                                (*refs)[*n_refs] = (struct socket_ref){
                                        .unit = unit,
                                        .file = unit->files[j],
                                        .socket = &unit->files[j]->sockets[k],
                                        .order = *n_refs,
                                };
                                (*n_refs)++;
                        }
        }
        return 0;
}

static int complain_meeting(const struct socket_ref *ref, const struct socket_ref *other)
{
        return rulefile_complain(ref->file, ref->socket->line,
                                 "[Socket %s] makes the unit %s, as %s:%u does", ref->socket->name,
                                 ref->socket->unit, other->file->path, other->socket->line);
}

/* Two sections that lead to one socket unit: "a" with "b-c", and "a-b" with "c". */
static int check_meetings(const struct units *units)
{
        struct socket_ref *refs = NULL;
        size_t n_refs = 0;
        int r = list_sockets(units, &refs, &n_refs);

        if (r == 0 && n_refs > 1)
                qsort(refs, n_refs, sizeof(*refs), compare_refs);
        for (size_t i = 1; r == 0 && i < n_refs; i++) {
                if (strcmp(refs[i - 1].socket->unit, refs[i].socket->unit) != 0)
                        continue;
                r = complain_meeting(&refs[i - 1], &refs[i]);
                if (r == 0)
                        r = complain_meeting(&refs[i], &refs[i - 1]);
        }
        free(refs);
        return r;
}

int units_check(struct units *units, const struct manager *manager, const struct unit_path *paths)
{
        /* First, since a unit that is refused for another reason would hide a meeting. */
        int r = check_meetings(units);

        for (size_t i = 0; r == 0 && i < units->n_items; i++) {
                struct unit *unit = &units->items[i];

                /* A refusal has to know the settings too. */
                r = unit_read_settings(unit, manager, paths);
                if (r == 0 && !unit_broken_file(unit))
                        r = check_unit(unit, manager, paths);
        }
        return r < 0 ? r : programs_check(units, manager);
}
