/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/complete.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* The longest part of a canonical rule that is neither a target nor a glob nor an account. */
#define FORMAT_SLACK 512

/* A word of the rule: one between commas. */
static size_t word_length(const char *text, size_t length)
{
        size_t i = 0;

        while (i < length && text[i] != ',')
                i += text[i] == '\\' && i + 1 < length ? 2 : 1;
        return i < length ? i : length;
}

/* Point the error at the value of a key, which the rule has once. */
static void point_at(const char *text, size_t length, const char *key, struct rule_error *error)
{
        size_t key_length = strlen(key);

        for (size_t at = 0, word; at < length; at += word + 1) {
                word = word_length(text + at, length - at);
                if (word > key_length && strncmp(text + at, key, key_length) == 0) {
                        error->offset = at + key_length;
                        error->length = word - key_length;
                        return;
                }
        }
}

void complete_point_at_path(const char *text, size_t length, struct rule_error *error)
{
        error->offset = 0;
        error->length = 0;
        point_at(text, length, "path=", error);
}

/* The current directory's own percent signs are no placeholders. */
static int add_directory(struct buffer *path, struct rule_error *ret_error)
{
        _cleanup_free_ char *directory = getcwd(NULL, 0);

        if (!directory || *directory != '/') {
                snprintf(ret_error->message, sizeof(ret_error->message),
                         "the path is relative, and the current directory can't be told: %s",
                         strerror(directory ? ENOENT : errno));
                return -EINVAL;
        }
        for (const char *c = directory; *c; c++)
                buffer_add(path, *c == '%' ? "%%" : (const char[]){*c, '\0'});
        if (strcmp(directory, "/") != 0)
                buffer_add_char(path, '/');
        return 0;
}

static int complete_path(struct rule *rule, char **ret, struct rule_error *ret_error)
{
        _cleanup_(buffer_clear) struct buffer path = BUFFER_INIT;
        const char *rest = rule->target;
        int r;

        *ret = NULL;
        if (rule->action != RULE_PATH || *rest == '/')
                return 0;
        while (rest[0] == '.' && rest[1] == '/')
                rest += 1 + strspn(rest + 1, "/");
        r = add_directory(&path, ret_error);
        if (r < 0)
                return r;
        buffer_add(&path, rest);
        r = buffer_take(&path, ret);
        rule->target = *ret;
        return r;
}

static bool is_number(const char *account)
{
        return account[strspn(account, "0123456789")] == '\0';
}

static int find_user(const char *name, unsigned *ret)
{
        const struct passwd *entry;

        errno = 0;
        entry = getpwnam(name);
        if (!entry)
                return -errno;
        *ret = entry->pw_uid;
        return 1;
}

static int find_group(const char *name, unsigned *ret)
{
        const struct group *entry;

        errno = 0;
        entry = getgrnam(name);
        if (!entry)
                return -errno;
        *ret = entry->gr_gid;
        return 1;
}

/* getpwnam(3) lists these for "not found", where it does not leave errno alone. */
static bool is_not_found(int error)
{
        static const int errors[] = {0, -ENOENT, -ESRCH, -EBADF, -EPERM};

        for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
                if (error == errors[i])
                        return true;
        return false;
}

/* The two ways in which a socket file belongs to somebody. find() returns 1, or 0 or a negative
 * errno.
 */
static const struct account {
        const char *key;
        const char *word;
        int (*find)(const char *name, unsigned *ret);
} accounts[] = {
        {"user=", "user", find_user},
        {"group=", "group", find_group},
};

#define N_ACCOUNTS (sizeof(accounts) / sizeof(*accounts))

/* number: where the number is written, which then stands in for the name. */
static int complete_account(const struct account *account, const char **name,
                            char number[static 16], struct rule_error *ret_error)
{
        unsigned id;
        int r;

        if (!*name || is_number(*name))
                return 0;
        r = account->find(*name, &id);
        if (r > 0) {
                snprintf(number, 16, "%u", id);
                *name = number;
                return 0;
        }
        if (is_not_found(r))
                snprintf(ret_error->message, sizeof(ret_error->message), "there is no %s '%.100s'",
                         account->word, *name);
        else
                snprintf(ret_error->message, sizeof(ret_error->message),
                         "can't look up the %s '%.100s': %s", account->word, *name, strerror(-r));
        return -EINVAL;
}

static int format(const struct rule *rule, size_t length, char **ret)
{
        size_t size = 2 * length + 2 * (rule->target ? strlen(rule->target) : 0) + FORMAT_SLACK;
        char *text = malloc(size);

        if (!text)
                return -ENOMEM;
        if (rule_format(rule, text, size) < 0) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        return 0;
}

int complete_rule(const struct rule *rule, const char *text, size_t length, char **ret,
                  struct rule_error *ret_error)
{
        _cleanup_free_ char *path = NULL;
        char numbers[N_ACCOUNTS][16];
        struct rule complete = *rule;
        const char **names[N_ACCOUNTS] = {&complete.user, &complete.group};
        int r = complete_path(&complete, &path, ret_error);

        if (r == -EINVAL)
                complete_point_at_path(text, length, ret_error);
        for (size_t i = 0; r == 0 && i < N_ACCOUNTS; i++) {
                r = complete_account(&accounts[i], names[i], numbers[i], ret_error);
                if (r < 0)
                        point_at(text, length, accounts[i].key, ret_error);
        }
        return r < 0 ? r : format(&complete, length, ret);
}
