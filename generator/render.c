/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/render.h"

#include "config.h"
#include "generator/escape.h"
#include "generator/unit-name.h"
#include <string.h>
#include <sysexits.h>

static void add_header_file(struct buffer *buffer, const struct rulefile *file)
{
        buffer_add(buffer, "#     ");
        escape_visible(buffer, file->path);
        buffer_add_char(buffer, '\n');
}

static void add_header_end(struct buffer *buffer)
{
        buffer_add(buffer,
                   "# Changes belong there: this file is made anew at every daemon-reload.\n");
}

static void add_header(struct buffer *buffer, const struct unit *unit)
{
        buffer_add(buffer, "# Made by ip2unix-generator from\n");
        for (size_t i = 0; i < unit->n_files; i++)
                add_header_file(buffer, unit->files[i]);
        add_header_end(buffer);
}

static void add_assignments(struct buffer *buffer, const struct assignments *assignments)
{
        for (size_t i = 0; i < assignments->n_items; i++)
                buffer_printf(buffer, "%s=%s\n", assignments->items[i].key,
                              assignments->items[i].value);
}

/* How a key reads the name of a unit. */
enum name_form { NAME_PLAIN, NAME_UNESCAPED };

/*
 * A template's units belong to its instances: "app-http@.socket" becomes "app-http@%i.socket". No
 * other name of a unit holds anything that systemd would expand.
 */
static void add_unit_name(struct buffer *buffer, const char *name, enum name_form form)
{
        const char *suffix = unit_name_suffix(name);

        for (const char *c = name; *c; c++) {
                if (c == suffix && unit_name_is_template(name))
                        buffer_add(buffer, "%i");
                if (*c == '\\' && form == NAME_UNESCAPED)
                        buffer_add_char(buffer, '\\');
                buffer_add_char(buffer, *c);
        }
}

/*
 * The keys that tie a service to its sockets. Sockets= takes a backslash for an escape, the
 * dependencies take it for a part of the name.
 */
struct socket_key {
        const char *key;
        enum name_form form;
};

static const struct socket_key requires_key = {"Requires", NAME_PLAIN};
static const struct socket_key after_key = {"After", NAME_PLAIN};
static const struct socket_key sockets_key = {"Sockets", NAME_UNESCAPED};

static void add_sockets(struct buffer *buffer, const struct unit *unit,
                        const struct socket_key *key)
{
        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; j < unit->files[i]->n_sockets; j++) {
                        buffer_printf(buffer, "%s=", key->key);
                        add_unit_name(buffer, unit->files[i]->sockets[j].unit, key->form);
                        buffer_add_char(buffer, '\n');
                }
}

static void add_unit_section(struct buffer *buffer, const struct unit *unit)
{
        size_t before, begin = buffer->length;

        buffer_add(buffer, "\n[Unit]\n");
        before = buffer->length;
        for (size_t i = 0; i < unit->n_files; i++)
                add_assignments(buffer, &unit->files[i]->unit_section);
        add_sockets(buffer, unit, &requires_key);
        add_sockets(buffer, unit, &after_key);
        /* Nothing to say: take the section back. */
        if (buffer->length == before && !buffer->failed)
                buffer->length = begin;
}

static void add_rules(struct buffer *buffer, const struct unit *unit, const struct rule_list *rules)
{
        for (size_t i = 0; i < rules->n_variables; i++) {
                buffer_printf(buffer, "Environment=\"%s=", rules->variables[i].name);
                escape_in_word(buffer, rules->variables[i].value,
                               unit_is_template(unit) ? ESCAPE_INSTANCE : 0);
                buffer_add(buffer, "\"\n");
        }
}

/* Behind the administrator's own lines, which may reset what they like. */
static void add_environment(struct buffer *buffer, const struct unit *unit,
                            const struct rule_list *rules, const char *directory)
{
        const char *level = unit_log_level(unit);

        buffer_add(buffer, "EnvironmentFile=");
        escape_glob(buffer, directory);
        buffer_add(buffer, "/" RENDER_ENVIRONMENT "\n");
        add_rules(buffer, unit, rules);
        if (level)
                buffer_printf(buffer, "Environment=IP2UNIX_LOG_LEVEL=%s\n", level);
}

/*
 * The loader looks for the library from inside the service, and leaves out what it can't map. The
 * program that looks whether it did is run in there too.
 */
static void add_library_paths(struct buffer *buffer, const struct unit_settings *settings)
{
        if (settings->root_directory || settings->root_unknown || settings->root_image ||
            settings->temporary_files) {
                buffer_add(buffer, "BindReadOnlyPaths=");
                escape_bind_path(buffer, IP2UNIX_LIBRARY);
                buffer_add(buffer, "\nBindReadOnlyPaths=");
                escape_bind_path(buffer, IP2UNIX_REFUSE);
                buffer_add_char(buffer, '\n');
        }
        if (settings->no_exec_paths) {
                buffer_add(buffer, "ExecPaths=");
                escape_word(buffer, IP2UNIX_LIBRARY, 0);
                buffer_add_char(buffer, ' ');
                escape_word(buffer, IP2UNIX_REFUSE, 0);
                buffer_add_char(buffer, '\n');
        }
}

/*
 * The last command before the service, with all that the service has: user, root directory, mounts,
 * filters, environment. Where the loader leaves the library out, the service must not start.
 */
static void add_check(struct buffer *buffer, const struct unit_settings *settings)
{
        int status = unit_settings_failure_status(settings);

        buffer_add(buffer, "ExecStartPre=");
        escape_value(buffer, IP2UNIX_REFUSE);
        buffer_add(buffer, " --unless-preloaded");
        if (status != EX_CONFIG)
                buffer_printf(buffer, "=%d", status);
        buffer_add_char(buffer, '\n');
}

void render_dropin(struct buffer *buffer, const struct unit *unit, const struct rule_list *rules,
                   const char *directory)
{
        add_header(buffer, unit);
        add_unit_section(buffer, unit);
        buffer_add(buffer, "\n[Service]\n");
        for (size_t i = 0; i < unit->n_files; i++)
                add_assignments(buffer, &unit->files[i]->service);
        add_sockets(buffer, unit, &sockets_key);
        add_library_paths(buffer, &unit->settings);
        add_environment(buffer, unit, rules, directory);
        add_check(buffer, &unit->settings);
}

/* Both part libraries in LD_PRELOAD (ld.so(8)). */
#define PRELOAD_SEPARATORS " :"

static void add_preload(struct buffer *value, const char *others)
{
        buffer_add(value, IP2UNIX_LIBRARY);
        while (*others) {
                size_t length;

                others += strspn(others, PRELOAD_SEPARATORS);
                length = strcspn(others, PRELOAD_SEPARATORS);
                if (length > 0 && (length != strlen(IP2UNIX_LIBRARY) ||
                                   memcmp(others, IP2UNIX_LIBRARY, length) != 0)) {
                        buffer_add_char(value, ':');
                        buffer_add_bytes(value, others, length);
                }
                others += length;
        }
}

void render_environment(struct buffer *buffer, const struct unit *unit)
{
        const char *others = unit_settings_preload(&unit->settings);
        struct buffer value = BUFFER_INIT;

        add_header(buffer, unit);
        add_preload(&value, others ? others : "");
        buffer_add(buffer, "\nLD_PRELOAD=");
        if (value.failed)
                buffer->failed = true;
        else
                escape_environment_file(buffer, value.data);
        buffer_add_char(buffer, '\n');
        buffer_clear(&value);
}

void render_socket(struct buffer *buffer, const struct unit *unit, const struct rulefile *file,
                   const struct rulefile_socket *socket)
{
        buffer_add(buffer, "# Made by ip2unix-generator from\n");
        add_header_file(buffer, file);
        add_header_end(buffer);

        buffer_printf(buffer, "\n[Unit]\nDescription=Socket %s of ", socket->name);
        add_unit_name(buffer, unit->name, NAME_PLAIN);
        buffer_add(buffer, "\nSourcePath=");
        escape_value(buffer, file->path);

        buffer_add(buffer, "\n\n[Socket]\n");
        add_assignments(buffer, &socket->settings);
        buffer_printf(buffer, "FileDescriptorName=%s\nService=", socket->name);
        add_unit_name(buffer, unit->name, NAME_PLAIN);
        buffer_add_char(buffer, '\n');
}

void render_refusal(struct buffer *buffer, const struct unit *unit, const char *reason)
{
        add_header(buffer, unit);
        buffer_add(buffer, "\n[Service]\n");
        /* It would make a success of the refusal, and systemd would go on with the start. */
        if (unit->settings.is_success[EX_CONFIG])
                buffer_add(buffer, "SuccessExitStatus=\n");
        buffer_add(buffer, "ExecStartPre=\nExecStartPre=+");
        escape_value(buffer, IP2UNIX_REFUSE);
        buffer_add_char(buffer, ' ');
        escape_word(buffer, reason, ESCAPE_DOLLAR);
        buffer_add_char(buffer, '\n');
}
