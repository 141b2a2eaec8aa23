#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that connect to a Unix socket again and again.

    load.py SOCKET SECONDS CLIENTS

Each client asks and reads the answer to its end, then connects anew. Prints "at work: PROCESS" when
a process (they tell their number as pid=N) has answered as many requests as there are clients. When
the time is over, or at SIGTERM, each client ends with the answer that it waits for; then prints
"ANSWERED of ASKED by PROCESSES": how many requests were answered in full, how many were sent, and
by how many processes.
"""

import re
import signal
import socket
import sys
import threading
import time

path, seconds, clients = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
end = time.monotonic() + seconds
told = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: told.set())
answers = []
counts = {}
lock = threading.Lock()


def ask():
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60)
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


def count(answer):
    answers.append(answer)
    process = re.search(r"pid=(\d+)", answer)
    if process:
        counts[process[1]] = counts.get(process[1], 0) + 1
        if counts[process[1]] == clients:
            print(f"at work: {process[1]}", flush=True)


def run():
    while time.monotonic() < end and not told.is_set():
        answer = ask()
        with lock:
            count(answer)


threads = [threading.Thread(target=run) for _ in range(clients)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for answer in sorted({answer for answer in answers if "pid=" not in answer}):
    print(f"no answer: {answer!r}", file=sys.stderr)
print(f"{sum(counts.values())} of {len(answers)} by {len(counts)}")
