/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/confinement-check.h"

#include "generator/rulefile-keys.h"
#include <string.h>

/*
 * systemd takes the settings of systemd.exec(5) in socket units too. There they are about the
 * commands that the socket unit runs, and a few about its sockets.
 */
enum in_socket {
        WITHOUT_EFFECT,
        FOR_NAMESPACE, /* chooses the network namespace that sockets without a path are in */
        FOR_SOCKET,    /* filters what goes through them */
};

static const struct {
        const char *name;
        enum in_socket in_socket;
} keys[] = {
        {"PrivateNetwork", WITHOUT_EFFECT}, /* a namespace that nobody reaches is not meant */
        {"NetworkNamespacePath", FOR_NAMESPACE},
        {"RestrictAddressFamilies", WITHOUT_EFFECT},
        {"IPAddressAllow", FOR_SOCKET},
        {"IPAddressDeny", FOR_SOCKET},
        {"RestrictNetworkInterfaces", FOR_SOCKET},
        {"SocketBindAllow", WITHOUT_EFFECT},
        {"SocketBindDeny", WITHOUT_EFFECT},
        {"DynamicUser", WITHOUT_EFFECT},
        {"PrivateUsers", WITHOUT_EFFECT},
        {"PrivateTmp", WITHOUT_EFFECT},
        {"PrivateDevices", WITHOUT_EFFECT},
        {"ProtectHome", WITHOUT_EFFECT},
        {"ProtectSystem", WITHOUT_EFFECT},
        {"NoNewPrivileges", WITHOUT_EFFECT},
        {"CapabilityBoundingSet", WITHOUT_EFFECT},
        {"RestrictNamespaces", WITHOUT_EFFECT},
        {"SystemCallFilter", WITHOUT_EFFECT},
        {"SystemCallArchitectures", WITHOUT_EFFECT},
};

#define N_KEYS (sizeof(keys) / sizeof(*keys))

/* Returns N_KEYS for any other. */
static size_t find_key(const char *name)
{
        size_t i = 0;

        while (i < N_KEYS && strcmp(name, keys[i].name) != 0)
                i++;
        return i;
}

bool confinement_is_key(const char *key)
{
        return find_key(key) < N_KEYS;
}

static bool is_in_service(const struct unit *unit, const char *key)
{
        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; j < unit->files[i]->service.n_items; j++)
                        if (strcmp(unit->files[i]->service.items[j].key, key) == 0)
                                return true;
        return false;
}

/* socket: whose section it stands in, NULL for [Unit]. */
static int warn(const struct unit *unit, struct rulefile *file, const struct assignment *item,
                const struct rulefile_socket *socket)
{
        if (*item->value == '\0' || is_in_service(unit, item->key))
                return 0;
        return rulefile_warn(
                file, item->line,
                "%s= in [%s%s] does not confine the service: it belongs into [Service]", item->key,
                socket ? "Socket " : "Unit", socket ? socket->name : "");
}

/* What the section has that gives settings of systemd.exec(5) a sense. */
struct uses {
        bool commands;  /* ExecStartPre= and its like */
        bool elsewhere; /* an address that is another one in another network namespace */
};

static struct uses find_uses(const struct rulefile_socket *socket)
{
        struct uses uses = {0};

        for (size_t i = 0; i < socket->settings.n_items; i++) {
                const struct assignment *item = &socket->settings.items[i];

                if (strncmp(item->key, "Exec", strlen("Exec")) == 0)
                        uses.commands = true;
                if (rulefile_listen_bit(item->key) && *item->value != '\0' && *item->value != '/')
                        uses.elsewhere = true;
        }
        return uses;
}

static int check_socket(const struct unit *unit, struct rulefile *file,
                        const struct rulefile_socket *socket)
{
        const struct uses uses = find_uses(socket);
        int r = 0;

        if (uses.commands)
                return 0;
        for (size_t i = 0; r == 0 && i < socket->settings.n_items; i++) {
                const struct assignment *item = &socket->settings.items[i];
                size_t key = find_key(item->key);

                if (key == N_KEYS || keys[key].in_socket == FOR_SOCKET ||
                    (keys[key].in_socket == FOR_NAMESPACE && uses.elsewhere))
                        continue;
                r = warn(unit, file, item, socket);
        }
        return r;
}

static int check_file(const struct unit *unit, struct rulefile *file)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < file->n_sockets; i++)
                r = check_socket(unit, file, &file->sockets[i]);
        for (size_t i = 0; r == 0 && i < file->unit_section.n_items; i++)
                if (confinement_is_key(file->unit_section.items[i].key))
                        r = warn(unit, file, &file->unit_section.items[i], NULL);
        return r;
}

int confinement_check_unit(const struct unit *unit)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < unit->n_files; i++)
                r = check_file(unit, unit->files[i]);
        return r;
}
