/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/unit-check.h"

#include "common/cleanup.h"
#include "common/library.h"
#include "common/root.h"
#include "config.h"
#include "generator/account-check.h"
#include "generator/confinement-check.h"
#include "generator/pam-check.h"
#include "generator/program-check.h"
#include "generator/reach-check.h"
#include "generator/render.h"
#include "generator/rule-list.h"
#include "generator/socket-check.h"
#include "generator/unit-name.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_rules(const struct unit *unit)
{
        struct rulefile *first = unit->files[0], *last = unit->files[unit->n_files - 1];
        _cleanup_(rule_list_clear) struct rule_list list;
        int r = rule_list_make(unit, &list);

        if (r == -EMSGSIZE)
                return rulefile_complain(last, last->rules_line,
                                         "a rule of %s can get longer than %zu bytes", unit->name,
                                         RULE_PARTS_RULE_MAX);
        if (r == -E2BIG)
                return rulefile_complain(last, last->rules_line,
                                         "all rules of %s together don't fit into %d environment "
                                         "variables of %zu bytes",
                                         unit->name, RULE_PARTS_MAX, RULE_PARTS_STRING_MAX);
        if (r < 0)
                return r;
        if (list.n_variables == 0)
                return rulefile_complain(first, first->rules_line, "there is no Rule=");
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

/*
 * Nothing but /usr is sure to be there when generators run at boot, and an automount must not be
 * waited for: elsewhere the library may yet come. The check before the start of the service tells.
 */
static bool may_come_later(const char *path, int error)
{
        return error == -EREMOTE ||
               (error == -ENOENT && (strncmp(path, "/usr/", strlen("/usr/")) != 0 ||
                                     strncmp(path, "/usr/local/", strlen("/usr/local/")) == 0));
}

/* systemd makes units of these by a generator of its own. */
static bool has_init_script(const struct unit *unit)
{
        _cleanup_free_ char *path = NULL;
        const char *suffix = unit_name_suffix(unit->name);

        if (asprintf(&path, "/etc/init.d/%.*s", (int)(suffix - unit->name), unit->name) < 0) {
                path = NULL;
                return false;
        }
        return access(path, F_OK) == 0;
}

/*
 * Whether the library can be loaded here. Where root is another one, it may be meant to be
 * installed there later. Returns 0, or a negative errno as library_error() takes it.
 */
static int look_at_library(const struct manager *manager)
{
        _cleanup_close_ int fd = -1;
        int r;

        if (*manager->root != '\0')
                return 0;
        fd = root_open(ROOT_HOST, IP2UNIX_LIBRARY, O_RDONLY);
        r = fd < 0 ? fd : library_check(fd);
        return may_come_later(IP2UNIX_LIBRARY, r) ? 0 : r;
}

static int check_library(const struct unit *unit, int library)
{
        struct rulefile *file = unit->files[0];

        if (library == 0)
                return 0;
        return rulefile_complain(file, file->rules_line, "no library can be preloaded: %s: %s",
                                 IP2UNIX_LIBRARY, library_error(library));
}

/*
 * The unit may come from a package that is not installed yet or from another generator, which is
 * running at this moment. More often its name is misspelt, and the service that was meant is bare.
 */
static int warn_of_missing(const struct unit *unit, const struct manager *manager)
{
        struct rulefile *file = unit->files[0];

        if (unit->fragment || unit->masked || *manager->root != '\0' ||
            (!manager->user && has_init_script(unit)))
                return 0;
        return rulefile_warn(file, file->rules_line, "there is no unit %s, or it is not there yet",
                             unit->name);
}

static int check_unit(const struct unit *unit, const struct manager *manager,
                      const struct unit_path *paths, int library)
{
        int r = check_rules(unit);

        if (r == 0)
                r = sockets_check_unit(unit, paths);
        if (r == 0)
                r = reach_check_unit(unit);
        if (r == 0)
                r = confinement_check_unit(unit);
        if (r == 0)
                r = check_settings(unit);
        if (r == 0)
                r = warn_of_check(unit);
        if (r == 0)
                r = warn_of_missing(unit, manager);
        if (r == 0)
                r = check_library(unit, library);
        return r < 0 ? r : check_pam(unit, manager);
}

int units_check(struct units *units, const struct manager *manager, const struct unit_path *paths)
{
        /* First, since a unit that is refused for another reason would hide a meeting. */
        int r = sockets_check_names(units), library = look_at_library(manager);
        _cleanup_(account_check_clear) struct account_check accounts = {.root = manager->root};

        for (size_t i = 0; r == 0 && i < units->n_items; i++) {
                struct unit *unit = &units->items[i];

                /* A refusal has to know the settings too. */
                r = unit_read_settings(unit, manager, paths);
                if (r == 0 && !unit_broken_file(unit))
                        r = check_unit(unit, manager, paths, library);
                if (r == 0)
                        r = account_check_unit(&accounts, unit);
        }
        if (r == 0)
                r = sockets_check_addresses(units);
        return r < 0 ? r : programs_check(units, manager);
}
