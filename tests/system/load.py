#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that connect to a Unix socket again and again.

    load.py SOCKET SECONDS CLIENTS

Each client asks and reads the answer to its end, then connects anew. Prints "ANSWERED of ASKED by
PROCESSES": how many requests were answered in full, how many were sent, and by how many processes
(they tell their number as pid=N).
"""

import re
import socket
import sys
import threading
import time

path, seconds, clients = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
end = time.monotonic() + seconds
answers = []


def ask():
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    try:
        client.connect(path)
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while chunk := client.recv(4096):
            answer += chunk
    except OSError as error:
        return f"failed: {error}"
    finally:
        client.close()
    return answer.decode()


def run():
    while time.monotonic() < end:
        answers.append(ask())


threads = [threading.Thread(target=run) for _ in range(clients)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
processes = [re.search(r"pid=(\d+)", answer) for answer in answers]
answered = [process[1] for process in processes if process]
for answer in sorted({answer for answer, process in zip(answers, processes) if not process}):
    print(f"no answer: {answer!r}", file=sys.stderr)
print(f"{len(answered)} of {len(answers)} by {len(set(answered))}")
