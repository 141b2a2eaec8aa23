/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notes epoll registrations. See watch.h. */

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include "preload/log.h"
#include "preload/memory.h"
#include "preload/next.h"
#include "preload/process.h"
#include "preload/watch.h"

/*
 * Notes about a descriptor are within so many places of its own, which makes finding them a matter
 * of its number alone. There is room for one that is in that many epolls, and for two notes about
 * each of 4,096.
 */
#define WATCHES 8192
#define WINDOW  128

/* Who may write to a note: nobody has it, somebody is at it, or it is about fd and epfd. */
#define OWNER_NONE        ((uint64_t)0)
#define OWNER_BUSY        UINT64_MAX
#define OWNER(epfd, fd)   ((uint64_t)(uint32_t)(epfd) << 32 | (uint32_t)(fd) | UINT64_C(1) << 63)
#define OWNER_EPFD(owner) ((int)((owner) >> 32 & 0x7fffffff))
#define OWNER_FD(owner)   ((int)((owner)&0xffffffff))

struct watch {
        _Atomic uint64_t owner;
        struct epoll_event event;
        pid_t pid; /* who registered it */
};

static struct watch *watches; /* WATCHES of them, once there is one */

static _Atomic int watches_used; /* none beyond has ever been used */

/* How many places notes about a descriptor can be at: watch_at() takes numbers below. */
static int window(void)
{
        return __atomic_load_n(&watches, __ATOMIC_ACQUIRE) ? WINDOW : 0;
}

static struct watch *watch_at(int fd, int i)
{
        return &watches[((unsigned)fd * 2 + (unsigned)i) % WATCHES];
}

/* Write a note where there was another, or none. Returns false when somebody else was faster. */
static bool write_note(struct watch *watch, uint64_t before, uint64_t owner,
                       const struct epoll_event *event)
{
        if (!atomic_compare_exchange_strong(&watch->owner, &before, OWNER_BUSY))
                return false;

        watch->event = *event;
        watch->pid = getpid();
        atomic_store(&watch->owner, owner);
        return true;
}

static void clear_note(struct watch *watch, uint64_t owner)
{
        (void)atomic_compare_exchange_strong(&watch->owner, &owner, OWNER_NONE);
}

static bool is_note(uint64_t owner)
{
        return owner != OWNER_NONE && owner != OWNER_BUSY;
}

static bool is_about(uint64_t owner, int fd)
{
        return is_note(owner) && OWNER_FD(owner) == fd;
}

static struct watch *find(int fd, uint64_t owner)
{
        for (int i = 0; i < window(); i++)
                if (atomic_load(&watch_at(fd, i)->owner) == owner)
                        return watch_at(fd, i);

        return NULL;
}

static void add(int fd, uint64_t owner, const struct epoll_event *event)
{
        if (!memory_share((void **)&watches, WATCHES * sizeof(*watches)))
                return;

        for (int i = 0; i < window(); i++) {
                struct watch *watch = watch_at(fd, i);
                int used = atomic_load(&watches_used);

                if (!write_note(watch, OWNER_NONE, owner, event))
                        continue;
                while (used <= watch - watches &&
                       !atomic_compare_exchange_weak(&watches_used, &used,
                                                     (int)(watch - watches) + 1))
                        ;
                return;
        }

        log_message(LOG_INFO, "too many sockets in epoll to remember");
}

void watch_note(int epfd, int op, int fd, const struct epoll_event *event)
{
        const uint64_t owner = OWNER(epfd, fd);
        struct watch *watch = find(fd, owner);

        switch (op) {
        case EPOLL_CTL_ADD:
        case EPOLL_CTL_MOD:
                if (watch)
                        (void)write_note(watch, owner, owner, event);
                else
                        add(fd, owner, event);
                break;
        case EPOLL_CTL_DEL:
                if (watch)
                        clear_note(watch, owner);
                break;
        }
}

void watch_suspend(int fd)
{
        for (int i = 0; i < window(); i++) {
                struct watch *watch = watch_at(fd, i);
                const uint64_t owner = atomic_load(&watch->owner);
                struct epoll_event unused = {0};

                if (!is_about(owner, fd))
                        continue;
                /* An epoll that has been closed meanwhile, and its number perhaps used again. */
                if (next.epoll_ctl(OWNER_EPFD(owner), EPOLL_CTL_DEL, fd, &unused) < 0)
                        clear_note(watch, owner);
        }
}

void watch_resume(int fd)
{
        for (int i = 0; i < window(); i++) {
                struct watch *watch = watch_at(fd, i);
                const uint64_t owner = atomic_load(&watch->owner);
                struct epoll_event event;

                if (!is_about(owner, fd))
                        continue;

                event = watch->event;
                if (next.epoll_ctl(OWNER_EPFD(owner), EPOLL_CTL_ADD, fd, &event) < 0)
                        log_message(LOG_WARNING, "cannot register the socket in epoll again: ",
                                    LOG_ERRNO(errno));
        }
}

void watch_remove(int fd)
{
        for (int i = 0; i < window(); i++) {
                struct watch *watch = watch_at(fd, i);
                const uint64_t owner = atomic_load(&watch->owner);
                struct epoll_event unused = {0};

                if (!is_about(owner, fd))
                        continue;
                if (process_is_heir_of(watch->pid))
                        (void)next.epoll_ctl(OWNER_EPFD(owner), EPOLL_CTL_DEL, fd, &unused);
                clear_note(watch, owner);
        }
}

void watch_forget(int fd)
{
        for (int i = 0; i < window(); i++) {
                struct watch *watch = watch_at(fd, i);
                const uint64_t owner = atomic_load(&watch->owner);

                if (is_about(owner, fd))
                        clear_note(watch, owner);
        }
}

void watch_forget_epoll(int epfd)
{
        for (int i = 0; i < atomic_load(&watches_used); i++) {
                const uint64_t owner = atomic_load(&watches[i].owner);

                if (is_note(owner) && OWNER_EPFD(owner) == epfd)
                        clear_note(&watches[i], owner);
        }
}
