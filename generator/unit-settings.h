/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What matters to the generator among the settings of a service: its programs, what it preloads,
 * and what could keep our library from it.
 */

#include <stdbool.h>
#include <stddef.h>

struct unit_settings {
        const char *unit; /* name, for specifiers; borrowed */
        const char *home; /* %h, NULL when not known; borrowed */
        char **programs;  /* of ExecStart=, NULL-terminated; not all are paths, see PATH */
        size_t n_programs;
        char **search_path; /* of ExecSearchPath=, NULL-terminated; NULL: systemd's own */
        size_t n_search_path;
        char *preload;        /* LD_PRELOAD of Environment=, NULL for none */
        char *file_preload;   /* the same of the files of EnvironmentFile=, which count more */
        bool preload_unknown; /* Environment='s has what can't be expanded here, or written */
        char *root_directory; /* NULL for none, or when root_unknown */
        bool root_unknown;    /* RootDirectory= has a specifier that can't be expanded here */
        bool root_image;
        bool temporary_files;   /* TemporaryFileSystem= is set */
        bool no_exec_paths;     /* NoExecPaths= is set */
        bool unsets_preload;    /* UnsetEnvironment= takes LD_PRELOAD away */
        bool unsets_rules;      /* the same for IP2UNIX_RULES */
        bool pam;               /* PAMName= is set */
        bool full_start_pre;    /* PermissionsStartOnly=: only ExecStart= is confined */
        bool outer_start_pre;   /* RootDirectoryStartOnly=: only ExecStart= has the root */
        bool is_success[256];   /* exit statuses of SuccessExitStatus= */
        char *replaced_by;      /* drop-in that our own does not count beside, NULL for none */
        char *undone_by;        /* drop-in after our own that takes a part of it back, or NULL */
        const char *undone_key; /* by this setting */
        bool refusal_undone;    /* the same for the drop-in of a refusal */
};

/* Files of units that are larger are passed over. */
#define UNIT_SETTINGS_FILE_SIZE_MAX ((size_t)4 * 1024 * 1024)

/* Userdata of the function below, which is a unit_file_fn. */
struct unit_settings_reader {
        struct unit_settings *settings;
        const char *root; /* as root_open() wants it */
        const char *late; /* path of the drop-in being read when it comes after ours, else NULL */
};

/*
 * Take an assignment over. Values that systemd could not read are passed over, as it does.
 * Errors: -ENOMEM.
 */
int unit_settings_take(const char *section, const char *key, const char *value, void *userdata);

/* The LD_PRELOAD that the service would have without us, or NULL. Owned by the settings. */
const char *unit_settings_preload(const struct unit_settings *settings);

/*
 * An exit status that systemd does not take for a success of this unit: EX_CONFIG where it can be.
 * Errors: -ENOENT when SuccessExitStatus= leaves none.
 */
int unit_settings_failure_status(const struct unit_settings *settings);

void unit_settings_clear(struct unit_settings *settings);
