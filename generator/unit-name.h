/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of units, as systemd.unit(5) defines them. */

#include <stdbool.h>

/* Characters of a name, its suffix included. */
#define UNIT_NAME_LENGTH_MAX 255

/*
 * The suffix of a name that ends in a unit type systemd knows (".service"), with something in
 * front of it, or NULL.
 */
const char *unit_name_suffix(const char *name);

/* Whether systemd takes it as the name of a unit: a plain one, a template or an instance. */
bool unit_name_is_valid(const char *name);

/* "app@.service". The name must be valid, here and below. */
bool unit_name_is_template(const char *name);

/* "app@one.service" */
bool unit_name_is_instance(const char *name);

/*
 * The template of an instance. ret: owned by the caller.
 * Errors: -EINVAL when name is not an instance, -ENOMEM.
 */
int unit_name_template(const char *name, char **ret);

/*
 * The template with the instance of another name filled in: "getty@.service" and
 * "autovt@tty1.service" make "getty@tty1.service". ret: owned by the caller. Errors: -EINVAL when
 * they are not template and instance, -ENOMEM.
 */
int unit_name_fill(const char *template, const char *instance, char **ret);

/*
 * The name of the socket unit for a socket of a service: "app.service" and "http" make
 * "app-http.socket", "app@.service" makes "app-http@.socket" and "app@one.service" makes
 * "app-http@one.socket". ret: owned by the caller.
 * Errors: -ENAMETOOLONG, -ENOMEM.
 */
int unit_name_socket(const char *service, const char *socket, char **ret);
