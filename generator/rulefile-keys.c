/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/rulefile-keys.h"

#include "common/array.h"
#include "common/cleanup.h"
#include "generator/confinement-check.h"
#include "generator/rule-check.h"
#include "generator/rulefile-unit.h"
#include "generator/unit-name.h"
#include "generator/unit-text.h"
#include "rules/suggest.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct rulefile_key {
        const char *name;
        int (*set)(struct rulefile_keys *keys, unsigned line, const char *value);
};

struct rulefile_section {
        const char *name;
        /* For any key; without it the keys of [Rules] are meant. */
        int (*pass)(struct rulefile_keys *keys, unsigned line, const char *key, const char *value);
};

/* The longest name of a descriptor that systemd passes on (sd_listen_fds(3)). */
#define FDNAME_LENGTH_MAX 255

static int complain_unknown(struct rulefile *file, unsigned line, const char *what,
                            const char *word, const char *const *words)
{
        const char *known = suggest(word, strlen(word), words);

        if (!known)
                return rulefile_complain(file, line, "unknown %s '%.64s'", what, word);
        return rulefile_complain(file, line, "unknown %s '%.64s', did you mean '%s'?", what, word,
                                 known);
}

static int complain_unit(struct rulefile *file, unsigned line, const char *value, const char *meant)
{
        if (!meant)
                return rulefile_complain(file, line, "'%.64s' is not the name of a service", value);
        return rulefile_complain(file, line,
                                 "'%.64s' is not the name of a service, did you mean '%.64s'?",
                                 value, meant);
}

static int set_unit(struct rulefile_keys *keys, unsigned line, const char *value)
{
        struct rulefile *file = keys->file;
        _cleanup_free_ char *meant = NULL;
        char *unit;
        int r;

        if (keys->unit_seen)
                return rulefile_complain(file, line, "Unit= was set before");
        keys->unit_seen = true;
        r = rulefile_unit_meant(value, &meant);
        if (r == 0)
                r = meant ? -EINVAL : rulefile_unit_name(value, &unit);
        if (r == -EINVAL)
                return complain_unit(file, line, value, meant);
        if (r < 0)
                return r;
        free(file->unit);
        file->unit = unit;
        keys->unit_found = true;
        return 0;
}

static int add_rule(struct rulefile_keys *keys, unsigned line, const char *value)
{
        struct rulefile *file = keys->file;
        struct rulefile_rule *rule;
        int r;

        r = array_grow(&file->rules, file->n_rules, sizeof(*rule));
        if (r < 0)
                return r;
        rule = &file->rules[file->n_rules];
        rule->line = line;
        rule->text = strdup(value);
        if (!rule->text)
                return -ENOMEM;
        file->n_rules++;
        return 0;
}

/* systemd's names, by number. */
static const char *const log_levels[] = {"emerg",  "alert", "crit",  "err", "warning",
                                         "notice", "info",  "debug", NULL};

static bool is_log_level(const char *value)
{
        if (value[0] >= '0' && value[0] <= '7' && value[1] == '\0')
                return true;
        for (const char *const *level = log_levels; *level; level++)
                if (strcmp(*level, value) == 0)
                        return true;
        return false;
}

static int set_log_level(struct rulefile_keys *keys, unsigned line, const char *value)
{
        struct rulefile *file = keys->file;

        if (keys->log_level_seen)
                return rulefile_complain(file, line, "LogLevel= was set before");
        keys->log_level_seen = true;
        if (!is_log_level(value))
                return complain_unknown(file, line, "log level", value, log_levels);
        file->log_level = strdup(value);
        return file->log_level ? 0 : -ENOMEM;
}

static const struct rulefile_key rules_keys[] = {
        {"Unit", set_unit},
        {"Rule", add_rule},
        {"LogLevel", set_log_level},
};

static const char *const rules_key_names[] = {"Unit", "Rule", "LogLevel", NULL};

static int pass_rules_key(struct rulefile_keys *keys, unsigned line, const char *key,
                          const char *value)
{
        for (size_t i = 0; i < sizeof(rules_keys) / sizeof(rules_keys[0]); i++)
                if (strcmp(key, rules_keys[i].name) == 0)
                        return rules_keys[i].set(keys, line, value);
        if (confinement_is_key(key))
                return rulefile_complain(keys->file, line,
                                         "unknown key '%.64s', it belongs into [Service]", key);
        return complain_unknown(keys->file, line, "key", key, rules_key_names);
}

/* systemd joins a line that ends in a backslash with the next, which would be one of ours. */
static bool swallows_next_line(const char *value)
{
        size_t n = strlen(value), backslashes = 0;

        while (backslashes < n && value[n - 1 - backslashes] == '\\')
                backslashes++;
        return backslashes % 2 == 1;
}

static int add_assignment(struct rulefile *file, struct assignments *assignments, unsigned line,
                          const char *key, const char *value)
{
        struct assignment *item;
        int r;

        if (swallows_next_line(value))
                return rulefile_complain(file, line,
                                         "a backslash at the end of a line does not continue it "
                                         "here: write it as one line");
        r = array_grow(&assignments->items, assignments->n_items, sizeof(*item));
        if (r < 0)
                return r;
        item = &assignments->items[assignments->n_items];
        item->line = line;
        item->key = strdup(key);
        item->value = strdup(value);
        if (!item->key || !item->value) {
                free(item->key);
                free(item->value);
                return -ENOMEM;
        }
        assignments->n_items++;
        return 0;
}

static int pass_service_key(struct rulefile_keys *keys, unsigned line, const char *key,
                            const char *value)
{
        return add_assignment(keys->file, &keys->file->service, line, key, value);
}

static int pass_unit_key(struct rulefile_keys *keys, unsigned line, const char *key,
                         const char *value)
{
        return add_assignment(keys->file, &keys->file->unit_section, line, key, value);
}

/* Keys of a socket unit that are not the administrator's, and why. */
static const struct {
        const char *key;
        bool when_true; /* only with a true value */
        const char *reason;
} refused_socket_keys[] = {
        {"Service", false, "a socket belongs to the file's Unit="},
        {"FileDescriptorName", false, "the section's name is the descriptor's"},
        {"Accept", true, "the service would be started anew for each connection"},
};

/* Those that make a socket; an empty value takes all of them back (systemd.socket(5)). */
static const char *const listen_keys[] = {
        [LISTEN_STREAM] = "ListenStream",
        [LISTEN_DATAGRAM] = "ListenDatagram",
        [LISTEN_SEQUENTIAL_PACKET] = "ListenSequentialPacket",
        [LISTEN_FIFO] = "ListenFIFO",
        [LISTEN_SPECIAL] = "ListenSpecial",
        [LISTEN_NETLINK] = "ListenNetlink",
        [LISTEN_MESSAGE_QUEUE] = "ListenMessageQueue",
        [LISTEN_USB_FUNCTION] = "ListenUSBFunction",
        NULL,
};

unsigned rulefile_listen_bit(const char *key)
{
        for (unsigned i = 0; listen_keys[i]; i++)
                if (strcmp(key, listen_keys[i]) == 0)
                        return 1u << i;
        return 0;
}

static int pass_socket_key(struct rulefile_keys *keys, unsigned line, const char *key,
                           const char *value)
{
        struct rulefile_socket *socket = &keys->file->sockets[keys->file->n_sockets - 1];
        const unsigned listens = rulefile_listen_bit(key);

        for (size_t i = 0; i < sizeof(refused_socket_keys) / sizeof(refused_socket_keys[0]); i++)
                if (strcmp(key, refused_socket_keys[i].key) == 0 &&
                    (!refused_socket_keys[i].when_true || unit_text_is_true(value)))
                        return rulefile_complain(keys->file, line, "%s=%s can't be set here: %s",
                                                 key, refused_socket_keys[i].when_true ? "yes" : "",
                                                 refused_socket_keys[i].reason);
        if (listens)
                socket->listens = *value ? socket->listens | listens : 0;
        return add_assignment(keys->file, &socket->settings, line, key, value);
}

enum { SECTION_RULES, SECTION_SERVICE, SECTION_UNIT, SECTION_SOCKET };

static const struct rulefile_section sections[] = {
        [SECTION_RULES] = {"Rules", pass_rules_key},
        [SECTION_SERVICE] = {"Service", pass_service_key},
        [SECTION_UNIT] = {"Unit", pass_unit_key},
        [SECTION_SOCKET] = {"Socket", pass_socket_key},
};

static const char *const section_names[] = {"Rules", "Service", "Unit", "Socket", NULL};

static bool is_fdname(const char *name)
{
        size_t length = strlen(name);

        return length > 0 && length <= FDNAME_LENGTH_MAX &&
               strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
                       length;
}

static int refuse_section(struct rulefile_keys *keys, int r)
{
        keys->refused = true;
        return r;
}

static int begin_socket(struct rulefile_keys *keys, unsigned line, const char *name)
{
        struct rulefile *file = keys->file;
        struct rulefile_socket *socket;
        int r;

        if (!is_fdname(name))
                return refuse_section(
                        keys, rulefile_complain(file, line,
                                                "a socket's name is made of letters, digits, '-', "
                                                "'_' and '.': [Socket NAME]"));
        for (size_t i = 0; i < file->n_sockets; i++)
                if (strcmp(file->sockets[i].name, name) == 0)
                        return refuse_section(
                                keys, rulefile_complain(file, line,
                                                        "the socket '%s' was defined in line %u",
                                                        name, file->sockets[i].line));
        r = array_grow(&file->sockets, file->n_sockets, sizeof(*socket));
        if (r < 0)
                return r;
        socket = &file->sockets[file->n_sockets];
        socket->line = line;
        socket->name = strdup(name);
        if (!socket->name)
                return -ENOMEM;
        file->n_sockets++;
        keys->section = &sections[SECTION_SOCKET];
        return 0;
}

/* "Socket NAME" has two words, of which the first may be misspelt. */
static int complain_section(struct rulefile *file, unsigned line, const char *name)
{
        size_t length = strcspn(name, " ");
        const char *meant = suggest(name, length, section_names);

        if (!meant || name[length] == '\0' || strcmp(meant, sections[SECTION_SOCKET].name) != 0)
                return complain_unknown(file, line, "section", name, section_names);
        return rulefile_complain(file, line, "unknown section '%.64s', did you mean '%s%.64s'?",
                                 name, meant, name + length);
}

static int begin_section(void *userdata, unsigned line, const char *name)
{
        struct rulefile_keys *keys = userdata;

        keys->section = NULL;
        keys->refused = false;
        if (strncmp(name, "Socket ", strlen("Socket ")) == 0)
                return begin_socket(keys, line, name + strlen("Socket "));
        if (strcmp(name, "Socket") == 0)
                return begin_socket(keys, line, "");
        for (size_t i = 0; i < SECTION_SOCKET; i++)
                if (strcmp(name, sections[i].name) == 0)
                        keys->section = &sections[i];
        if (!keys->section)
                return refuse_section(keys, complain_section(keys->file, line, name));
        if (keys->section == &sections[SECTION_RULES] && keys->file->n_rules == 0)
                keys->file->rules_line = line;
        return 0;
}

/* No section of a unit has keys of these names. A rule that stands there must not get lost. */
static bool is_misplaced(const struct rulefile_section *section, const char *key)
{
        if (section == &sections[SECTION_RULES])
                return false;
        for (const char *const *name = rules_key_names; *name; name++)
                if (strcasecmp(key, *name) == 0)
                        return true;
        return false;
}

static int take_value(void *userdata, unsigned line, const char *key, const char *value,
                      bool continued)
{
        struct rulefile_keys *keys = userdata;

        if (keys->refused)
                return 0;
        if (!keys->section)
                return rulefile_complain(keys->file, line, "'%s' stands before any section", key);
        if (continued && (keys->section != &sections[SECTION_RULES] || strcmp(key, "Rule") != 0))
                return rulefile_complain(keys->file, line,
                                         "a line that begins with blanks continues the one before, "
                                         "which %s= does not allow",
                                         key);
        if (is_misplaced(keys->section, key))
                return rulefile_complain(keys->file, line, "%s= belongs into [Rules]", key);
        return keys->section->pass(keys, line, key, value);
}

static int take_error(void *userdata, unsigned line, const char *reason)
{
        struct rulefile_keys *keys = userdata;

        return rulefile_complain(keys->file, line, "%s", reason);
}

const struct ini_reader_handlers rulefile_keys_handlers = {
        .section = begin_section,
        .value = take_value,
        .error = take_error,
};

/*
 * Keys go through, known or not, since they may be of a later systemd. One that was hardly meant
 * is worth a word; where it leaves the socket without an address it is the error.
 * Returns 1 when it was made one.
 */
static int check_listen_keys(struct rulefile *file, const struct rulefile_socket *socket)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < socket->settings.n_items; i++) {
                const struct assignment *item = &socket->settings.items[i];
                const char *meant;

                if (strncasecmp(item->key, "Listen", strlen("Listen")) != 0 ||
                    rulefile_listen_bit(item->key))
                        continue;
                meant = suggest(item->key, strlen(item->key), listen_keys);
                if (!meant)
                        continue;
                if (!socket->listens) {
                        r = complain_unknown(file, item->line, "key", item->key, listen_keys);
                        return r < 0 ? r : 1;
                }
                r = rulefile_warn(file, item->line, "unknown key '%.64s', did you mean '%s'?",
                                  item->key, meant);
        }
        return r;
}

static int finish_socket(struct rulefile *file, struct rulefile_socket *socket)
{
        int r = check_listen_keys(file, socket);

        if (r != 0)
                return r < 0 ? r : 0;
        if (!socket->listens)
                return rulefile_complain(file, socket->line,
                                         "[Socket %s] has no Listen...=", socket->name);
        if (!file->unit)
                return 0;
        r = unit_name_socket(file->unit, socket->name, &socket->unit);
        if (r == -ENAMETOOLONG)
                return rulefile_complain(file, socket->line,
                                         "the name of the socket unit would be longer than %d "
                                         "characters",
                                         UNIT_NAME_LENGTH_MAX);
        return r;
}

int rulefile_keys_finish(struct rulefile_keys *keys)
{
        struct rulefile *file = keys->file;
        int r = 0;

        if (!file->unit && !keys->unit_seen)
                r = rulefile_complain(file, 0,
                                      "the file's name is not that of a service, and there is no "
                                      "Unit=");
        for (size_t i = 0; r == 0 && i < file->n_sockets; i++)
                r = finish_socket(file, &file->sockets[i]);
        for (size_t i = 0; r == 0 && i < file->n_rules; i++)
                r = rule_check(file, &file->rules[i]);
        return r;
}
