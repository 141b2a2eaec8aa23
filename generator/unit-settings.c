/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/unit-settings.h"

#include "common/array.h"
#include "common/cleanup.h"
#include "common/root.h"
#include "generator/specifier.h"
#include "generator/unit-text.h"
#include "generator/word.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define PRELOAD_VARIABLE "LD_PRELOAD="
#define RULES_VARIABLE   "IP2UNIX_RULES="

#define SUCCESS_STATUSES (sizeof(((struct unit_settings *)NULL)->is_success))

/* Statuses that have no name in systemd.exec(5), and so are in SuccessExitStatus= by number only.
 */
#define NAMELESS_STATUS_FIRST 100
#define NAMELESS_STATUS_LAST  199

typedef int (*setting_fn)(struct unit_settings_reader *reader, const char *value);

/* An error that means that systemd would pass over the value as well. */
static int ignore_invalid(int r)
{
        return r == -ENOMEM ? r : 0;
}

/* Have take() look at each word. Returns 0, or what it returned less than 0. */
static int each_word(struct unit_settings_reader *reader, const char *value, setting_fn take)
{
        for (;;) {
                _cleanup_free_ char *word = NULL;
                int r = word_next(&value, &word);

                if (r <= 0)
                        return ignore_invalid(r);
                r = take(reader, word);
                if (r < 0)
                        return r;
        }
}

/* Characters in front of a command that say how to run it (systemd.service(5)). */
#define COMMAND_PREFIXES "@-:+!"

static int set_exec_start(struct unit_settings_reader *reader, const char *value)
{
        struct unit_settings *settings = reader->settings;
        _cleanup_free_ char *word = NULL, *program = NULL;
        int r;

        if (*value == '\0') {
                strings_free(settings->programs);
                settings->programs = NULL;
                settings->n_programs = 0;
                return 0;
        }
        r = word_next(&value, &word);
        if (r <= 0)
                return ignore_invalid(r);
        r = specifier_expand(word + strspn(word, COMMAND_PREFIXES), settings->unit, settings->home,
                             &program);
        if (r < 0)
                return ignore_invalid(r);
        return strings_add(&settings->programs, &settings->n_programs, program);
}

static int replace(char **string, const char *value)
{
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;
        free(*string);
        *string = copy;
        return 0;
}

/* systemd drops a variable with such a value. A line break is none of it. */
static bool is_bad_variable(const char *value)
{
        for (const char *c = value; *c; c++)
                if (unit_text_is_control(*c) && *c != '\t' && *c != '\n')
                        return true;
        return !unit_text_is_valid(value, strlen(value));
}

static int set_preload(struct unit_settings *settings, const char *value)
{
        _cleanup_free_ char *expanded = NULL;
        int r;

        if (is_bad_variable(value))
                return 0;
        r = specifier_expand(value, settings->unit, settings->home, &expanded);
        /* What stands behind a line break would be another line of our file. */
        settings->preload_unknown = r == -EOPNOTSUPP || (r == 0 && strchr(expanded, '\n'));
        return r < 0 ? ignore_invalid(r) : replace(&settings->preload, expanded);
}

static int take_variable(struct unit_settings_reader *reader, const char *word)
{
        if (strncmp(word, PRELOAD_VARIABLE, strlen(PRELOAD_VARIABLE)) != 0)
                return 0;
        return set_preload(reader->settings, word + strlen(PRELOAD_VARIABLE));
}

static int set_environment(struct unit_settings_reader *reader, const char *value)
{
        struct unit_settings *settings = reader->settings;

        if (*value == '\0') {
                free(settings->preload);
                settings->preload = NULL;
                settings->preload_unknown = false;
                return 0;
        }
        return each_word(reader, value, take_variable);
}

/* An item is a name, or an assignment that is taken away only when it is made just so. */
static bool takes_away(const char *item, const char *variable)
{
        size_t length = strlen(variable) - 1;

        return strncmp(item, variable, length) == 0 &&
               (item[length] == '\0' || item[length] == '=');
}

static int set_exec_search_path(struct unit_settings_reader *reader, const char *value)
{
        struct unit_settings *settings = reader->settings;
        _cleanup_free_ char *expanded = NULL;
        char *rest, *directory;
        int r;

        if (*value == '\0') {
                strings_free(settings->search_path);
                settings->search_path = NULL;
                settings->n_search_path = 0;
                return 0;
        }
        r = specifier_expand(value, settings->unit, settings->home, &expanded);
        if (r < 0)
                return ignore_invalid(r);
        rest = expanded;
        while (r == 0 && (directory = strsep(&rest, ":")))
                if (*directory == '/')
                        r = strings_add(&settings->search_path, &settings->n_search_path,
                                        directory);
        return r;
}

static int take_unset_variable(struct unit_settings_reader *reader, const char *word)
{
        reader->settings->unsets_preload |= takes_away(word, PRELOAD_VARIABLE);
        reader->settings->unsets_rules |= takes_away(word, RULES_VARIABLE);
        return 0;
}

static int set_unset_environment(struct unit_settings_reader *reader, const char *value)
{
        struct unit_settings *settings = reader->settings;

        if (*value == '\0') {
                settings->unsets_preload = false;
                settings->unsets_rules = false;
                return 0;
        }
        return each_word(reader, value, take_unset_variable);
}

static int set_root_directory(struct unit_settings_reader *reader, const char *value)
{
        struct unit_settings *settings = reader->settings;
        _cleanup_free_ char *path = NULL;
        int r;

        free(settings->root_directory);
        settings->root_directory = NULL;
        settings->root_unknown = false;
        if (strspn(value, "/") == strlen(value))
                return 0;
        r = specifier_expand(value, settings->unit, settings->home, &path);
        if (r == -ENOMEM)
                return r;
        settings->root_unknown = r < 0 || path[0] != '/';
        if (!settings->root_unknown)
                settings->root_directory = TAKE(path);
        return 0;
}

/* For keys whose value is a list that an empty one resets: whether there is anything on it. */
static int set_temporary_file_system(struct unit_settings_reader *reader, const char *value)
{
        reader->settings->temporary_files = *value != '\0';
        return 0;
}

static int set_no_exec_paths(struct unit_settings_reader *reader, const char *value)
{
        reader->settings->no_exec_paths = *value != '\0';
        return 0;
}

static int set_pam_name(struct unit_settings_reader *reader, const char *value)
{
        reader->settings->pam = *value != '\0';
        return 0;
}

static int set_permissions_start_only(struct unit_settings_reader *reader, const char *value)
{
        reader->settings->full_start_pre = unit_text_is_true(value);
        return 0;
}

static int set_root_directory_start_only(struct unit_settings_reader *reader, const char *value)
{
        reader->settings->outer_start_pre = unit_text_is_true(value);
        return 0;
}

/* The refusal is a command of this list. */
static int set_exec_start_pre(struct unit_settings_reader *reader, const char *value)
{
        if (reader->late && *value == '\0')
                reader->settings->refusal_undone = true;
        return 0;
}

static int set_root_image(struct unit_settings_reader *reader, const char *value)
{
        reader->settings->root_image = *value != '\0';
        return 0;
}

static int take_exit_status(struct unit_settings_reader *reader, const char *word)
{
        unsigned long status = EX_CONFIG;
        char *end;

        /*
         * systemd takes a number in every notation of C, and names of statuses and signals. Of
         * the other names none is of a status that we could end with.
         */
        if (strcmp(word, "CONFIG") != 0) {
                status = strtoul(word, &end, 0);
                if (end == word || *end != '\0' || status >= SUCCESS_STATUSES)
                        return 0;
        }
        reader->settings->is_success[status] = true;
        reader->settings->refusal_undone |= status == EX_CONFIG && reader->late;
        return 0;
}

static int set_success_exit_status(struct unit_settings_reader *reader, const char *value)
{
        if (*value == '\0') {
                memset(reader->settings->is_success, 0, sizeof(reader->settings->is_success));
                return 0;
        }
        return each_word(reader, value, take_exit_status);
}

/* Returns 1 or -ENOMEM, as word_next() does. */
static int strip_right(const char *text, char **ret)
{
        size_t length = strlen(text);

        while (length > 0 && strchr(" \t\r", text[length - 1]))
                length--;
        *ret = strndup(text, length);
        return *ret ? 1 : -ENOMEM;
}

/*
 * Look for LD_PRELOAD in a file that the service reads. Like systemd, take the last one. The files
 * are in no unit directory and may lie where nothing is mounted yet: what is not there is not
 * known.
 */
static int read_environment_file(struct unit_settings_reader *reader, const char *path)
{
        _cleanup_free_ char *data = NULL;
        char *line, *rest;
        size_t size;
        int r = root_read(reader->root, path, UNIT_SETTINGS_FILE_SIZE_MAX, &data, &size);

        if (r < 0)
                return ignore_invalid(r);
        rest = data;
        while ((line = strsep(&rest, "\n"))) {
                _cleanup_free_ char *word = NULL;
                const char *text = line + strspn(line, " \t");

                if (strncmp(text, PRELOAD_VARIABLE, strlen(PRELOAD_VARIABLE)) != 0)
                        continue;
                text += strlen(PRELOAD_VARIABLE);
                /* Without quotes the value is all of the line, blanks included. */
                if (*text == '"' || *text == '\'')
                        r = word_next(&text, &word);
                else
                        r = strip_right(text, &word);
                if (r > 0 && !is_bad_variable(word) && !strchr(word, '\n'))
                        r = replace(&reader->settings->file_preload, word);
                if (r == -ENOMEM)
                        return r;
        }
        return 0;
}

static int set_environment_file(struct unit_settings_reader *reader, const char *value)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (*value == '\0') {
                free(reader->settings->file_preload);
                reader->settings->file_preload = NULL;
                return 0;
        }
        r = specifier_expand(value + (*value == '-'), reader->settings->unit,
                             reader->settings->home, &path);
        if (r < 0)
                return ignore_invalid(r);
        return path[0] == '/' ? read_environment_file(reader, path) : 0;
}

static const struct {
        const char *key;
        setting_fn set;
} settings_table[] = {
        {"ExecStart", set_exec_start},
        {"Environment", set_environment},
        {"EnvironmentFile", set_environment_file},
        {"UnsetEnvironment", set_unset_environment},
        {"ExecSearchPath", set_exec_search_path},
        {"RootDirectory", set_root_directory},
        {"RootImage", set_root_image},
        {"SuccessExitStatus", set_success_exit_status},
        {"ExecStartPre", set_exec_start_pre},
        {"TemporaryFileSystem", set_temporary_file_system},
        {"NoExecPaths", set_no_exec_paths},
        {"PAMName", set_pam_name},
        {"PermissionsStartOnly", set_permissions_start_only},
        {"RootDirectoryStartOnly", set_root_directory_start_only},
};

/*
 * Settings that take a part of our drop-in back when they come after it. A file that comes later
 * may set LD_PRELOAD too, whenever somebody writes it; that Environment= is reset is noticed by the
 * library, which then finds no rules.
 */
static const struct {
        const char *key;
        bool when_empty; /* only as a reset */
} undoing_keys[] = {
        {"EnvironmentFile", false}, {"BindPaths", true},    {"BindReadOnlyPaths", true},
        {"ExecPaths", true},        {"ExecStartPre", true},
};

static int check_late(struct unit_settings_reader *reader, const char *key, const char *value)
{
        for (size_t i = 0; i < sizeof(undoing_keys) / sizeof(undoing_keys[0]); i++) {
                if (strcmp(key, undoing_keys[i].key) != 0 ||
                    (undoing_keys[i].when_empty && *value != '\0'))
                        continue;
                reader->settings->undone_key = undoing_keys[i].key;
                return replace(&reader->settings->undone_by, reader->late);
        }
        return 0;
}

int unit_settings_take(const char *section, const char *key, const char *value, void *userdata)
{
        struct unit_settings_reader *reader = userdata;

        if (strcmp(section, "Service") != 0)
                return 0;
        if (reader->late) {
                int r = check_late(reader, key, value);

                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < sizeof(settings_table) / sizeof(settings_table[0]); i++)
                if (strcmp(key, settings_table[i].key) == 0)
                        return settings_table[i].set(reader, value);
        return 0;
}

const char *unit_settings_preload(const struct unit_settings *settings)
{
        return settings->file_preload ? settings->file_preload : settings->preload;
}

int unit_settings_failure_status(const struct unit_settings *settings)
{
        if (!settings->is_success[EX_CONFIG])
                return EX_CONFIG;
        for (int status = NAMELESS_STATUS_FIRST; status <= NAMELESS_STATUS_LAST; status++)
                if (!settings->is_success[status])
                        return status;
        return -ENOENT;
}

void unit_settings_clear(struct unit_settings *settings)
{
        strings_free(settings->programs);
        strings_free(settings->search_path);
        free(settings->preload);
        free(settings->file_preload);
        free(settings->root_directory);
        free(settings->replaced_by);
        free(settings->undone_by);
        *settings = (struct unit_settings){0};
}
