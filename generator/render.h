/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The texts of the files that are made for a unit. They depend on nothing but what is passed in.
 * All append to a buffer, which remembers when memory ran out.
 */

#include "common/buffer.h"
#include "generator/rule-list.h"
#include "generator/unit.h"

/* In the directory of the unit's drop-ins. */
#define RENDER_DROPIN      "zz-ip2unix.conf"
#define RENDER_ENVIRONMENT "ip2unix.env"

/*
 * The drop-in that puts the unit under its rules.
 * directory: absolute path of the directory it will be in.
 */
void render_dropin(struct buffer *buffer, const struct unit *unit, const struct rule_list *rules,
                   const char *directory);

/* The environment file with LD_PRELOAD. */
void render_environment(struct buffer *buffer, const struct unit *unit);

/* A socket unit. file: the one of the unit's files that has the socket. */
void render_socket(struct buffer *buffer, const struct unit *unit, const struct rulefile *file,
                   const struct rulefile_socket *socket);

/* The drop-in that refuses the unit's start. reason: one line. */
void render_refusal(struct buffer *buffer, const struct unit *unit, const char *reason);
