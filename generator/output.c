/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/output.h"

#include "common/buffer.h"
#include "common/cleanup.h"
#include "generator/render.h"
#include "generator/unit-name.h"
#include "generator/unit-text.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WANTS "sockets.target.wants"

struct output {
        char *path; /* absolute, without a slash at its end */
        int fd;
        int wants_fd; /* of the directory of links, -1 until there is one */
        int mask_fd;  /* of the directory that is best for masking */
};

static bool fits_unit_file(const char *path)
{
        for (const char *c = path; *c; c++)
                if (unit_text_is_control(*c))
                        return false;
        return unit_text_is_valid(path, strlen(path));
}

static int absolute_path(const char *path, char **ret)
{
        char here[PATH_MAX] = "";
        size_t length = strlen(path);

        if (path[0] != '/' && !getcwd(here, sizeof(here)))
                return -errno;
        while (length > 1 && path[length - 1] == '/')
                length--;
        if (asprintf(ret, "%s%s%.*s", here, *here ? "/" : "", (int)length, path) < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return fits_unit_file(*ret) ? 0 : -EINVAL;
}

int output_new(const char *directory, const char *early, struct output **ret)
{
        struct output *output = calloc(1, sizeof(*output));
        int r;

        if (!output)
                return -ENOMEM;
        output->fd = output->wants_fd = output->mask_fd = -1;
        r = absolute_path(directory, &output->path);
        if (r == 0) {
                output->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                output->mask_fd =
                        open(early ? early : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (output->fd < 0 || output->mask_fd < 0)
                        r = -errno;
        }
        if (r < 0) {
                output_free(output);
                return r;
        }
        *ret = output;
        return 0;
}

void output_free(struct output *output)
{
        if (!output)
                return;
        cleanup_close(&output->fd);
        cleanup_close(&output->wants_fd);
        cleanup_close(&output->mask_fd);
        free(output->path);
        free(output);
}

static int write_all(int fd, const char *data, size_t size)
{
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                size -= (size_t)n;
        }
        return 0;
}

/* Write a text into a file, whole or not at all. */
static int write_file(int dir_fd, const char *name, const struct buffer *text)
{
        _cleanup_close_ int fd = -1;
        int r = buffer_error(text);

        if (r < 0)
                return r;
        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        r = write_all(fd, text->data, text->length);
        if (r < 0)
                unlinkat(dir_fd, name, 0);
        return r;
}

/* A directory may have been there before. */
static int make_directory(int dir_fd, const char *name)
{
        return mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* A file among the unit's drop-ins. */
static int write_beside(const struct output *output, const struct unit *unit, const char *name,
                        const struct buffer *text)
{
        char path[UNIT_NAME_LENGTH_MAX + sizeof(".d/") + NAME_MAX];

        snprintf(path, sizeof(path), "%s.d/%s", unit->name, name);
        return write_file(output->fd, path, text);
}

static int write_dropin(const struct output *output, const struct unit *unit)
{
        _cleanup_(buffer_clear) struct buffer text = BUFFER_INIT;
        _cleanup_(rule_list_clear) struct rule_list rules;
        _cleanup_free_ char *directory = NULL;
        int r = rule_list_make(unit, &rules);

        if (r < 0)
                return r;
        if (asprintf(&directory, "%s/%s.d", output->path, unit->name) < 0) {
                directory = NULL;
                return -ENOMEM;
        }
        render_dropin(&text, unit, &rules, directory);
        return write_beside(output, unit, RENDER_DROPIN, &text);
}

static int write_environment(const struct output *output, const struct unit *unit)
{
        _cleanup_(buffer_clear) struct buffer text = BUFFER_INIT;

        render_environment(&text, unit);
        return write_beside(output, unit, RENDER_ENVIRONMENT, &text);
}

static int write_refusal(const struct output *output, const struct unit *unit,
                         const struct rulefile *broken)
{
        _cleanup_(buffer_clear) struct buffer text = BUFFER_INIT;
        _cleanup_free_ char *reason = NULL;
        int r = rulefile_describe_complaint(broken, &broken->complaints[0], &reason);

        if (r < 0)
                return r;
        render_refusal(&text, unit, reason);
        return write_beside(output, unit, RENDER_DROPIN, &text);
}

static int open_wants(struct output *output)
{
        int r = make_directory(output->fd, WANTS);

        if (r < 0)
                return r;
        output->wants_fd =
                openat(output->fd, WANTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return output->wants_fd < 0 ? -errno : 0;
}

/* Have a socket opened at boot. */
static int link_socket(struct output *output, const char *name)
{
        char target[sizeof("../") + UNIT_NAME_LENGTH_MAX];
        int r = output->wants_fd < 0 ? open_wants(output) : 0;

        if (r < 0)
                return r;
        snprintf(target, sizeof(target), "../%s", name);
        if (symlinkat(target, output->wants_fd, name) < 0 && errno != EEXIST)
                return -errno;
        return 0;
}

static int write_socket(struct output *output, const struct unit *unit, const struct rulefile *file,
                        const struct rulefile_socket *socket)
{
        _cleanup_(buffer_clear) struct buffer text = BUFFER_INIT;
        int r;

        render_socket(&text, unit, file, socket);
        r = write_file(output->fd, socket->unit, &text);
        /* A template's socket is enabled for an instance; that of a masked service could not work.
         */
        if (r < 0 || unit_is_template(unit) || unit->masked)
                return r;
        return link_socket(output, socket->unit);
}

static int write_sockets(struct output *output, const struct unit *unit)
{
        int r = 0;

        for (size_t i = 0; i < unit->n_files; i++)
                for (size_t j = 0; r == 0 && j < unit->files[i]->n_sockets; j++)
                        r = write_socket(output, unit, unit->files[i], &unit->files[i]->sockets[j]);
        return r;
}

/*
 * The last resort, when there is no room for a file or no drop-in of ours would count: a link as
 * short as this one needs none of its own. What runs goes on running. Returns the error that led
 * here, or one that is worse.
 */
static int mask_after(const struct output *output, const char *name, int error)
{
        if (symlinkat("/dev/null", output->mask_fd, name) < 0 && errno != EEXIST)
                return -errno;
        return error;
}

/* Whether a drop-in of the administrator's would let a unit start that a drop-in of ours refuses.
 */
static bool refusal_is_undone(const struct unit *unit)
{
        return unit->settings.replaced_by || unit->settings.refusal_undone;
}

int output_write(struct output *output, const struct unit *unit)
{
        const struct rulefile *broken = unit_broken_file(unit);
        char name[UNIT_NAME_LENGTH_MAX + sizeof(".d")];
        int r;

        snprintf(name, sizeof(name), "%s.d", unit->name);
        r = make_directory(output->fd, name);
        if (r == 0)
                r = broken ? write_refusal(output, unit, broken) : write_dropin(output, unit);
        if (r < 0 || (broken && refusal_is_undone(unit)))
                return mask_after(output, unit->name, r);
        if (broken)
                return 0;
        r = write_environment(output, unit);
        return r < 0 ? r : write_sockets(output, unit);
}
