/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* IP addresses with ports. See endpoint.h. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/endpoint.h"
#include "preload/kernel.h"
#include "preload/process.h"
#include "rules/address.h"

/* net.ipv4.ip_local_port_range, as Linux has it by default. */
#define EPHEMERAL_FIRST 32768
#define EPHEMERAL_COUNT (60999 - EPHEMERAL_FIRST + 1)

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool endpoint_read(const struct sockaddr *addr, socklen_t length, struct endpoint *ret,
                   bool *ret_ipv4)
{
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        bool ipv4;

        /* No address is longer, says the kernel before it looks at one. */
        if (!addr || length < sizeof(in) || length > sizeof(struct sockaddr_storage))
                return false;

        memcpy(&in, addr, sizeof(in));
        switch (in.sin_family) {
        case AF_UNSPEC:
                if (in.sin_addr.s_addr != INADDR_ANY)
                        return false;
                __attribute__((fallthrough));
        case AF_INET:
                ret->address = rule_address_from_ipv4(&in.sin_addr);
                ret->port = ntohs(in.sin_port);
                ipv4 = true;
                break;
        case AF_INET6:
                /* Linux takes an address without the scope that RFC 2133 did not have. */
                if (length < offsetof(struct sockaddr_in6, sin6_scope_id))
                        return false;
                memcpy(&in6, addr, offsetof(struct sockaddr_in6, sin6_scope_id));
                memcpy(ret->address.bytes, &in6.sin6_addr, 16);
                ret->port = ntohs(in6.sin6_port);
                ipv4 = rule_address_is_mapped(&ret->address);
                break;
        default:
                return false;
        }

        if (ret_ipv4)
                *ret_ipv4 = ipv4;
        return true;
}

void endpoint_write(const struct endpoint *endpoint, sa_family_t family, struct sockaddr *addr,
                    socklen_t *length)
{
        socklen_t size;

        if (!length)
                return;
        size = addr ? *length : 0;

        if (family == AF_INET) {
                struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};

                memcpy(&in.sin_addr, endpoint->address.bytes + 12, 4);
                /* A copy of known length, for the usual case, is some instructions and no call. */
                if (__builtin_expect(size >= sizeof(in), 1))
                        memcpy(addr, &in, sizeof(in));
                else if (size > 0)
                        memcpy(addr, &in, size);
                *length = sizeof(in);
        } else {
                struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                                           .sin6_port = htons(endpoint->port)};

                memcpy(&in6.sin6_addr, endpoint->address.bytes, 16);
                if (__builtin_expect(size >= sizeof(in6), 1))
                        memcpy(addr, &in6, sizeof(in6));
                else if (size > 0)
                        memcpy(addr, &in6, size);
                *length = sizeof(in6);
        }
}

struct endpoint endpoint_loopback(sa_family_t family, uint16_t port)
{
        static const struct rule_address ipv4 = {{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
        static const struct rule_address ipv6 = {{[15] = 1}};

        return (struct endpoint){.address = family == AF_INET ? ipv4 : ipv6, .port = port};
}

struct endpoint endpoint_opposite(const struct endpoint *end, sa_family_t family, uint16_t port)
{
        return endpoint_loopback(rule_address_is_mapped(&end->address) ? AF_INET : family, port);
}

bool endpoint_is_nowhere(const struct endpoint *endpoint)
{
        static const struct rule_address ipv4 = {{[10] = 0xff, [11] = 0xff, [12] = 192, [15] = 8}};
        static const struct rule_address ipv6 = {{0xfd, 0x69, 0x70, 0x32, 0x75, 0x6e, 0x69, 0x78,
                                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

        return memcmp(&endpoint->address, &ipv4, sizeof(ipv4)) == 0 ||
               memcmp(&endpoint->address, &ipv6, sizeof(ipv6)) == 0;
}

bool endpoint_is_wildcard(const struct endpoint *endpoint, sa_family_t family)
{
        static const uint8_t zero[16];

        if (family == AF_INET || memcmp(endpoint->address.bytes, mapped_prefix, 12) == 0)
                return memcmp(endpoint->address.bytes + 12, zero, 4) == 0;

        return memcmp(endpoint->address.bytes, zero, 16) == 0;
}

/*
 * Workers that were started by exec, each for itself, may accept from one listener (node's
 * cluster). They know nothing of each other but have different numbers, and numbers near each other
 * begin far apart in the range: Fibonacci hashing, see Knuth, TAOCP volume 3, section 6.4.
 */
static uint32_t ephemeral_start(void)
{
        const uint32_t hash = (uint32_t)process_id() * UINT32_C(0x9e3779b9);

        return (uint32_t)((uint64_t)hash * EPHEMERAL_COUNT >> 32);
}

/*
 * The counter is shared with forked children, so that two workers of one server don't tell of the
 * same client at the same time.
 */
static _Atomic uint32_t *ephemeral_counter(void)
{
        static _Atomic uint32_t private_counter;
        static _Atomic(_Atomic uint32_t *) counter;
        _Atomic uint32_t *mapped, *expected = NULL;

        mapped = atomic_load_explicit(&counter, memory_order_acquire);
        if (mapped)
                return mapped;

        mapped = mmap(NULL, sizeof(*mapped), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                      0);
        if (mapped == MAP_FAILED)
                mapped = &private_counter;

        atomic_store(mapped, ephemeral_start());
        if (atomic_compare_exchange_strong(&counter, &expected, mapped))
                return mapped;

        if (mapped != &private_counter)
                (void)kernel_munmap((void *)mapped, sizeof(*mapped));
        return expected;
}

uint16_t endpoint_ephemeral_port(void)
{
        return (uint16_t)(EPHEMERAL_FIRST +
                          atomic_fetch_add_explicit(ephemeral_counter(), 1, memory_order_relaxed) %
                                  EPHEMERAL_COUNT);
}
