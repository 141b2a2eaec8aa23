/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/account-check.h"

#include "common/root.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE_MAX ((size_t)16 * 1024 * 1024)

enum account { USER, GROUP };

static const struct {
        const char *path;
        const char *what;
} accounts[] = {
        [USER] = {"/etc/passwd", "user"},
        [GROUP] = {"/etc/group", "group"},
};

static int read_accounts(struct account_check *check, enum account account)
{
        struct account_file *file = &check->files[account];
        size_t size;
        int r;

        if (file->read)
                return 0;
        r = root_read(check->root, accounts[account].path, FILE_SIZE_MAX, &file->data, &size);
        if (r == -ENOMEM)
                return r;
        file->read = true;
        return 0;
}

/* Does a line begin with the name and a colon? */
static bool has_name(const char *lines, const char *name)
{
        size_t length = strlen(name);

        while (strncmp(lines, name, length) != 0 || lines[length] != ':') {
                lines = strchr(lines, '\n');
                if (!lines)
                        return false;
                lines++;
        }
        return true;
}

static int check_name(struct account_check *check, struct rulefile *file,
                      const struct rulefile_rule *rule, enum account account, const char *name)
{
        int r;

        if (!name || name[strspn(name, "0123456789")] == '\0')
                return 0;
        r = read_accounts(check, account);
        if (r < 0 || !check->files[account].data || has_name(check->files[account].data, name))
                return r;
        return rulefile_warn(file, rule->line,
                             "there is no %s '%s' in %s, where alone it is looked for: binds fail "
                             "until it is, or give the number",
                             accounts[account].what, name, accounts[account].path);
}

int account_check_unit(struct account_check *check, const struct unit *unit)
{
        int r = 0;

        /* These files of the service are others. */
        if (unit->settings.root_directory || unit->settings.root_unknown ||
            unit->settings.root_image)
                return 0;
        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; r == 0 && j < unit->files[i]->n_rules; j++) {
                        const struct rulefile_rule *rule = &unit->files[i]->rules[j];

                        /* It may be the instance's name. */
                        if (rule->of_instance)
                                continue;
                        r = check_name(check, unit->files[i], rule, USER, rule->parsed.user);
                        if (r == 0)
                                r = check_name(check, unit->files[i], rule, GROUP,
                                               rule->parsed.group);
                }
        return r;
}

void account_check_clear(struct account_check *check)
{
        for (size_t i = 0; i < sizeof(check->files) / sizeof(check->files[0]); i++)
                free(check->files[i].data);
}
