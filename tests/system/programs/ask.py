#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client that sends datagrams and prints the answers.

    ask.py [OPTION]... TARGET TEXT...

TARGET: /PATH or @NAME of a Unix socket, or ADDRESS:PORT, [ADDRESS]:PORT. Each text is one datagram,
sent from the same socket once the one before is answered. Each answer is printed as
"from=SENDER ANSWER". Ends with 1 when one does not come within a minute.

--connect: connect the socket, and send without an address
--from=ADDRESS: bind the socket to it first. Without, a Unix socket gets an abstract name that the
    kernel chooses.
--send: wait for no answer. A Unix socket has no name then, unless --from gives it one.
--hear: send one text and print what comes until SIGTERM, however much
"""

import signal
import socket
import sys


def parse(text):
    """The family and the address that a target is."""
    if text[0] in "/@":
        return socket.AF_UNIX, text.replace("@", "\0", 1)
    host, _, port = text.rpartition(":")
    if text[0] == "[":
        return socket.AF_INET6, (host.strip("[]"), int(port))
    return socket.AF_INET, (host, int(port))


def show(address):
    if isinstance(address, bytes):
        return "@" + address[1:].decode()
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return address


def make_socket(family, options):
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.settimeout(60)
    own = [option.partition("=")[2] for option in options if option.startswith("--from=")]
    if own:
        client.bind(parse(own[0])[1])
    elif family == socket.AF_UNIX and "--send" not in options:
        client.bind("")
    return client


def receive(client):
    data, address = client.recvfrom(65536)
    print(f"from={show(address)} {data.decode()}", flush=True)


def hear(client):
    client.settimeout(None)
    while True:
        receive(client)


def main():
    options = [argument for argument in sys.argv[1:] if argument.startswith("--")]
    target, *texts = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    family, address = parse(target)
    client = make_socket(family, options)
    if "--hear" in options:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if "--connect" in options:
        client.connect(address)
    for text in texts:
        if "--connect" in options:
            client.send(text.encode())
        else:
            client.sendto(text.encode(), address)
        if "--hear" in options:
            hear(client)
        elif "--send" not in options:
            receive(client)


try:
    main()
except OSError as error:
    sys.exit(f"ask: {error}")
