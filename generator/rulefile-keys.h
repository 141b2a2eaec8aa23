/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sections and keys of a rule file, and what each may hold. */

#include "generator/ini-reader.h"
#include "generator/rulefile.h"

struct rulefile_section;

/* A file being read. */
struct rulefile_keys {
        struct rulefile *file;
        const struct rulefile_section *section; /* NULL: none yet, or one that was refused */
        bool refused; /* the section was complained about, its keys need not be */
        bool log_level_seen;
        bool unit_seen;
        bool unit_found; /* and it was good */
};

/* Userdata is a struct rulefile_keys. They return 0 or -ENOMEM. */
extern const struct ini_reader_handlers rulefile_keys_handlers;

/* Check what can only be checked once all has been read. Errors: -ENOMEM. */
int rulefile_keys_finish(struct rulefile_keys *keys);

/* 1 << enum listen_key for a key of a socket section that gives it an address, 0 for any other. */
unsigned rulefile_listen_bit(const char *key);
