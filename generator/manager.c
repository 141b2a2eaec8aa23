/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/manager.h"

#include "common/array.h"
#include "common/cleanup.h"
#include "common/root.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a directory is relative to. */
enum base { BASE_NONE, BASE_CONFIG, BASE_DATA, BASE_RUNTIME };

struct directory {
        enum base base;
        const char *path;
        bool beats_generators;
};

static const struct directory system_rule_dirs[] = {
        {BASE_NONE, "/etc/ip2unix.d", false},
        {BASE_NONE, "/run/ip2unix.d", false},
        {BASE_NONE, "/usr/local/lib/ip2unix.d", false},
        {BASE_NONE, "/usr/lib/ip2unix.d", false},
};

static const struct directory user_rule_dirs[] = {
        {BASE_CONFIG, "/ip2unix.d", false},
        {BASE_NONE, "/etc/ip2unix/user.d", false},
        {BASE_RUNTIME, "/ip2unix.d", false},
        {BASE_NONE, "/usr/local/lib/ip2unix/user.d", false},
        {BASE_NONE, "/usr/lib/ip2unix/user.d", false},
};

/* systemd.unit(5), with what systemd-analyze unit-paths shows besides. */
static const struct directory system_unit_dirs[] = {
        {BASE_NONE, "/etc/systemd/system.control", true},
        {BASE_NONE, "/run/systemd/system.control", true},
        {BASE_NONE, "/run/systemd/transient", true},
        {BASE_NONE, "/etc/systemd/system", true},
        {BASE_NONE, "/etc/systemd/system.attached", true},
        {BASE_NONE, "/run/systemd/system", true},
        {BASE_NONE, "/run/systemd/system.attached", true},
        {BASE_NONE, "/usr/local/lib/systemd/system", false},
        {BASE_NONE, "/lib/systemd/system", false},
        {BASE_NONE, "/usr/lib/systemd/system", false},
};

static const struct directory user_unit_dirs[] = {
        {BASE_CONFIG, "/systemd/user.control", true},
        {BASE_RUNTIME, "/systemd/user.control", true},
        {BASE_RUNTIME, "/systemd/transient", true},
        {BASE_CONFIG, "/systemd/user", true},
        {BASE_NONE, "/etc/xdg/systemd/user", true},
        {BASE_NONE, "/etc/systemd/user", true},
        {BASE_RUNTIME, "/systemd/user", true},
        {BASE_NONE, "/run/systemd/user", true},
        {BASE_DATA, "/systemd/user", false},
        {BASE_NONE, "/usr/local/share/systemd/user", false},
        {BASE_NONE, "/usr/share/systemd/user", false},
        {BASE_NONE, "/usr/local/lib/systemd/user", false},
        {BASE_NONE, "/usr/lib/systemd/user", false},
};

/* The variable that holds a base, and where below HOME it is when the variable is not set. */
static const struct {
        const char *variable;
        const char *below_home;
} bases[] = {
        [BASE_CONFIG] = {"XDG_CONFIG_HOME", "/.config"},
        [BASE_DATA] = {"XDG_DATA_HOME", "/.local/share"},
        [BASE_RUNTIME] = {"XDG_RUNTIME_DIR", NULL},
};

/* As the XDG base directory specification has it, a variable that is empty or relative is unset. */
static const char *get_path(const char *variable)
{
        const char *value = getenv(variable);

        return value && value[0] == '/' ? value : NULL;
}

/* ret: NULL when the environment doesn't tell where the directory is. */
static int directory_path(const struct directory *directory, char **ret)
{
        const char *base = "", *below = "";

        if (directory->base != BASE_NONE) {
                base = get_path(bases[directory->base].variable);
                if (!base && bases[directory->base].below_home) {
                        base = get_path("HOME");
                        below = bases[directory->base].below_home;
                }
                if (!base) {
                        *ret = NULL;
                        return 0;
                }
        }
        return asprintf(ret, "%s%s%s", base, below, directory->path) < 0 ? -ENOMEM : 0;
}

static int add_rule_dirs(struct manager *manager, const struct directory *table, size_t n)
{
        size_t n_dirs = 0;

        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *path = NULL;
                int r = directory_path(&table[i], &path);

                if (r < 0) {
                        path = NULL;
                        return r;
                }
                if (path)
                        r = strings_add(&manager->rule_dirs, &n_dirs, path);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_unit_dirs(struct manager *manager, const struct directory *table, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct manager_unit_dir *dir;
                int r;

                r = array_grow(&manager->unit_dirs, manager->n_unit_dirs, sizeof(*dir));
                if (r < 0)
                        return r;
                dir = &manager->unit_dirs[manager->n_unit_dirs];
                r = directory_path(&table[i], &dir->path);
                if (r < 0) {
                        dir->path = NULL;
                        return r;
                }
                dir->beats_generators = table[i].beats_generators;
                if (dir->path)
                        manager->n_unit_dirs++;
        }
        return 0;
}

static bool is_user(const char *program)
{
        const char *scope = getenv("SYSTEMD_SCOPE");

        if (scope)
                return strcmp(scope, "user") == 0;
        return strstr(program, "/user-generators/") != NULL;
}

static int read_root(char **ret)
{
        const char *value = getenv("IP2UNIX_ROOT");
        char *root = strdup(value ? value : ROOT_HOST);

        if (!root)
                return -ENOMEM;
        for (size_t n = strlen(root); n > 0 && root[n - 1] == '/'; n--)
                root[n - 1] = '\0';
        *ret = root;
        return 0;
}

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static int add_dirs(struct manager *manager)
{
        int r;

        if (manager->user) {
                r = add_rule_dirs(manager, user_rule_dirs, N_ELEMENTS(user_rule_dirs));
                return r < 0 ? r
                             : add_unit_dirs(manager, user_unit_dirs, N_ELEMENTS(user_unit_dirs));
        }
        r = add_rule_dirs(manager, system_rule_dirs, N_ELEMENTS(system_rule_dirs));
        return r < 0 ? r : add_unit_dirs(manager, system_unit_dirs, N_ELEMENTS(system_unit_dirs));
}

int manager_new(const char *program, struct manager **ret)
{
        struct manager *manager = calloc(1, sizeof(*manager));
        int r;

        if (!manager)
                return -ENOMEM;
        manager->user = is_user(program);
        manager->home = manager->user ? get_path("HOME") : "/root";
        r = read_root(&manager->root);
        if (r == 0)
                r = add_dirs(manager);
        if (r < 0) {
                manager_free(manager);
                return r;
        }
        *ret = manager;
        return 0;
}

void manager_free(struct manager *manager)
{
        if (!manager)
                return;
        for (size_t i = 0; i < manager->n_unit_dirs; i++)
                free(manager->unit_dirs[i].path);
        free(manager->unit_dirs);
        strings_free(manager->rule_dirs);
        free(manager->root);
        free(manager);
}
