/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/socket-check.h"

#include "common/array.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "generator/rulefile-keys.h"
#include "rules/suggest.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * What a rule can take, by the type of socket that it is about. The library takes stream sockets
 * that listen and datagram sockets, so that nothing else that systemd listens on fits any rule.
 */
static const struct {
        unsigned listens;
        const char *wanted;
        const char *lacking;
} fitting[] = {
        [RULE_ANY_TYPE] = {1u << LISTEN_STREAM | 1u << LISTEN_DATAGRAM,
                           "a stream or a datagram socket",
                           "neither ListenStream= nor ListenDatagram="},
        [RULE_STREAM] = {1u << LISTEN_STREAM, "a stream socket", "no ListenStream="},
        [RULE_DGRAM] = {1u << LISTEN_DATAGRAM, "a datagram socket", "no ListenDatagram="},
};

/* The rules that can take sockets of a section. */
struct takers {
        const struct rulefile *file;       /* of the first of them */
        const struct rulefile_rule *first; /* NULL: there are none */
        unsigned listens;                  /* 1 << enum listen_key for what they are about */
        unsigned listens_unix;             /* the same of those with from-unix= or from-abstract= */
};

static void add_taker(struct takers *takers, const struct rulefile *file,
                      const struct rulefile_rule *rule)
{
        unsigned *listens =
                rule->parsed.origin == RULE_FROM_IP ? &takers->listens : &takers->listens_unix;

        if (!takers->first) {
                takers->file = file;
                takers->first = rule;
        }
        *listens |= fitting[rule->parsed.type].listens;
}

/* Programs that bind Unix sockets get no IP ones. What a specifier becomes is not known here. */
static bool is_taken(const struct takers *takers, const struct assignment *listen)
{
        const unsigned bit = rulefile_listen_bit(listen->key);

        return bit & takers->listens ||
               (bit & takers->listens_unix && strchr("/@%", *listen->value));
}

/* What the first of them is about, where it can't take the socket. */
static const char *describe_taker(const struct takers *takers, const struct assignment *listen)
{
        const struct rule *rule = &takers->first->parsed;

        if (rulefile_listen_bit(listen->key) & fitting[rule->type].listens)
                return "Unix";
        return rule->type == RULE_DGRAM ? "datagram" : "stream";
}

/* Rules without a name take what no rule names, whatever the type of those that do. */
static struct takers find_takers(const struct unit *unit, const char *socket)
{
        struct takers named = {0}, unnamed = {0};

        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; j < unit->files[i]->n_rules; j++) {
                        const struct rulefile_rule *rule = &unit->files[i]->rules[j];

                        if (rule->parsed.action != RULE_SYSTEMD)
                                continue;
                        if (!rule->parsed.fdname)
                                add_taker(&unnamed, unit->files[i], rule);
                        else if (strcmp(rule->parsed.fdname, socket) == 0)
                                add_taker(&named, unit->files[i], rule);
                }
        return named.first ? named : unnamed;
}

/* The section that a rule names. NULL: none, or a socket unit of the administrator's own. */
static const struct rulefile_socket *find_socket(const struct unit *unit,
                                                 const struct rulefile_rule *rule)
{
        if (!rule->parsed.fdname)
                return NULL;
        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; j < unit->files[i]->n_sockets; j++)
                        if (strcmp(unit->files[i]->sockets[j].name, rule->parsed.fdname) == 0)
                                return &unit->files[i]->sockets[j];
        return NULL;
}

static int check_type(const struct unit *unit, struct rulefile *file,
                      const struct rulefile_rule *rule)
{
        const struct rulefile_socket *socket = find_socket(unit, rule);

        if (!socket || (socket->listens & fitting[rule->parsed.type].listens) != 0)
                return 0;
        return rulefile_complain(file, rule->line, "rule wants %s, but [Socket %s] has %s",
                                 fitting[rule->parsed.type].wanted, socket->name,
                                 fitting[rule->parsed.type].lacking);
}

/* A rule that names no section, and was probably meant for this one; or NULL. */
static const struct rulefile_rule *find_misspelt(const struct unit *unit,
                                                 const struct rulefile_socket *socket,
                                                 const struct rulefile **ret_file)
{
        const char *const words[] = {socket->name, NULL};

        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; j < unit->files[i]->n_rules; j++) {
                        const struct rulefile_rule *rule = &unit->files[i]->rules[j];

                        if (!rule->parsed.fdname ||
                            !suggest(rule->parsed.fdname, strlen(rule->parsed.fdname), words) ||
                            find_socket(unit, rule))
                                continue;
                        *ret_file = unit->files[i];
                        return rule;
                }
        return NULL;
}

/* What is said of it behind a complaint about the section. */
static int hint_at_misspelt(const struct unit *unit, const struct rulefile *file,
                            const struct rulefile_socket *socket, char **ret)
{
        const struct rulefile *other;
        const struct rulefile_rule *rule = find_misspelt(unit, socket, &other);
        _cleanup_(buffer_clear) struct buffer hint = BUFFER_INIT;
        _cleanup_free_ char *place = NULL;
        int r;

        if (rule) {
                r = rulefile_name_line(file, other, rule->line, &place);
                if (r < 0)
                        return r;
                buffer_printf(&hint, ", but %s names '%s'", place, rule->parsed.fdname);
        }
        return buffer_take(&hint, ret);
}

static int complain_unnamed(const struct unit *unit, struct rulefile *file,
                            const struct rulefile_socket *socket)
{
        _cleanup_free_ char *hint = NULL;
        int r = hint_at_misspelt(unit, file, socket, &hint);

        if (r < 0)
                return r;
        return rulefile_complain(file, socket->line, "no rule names the socket '%s' (systemd=%s)%s",
                                 socket->name, socket->name, hint);
}

static int complain_untaken(const struct unit *unit, struct rulefile *file,
                            const struct rulefile_socket *socket, const struct assignment *listen,
                            const struct takers *takers)
{
        _cleanup_free_ char *hint = NULL, *place = NULL;
        int r = hint_at_misspelt(unit, file, socket, &hint);

        if (r == 0)
                r = rulefile_name_line(file, takers->file, takers->first->line, &place);
        if (r < 0)
                return r;
        return rulefile_complain(
                file, listen->line,
                "no rule can take %s=%s of [Socket %s]: %s is about %s sockets alone%s",
                listen->key, listen->value, socket->name, place, describe_taker(takers, listen),
                hint);
}

/* Those that are in effect: an empty value takes those before it back, whatever their key. */
static size_t first_listen(const struct rulefile_socket *socket)
{
        size_t i = socket->settings.n_items;

        while (i > 0 && (!rulefile_listen_bit(socket->settings.items[i - 1].key) ||
                         *socket->settings.items[i - 1].value != '\0'))
                i--;
        return i;
}

/*
 * systemd starts the service for what comes in there, and the service, no rule being about what it
 * binds, opens its IP port. What a rule of another type wants from the section has been said by
 * check_type(). Sockets of other kinds are for no rule: they are left to the program.
 */
static int check_lines(const struct unit *unit, struct rulefile *file,
                       const struct rulefile_socket *socket, const struct takers *takers)
{
        const unsigned wanted = takers->listens | takers->listens_unix;
        int r = 0;

        if (takers->first->parsed.fdname && (socket->listens & wanted) == 0)
                return 0;
        for (size_t i = first_listen(socket); r == 0 && i < socket->settings.n_items; i++) {
                const struct assignment *item = &socket->settings.items[i];

                if (rulefile_listen_bit(item->key) & fitting[RULE_ANY_TYPE].listens &&
                    *item->value != '\0' && !is_taken(takers, item))
                        r = complain_untaken(unit, file, socket, item, takers);
        }
        return r;
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
        const struct takers takers = find_takers(unit, socket->name);
        _cleanup_free_ char *hidden = NULL;
        int r;

        if (other)
                return rulefile_complain(file, socket->line, "%s defines the socket '%s' as well",
                                         other->path, socket->name);
        if (!takers.first)
                return complain_unnamed(unit, file, socket);
        r = check_lines(unit, file, socket, &takers);
        if (r < 0)
                return r;
        r = unit_path_hidden(paths, socket->unit, &hidden);
        if (r < 0 || !hidden)
                return r;
        return rulefile_complain(file, socket->line, "its unit %s would hide %s", socket->unit,
                                 hidden);
}

int sockets_check_unit(const struct unit *unit, const struct unit_path *paths)
{
        int r = 0;

        for (size_t i = 0; i < unit->n_files; i++) {
                struct rulefile *file = unit->files[i];

                for (size_t j = 0; r == 0 && j < file->n_rules; j++)
                        r = check_type(unit, file, &file->rules[j]);
                for (size_t j = 0; r == 0 && j < file->n_sockets; j++)
                        r = check_socket(unit, file, &file->sockets[j], paths);
        }
        return r;
}

/* Something of a socket's that no other may have: the name of its unit, or an address. */
struct claim {
        struct rulefile *file;
        const struct rulefile_socket *socket;
        const struct assignment *listen; /* NULL for the name of the unit */
        const char *what;
        const char *kind;  /* parts claims on the same thing that do not get in each other's way */
        const char *scope; /* the socket's unit, where it means something else in another; or "" */
        size_t order;
};

struct claims {
        struct claim *items;
        size_t n_items;
};

static int add_claim(struct claims *claims, struct claim claim)
{
        int r = array_grow(&claims->items, claims->n_items, sizeof(claim));

        if (r < 0)
                return r;
        claim.order = claims->n_items;
        claims->items[claims->n_items++] = claim;
        return 0;
}

typedef int (*claim_fn)(struct claims *claims, const struct unit *unit, struct rulefile *file,
                        const struct rulefile_socket *socket);

static int claim_name(struct claims *claims, const struct unit *unit, struct rulefile *file,
                      const struct rulefile_socket *socket)
{
        (void)unit;
        return add_claim(claims, (struct claim){.file = file,
                                                .socket = socket,
                                                .what = socket->unit,
                                                .kind = "",
                                                .scope = ""});
}

/* Keys whose address is that of a Unix socket when it begins with '/' or '@'. */
static bool takes_unix_address(const char *key)
{
        static const char *const keys[] = {"ListenStream", "ListenDatagram",
                                           "ListenSequentialPacket"};

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                if (strcmp(key, keys[i]) == 0)
                        return true;
        return false;
}

/* What systemd puts in for a specifier, or for an instance, is not known here. */
static bool has_unknown_address(const struct unit *unit, const struct assignment *listen)
{
        return unit_is_template(unit) || strchr(listen->value, '%');
}

/*
 * Of two sockets with one path systemd lets the later unlink the other's file, and says nothing.
 * An abstract name is taken once for each type of socket. IP addresses may be shared (ReusePort=,
 * BindToDevice=), and where they may not the kernel refuses the second.
 */
static int claim_addresses(struct claims *claims, const struct unit *unit, struct rulefile *file,
                           const struct rulefile_socket *socket)
{
        size_t first = claims->n_items;
        int r = 0;

        for (size_t i = 0; r == 0 && i < socket->settings.n_items; i++) {
                const struct assignment *item = &socket->settings.items[i];

                /* An empty value takes those before it back, whatever their key. */
                if (rulefile_listen_bit(item->key) && *item->value == '\0')
                        claims->n_items = first;
                if (!takes_unix_address(item->key) || (*item->value != '/' && *item->value != '@'))
                        continue;
                r = add_claim(claims,
                              (struct claim){.file = file,
                                             .socket = socket,
                                             .listen = item,
                                             .what = item->value,
                                             .kind = *item->value == '@' ? item->key : "",
                                             .scope = has_unknown_address(unit, item) ? socket->unit
                                                                                      : ""});
        }
        return r;
}

static int compare_things(const struct claim *a, const struct claim *b)
{
        int r = strcmp(a->what, b->what);

        if (r == 0)
                r = strcmp(a->kind, b->kind);
        return r != 0 ? r : strcmp(a->scope, b->scope);
}

static int compare_claims(const void *a, const void *b)
{
        const struct claim *x = a, *y = b;
        int r = compare_things(x, y);

        return r != 0 ? r : (x->order > y->order) - (x->order < y->order);
}

static int list_claims(const struct units *units, claim_fn claim, struct claims *claims)
{
        int r = 0;

        for (size_t i = 0; i < units->n_items; i++) {
                const struct unit *unit = &units->items[i];

                for (size_t j = 0; !unit_broken_file(unit) && j < unit->n_files; j++)
                        for (size_t k = 0; r == 0 && k < unit->files[j]->n_sockets; k++)
                                r = claim(claims, unit, unit->files[j],
                                          &unit->files[j]->sockets[k]);
        }
        return r;
}

static int complain(const struct claim *claim, const struct claim *other)
{
        if (claim->listen)
                return rulefile_complain(claim->file, claim->listen->line,
                                         "%s:%u listens on '%s' as well", other->file->path,
                                         other->listen->line, claim->what);
        return rulefile_complain(
                claim->file, claim->socket->line, "[Socket %s] makes the unit %s, as %s:%u does",
                claim->socket->name, claim->what, other->file->path, other->socket->line);
}

static int check_claims(const struct units *units, claim_fn claim)
{
        struct claims claims = {0};
        int r = list_claims(units, claim, &claims);

        if (r == 0 && claims.n_items > 1)
                qsort(claims.items, claims.n_items, sizeof(*claims.items), compare_claims);
        for (size_t i = 1; r == 0 && i < claims.n_items; i++) {
                const struct claim *a = &claims.items[i - 1], *b = &claims.items[i];

                if (compare_things(a, b) != 0)
                        continue;
                r = complain(a, b);
                if (r == 0)
                        r = complain(b, a);
        }
        free(claims.items);
        return r;
}

int sockets_check_names(const struct units *units)
{
        return check_claims(units, claim_name);
}

int sockets_check_addresses(const struct units *units)
{
        return check_claims(units, claim_addresses);
}
