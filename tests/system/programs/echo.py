#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A UDP server that knows nothing of Unix sockets and socket activation.

    echo.py [--slow] [ADDRESS:]PORT...

It binds every address in the order given, tells the service manager that it is ready, and answers
each datagram with one line that says what it sees: the address asked for and the socket's, its
process, the address that the datagram was sent to (IP_PKTINFO, IPV6_RECVPKTINFO), its sender's, and
the text. Each is logged once it is sent, and "bound: ADDRESSES" each time. SIGHUP closes all sockets and binds them again; after SIGTERM it ends
at once, and what it has not received stays in the socket's queue.

--slow: take half a second over each datagram.
"""

import os
import selectors
import signal
import socket
import struct
import sys
import time

# Linux's number, which Python does not know.
IP_PKTINFO = 8


def format_address(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind(asked):
    host, _, port = asked.rpartition(":")
    host = host.strip("[]") or "0.0.0.0"
    server = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    if server.family == socket.AF_INET:
        server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    else:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    server.bind((host, int(port)))
    server.setblocking(False)
    return server


def destination(control):
    """The address that a datagram was sent to, and its interface, of its control messages."""
    for level, kind, data in control:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
            index, _, address = struct.unpack("I4s4s", data)
            return f"{socket.inet_ntop(socket.AF_INET, address)}%{index}"
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            address, index = struct.unpack("16sI", data)
            return f"{socket.inet_ntop(socket.AF_INET6, address)}%{index}"
    return "unknown"


def answer(server, asked):
    try:
        data, control, _, peer = server.recvmsg(65536, 1024)
    except BlockingIOError:
        return
    line = (f"asked={asked} socket={format_address(server.getsockname())} pid={os.getpid()}"
            f" to={destination(control)} peer={format_address(peer)} text={data.decode()}")
    server.sendto(line.encode(), peer)
    print(line, flush=True)


def notify(text):
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.sendto(text, address.replace("@", "\0", 1))


def serve(addresses, pause):
    again = False

    def handle_hangup(_signum, _frame):
        nonlocal again
        again = True

    def handle_termination(_signum, _frame):
        sys.exit(0)

    signal.signal(signal.SIGHUP, handle_hangup)
    signal.signal(signal.SIGTERM, handle_termination)
    while True:
        with selectors.DefaultSelector() as selector:
            servers = [bind(asked) for asked in addresses]
            for server, asked in zip(servers, addresses):
                selector.register(server, selectors.EVENT_READ, asked)
            print("bound:", *addresses, flush=True)
            notify(b"READY=1")
            again = False
            while not again:
                for key, _ in selector.select(0.2):
                    time.sleep(pause)
                    answer(key.fileobj, key.data)
        for server in servers:
            server.close()


def main():
    arguments = sys.argv[1:]
    pause = 0.5 if arguments[:1] == ["--slow"] else 0
    serve([argument for argument in arguments if argument != "--slow"], pause)


main()
