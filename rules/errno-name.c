/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules/errno-name.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * errno(3), in the order of the generic numbers. Where two names share a number on some
 * architecture, the usual one comes first: it is the one that numbers turn back into.
 */
#define FOR_EACH_ERRNO(X)                                                                          \
        X(EPERM)                                                                                   \
        X(ENOENT)                                                                                  \
        X(ESRCH)                                                                                   \
        X(EINTR)                                                                                   \
        X(EIO)                                                                                     \
        X(ENXIO)                                                                                   \
        X(E2BIG)                                                                                   \
        X(ENOEXEC)                                                                                 \
        X(EBADF)                                                                                   \
        X(ECHILD)                                                                                  \
        X(EAGAIN)                                                                                  \
        X(EWOULDBLOCK)                                                                             \
        X(ENOMEM)                                                                                  \
        X(EACCES)                                                                                  \
        X(EFAULT)                                                                                  \
        X(ENOTBLK)                                                                                 \
        X(EBUSY)                                                                                   \
        X(EEXIST)                                                                                  \
        X(EXDEV)                                                                                   \
        X(ENODEV)                                                                                  \
        X(ENOTDIR)                                                                                 \
        X(EISDIR)                                                                                  \
        X(EINVAL)                                                                                  \
        X(ENFILE)                                                                                  \
        X(EMFILE)                                                                                  \
        X(ENOTTY)                                                                                  \
        X(ETXTBSY)                                                                                 \
        X(EFBIG)                                                                                   \
        X(ENOSPC)                                                                                  \
        X(ESPIPE)                                                                                  \
        X(EROFS)                                                                                   \
        X(EMLINK)                                                                                  \
        X(EPIPE)                                                                                   \
        X(EDOM)                                                                                    \
        X(ERANGE)                                                                                  \
        X(EDEADLK)                                                                                 \
        X(EDEADLOCK)                                                                               \
        X(ENAMETOOLONG)                                                                            \
        X(ENOLCK)                                                                                  \
        X(ENOSYS)                                                                                  \
        X(ENOTEMPTY)                                                                               \
        X(ELOOP)                                                                                   \
        X(ENOMSG)                                                                                  \
        X(EIDRM)                                                                                   \
        X(ECHRNG)                                                                                  \
        X(EL2NSYNC)                                                                                \
        X(EL3HLT)                                                                                  \
        X(EL3RST)                                                                                  \
        X(ELNRNG)                                                                                  \
        X(EUNATCH)                                                                                 \
        X(ENOCSI)                                                                                  \
        X(EL2HLT)                                                                                  \
        X(EBADE)                                                                                   \
        X(EBADR)                                                                                   \
        X(EXFULL)                                                                                  \
        X(ENOANO)                                                                                  \
        X(EBADRQC)                                                                                 \
        X(EBADSLT)                                                                                 \
        X(EBFONT)                                                                                  \
        X(ENOSTR)                                                                                  \
        X(ENODATA)                                                                                 \
        X(ETIME)                                                                                   \
        X(ENOSR)                                                                                   \
        X(ENONET)                                                                                  \
        X(ENOPKG)                                                                                  \
        X(EREMOTE)                                                                                 \
        X(ENOLINK)                                                                                 \
        X(EADV)                                                                                    \
        X(ESRMNT)                                                                                  \
        X(ECOMM)                                                                                   \
        X(EPROTO)                                                                                  \
        X(EMULTIHOP)                                                                               \
        X(EDOTDOT)                                                                                 \
        X(EBADMSG)                                                                                 \
        X(EOVERFLOW)                                                                               \
        X(ENOTUNIQ)                                                                                \
        X(EBADFD)                                                                                  \
        X(EREMCHG)                                                                                 \
        X(ELIBACC)                                                                                 \
        X(ELIBBAD)                                                                                 \
        X(ELIBSCN)                                                                                 \
        X(ELIBMAX)                                                                                 \
        X(ELIBEXEC)                                                                                \
        X(EILSEQ)                                                                                  \
        X(ERESTART)                                                                                \
        X(ESTRPIPE)                                                                                \
        X(EUSERS)                                                                                  \
        X(ENOTSOCK)                                                                                \
        X(EDESTADDRREQ)                                                                            \
        X(EMSGSIZE)                                                                                \
        X(EPROTOTYPE)                                                                              \
        X(ENOPROTOOPT)                                                                             \
        X(EPROTONOSUPPORT)                                                                         \
        X(ESOCKTNOSUPPORT)                                                                         \
        X(EOPNOTSUPP)                                                                              \
        X(ENOTSUP)                                                                                 \
        X(EPFNOSUPPORT)                                                                            \
        X(EAFNOSUPPORT)                                                                            \
        X(EADDRINUSE)                                                                              \
        X(EADDRNOTAVAIL)                                                                           \
        X(ENETDOWN)                                                                                \
        X(ENETUNREACH)                                                                             \
        X(ENETRESET)                                                                               \
        X(ECONNABORTED)                                                                            \
        X(ECONNRESET)                                                                              \
        X(ENOBUFS)                                                                                 \
        X(EISCONN)                                                                                 \
        X(ENOTCONN)                                                                                \
        X(ESHUTDOWN)                                                                               \
        X(ETOOMANYREFS)                                                                            \
        X(ETIMEDOUT)                                                                               \
        X(ECONNREFUSED)                                                                            \
        X(EHOSTDOWN)                                                                               \
        X(EHOSTUNREACH)                                                                            \
        X(EALREADY)                                                                                \
        X(EINPROGRESS)                                                                             \
        X(ESTALE)                                                                                  \
        X(EUCLEAN)                                                                                 \
        X(ENOTNAM)                                                                                 \
        X(ENAVAIL)                                                                                 \
        X(EISNAM)                                                                                  \
        X(EREMOTEIO)                                                                               \
        X(EDQUOT)                                                                                  \
        X(ENOMEDIUM)                                                                               \
        X(EMEDIUMTYPE)                                                                             \
        X(ECANCELED)                                                                               \
        X(ENOKEY)                                                                                  \
        X(EKEYEXPIRED)                                                                             \
        X(EKEYREVOKED)                                                                             \
        X(EKEYREJECTED)                                                                            \
        X(EOWNERDEAD)                                                                              \
        X(ENOTRECOVERABLE)                                                                         \
        X(ERFKILL)                                                                                 \
        X(EHWPOISON)

#define NAME_OF(number)   #number,
#define NUMBER_OF(number) number,

static const char *const names[] = {FOR_EACH_ERRNO(NAME_OF) NULL};

static const uint16_t numbers[] = {FOR_EACH_ERRNO(NUMBER_OF)};

#define N_NUMBERS (sizeof(numbers) / sizeof(*numbers))

/* tolower(3) asks the locale, where 'i' need not be the small form of 'I'. */
static char to_upper(char letter)
{
        return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

static bool is_name(const char *name, const char *word, size_t length)
{
        if (strlen(name) != length)
                return false;
        for (size_t i = 0; i < length; i++)
                if (to_upper(word[i]) != name[i])
                        return false;
        return true;
}

int errno_from_name(const char *name, size_t length)
{
        for (size_t i = 0; i < N_NUMBERS; i++)
                if (is_name(names[i], name, length))
                        return numbers[i];
        return 0;
}

const char *errno_to_name(int number)
{
        for (size_t i = 0; i < N_NUMBERS; i++)
                if (numbers[i] == number)
                        return names[i];
        return NULL;
}

const char *const *errno_names(void)
{
        return names;
}
