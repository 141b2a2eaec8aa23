/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Expand the specifiers of systemd.unit(5) that the name of a unit decides, %n %N %p %i %%, and the
 * home directory %h.
 *
 * home: of the manager's user, NULL when it is not known.
 * ret: owned by the caller.
 * Errors: -EOPNOTSUPP when another one stands there, or %i in a template, -ENOMEM.
 */
int specifier_expand(const char *text, const char *unit, const char *home, char **ret);
