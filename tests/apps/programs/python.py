# SPDX-License-Identifier: LGPL-2.1-or-later
"""Python's application servers: workers that share a listener, by fork or handed to them."""

import hashlib
import json
import os
import signal
import time

from kernel import command_line, processes
from stage import PATIENCE, needs, wait_until

WSGI = """
import hashlib, json, os

def application(environ, start):
    body = environ["wsgi.input"].read()
    text = json.dumps([environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"]), environ["SERVER_PORT"],
                       os.getpid(), hashlib.sha256(body).hexdigest()]) + "\\n"
    start("200 OK", [("Content-Length", str(len(text)))])
    return [text.encode()]
"""

ASGI = """
import json, os

async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    text = json.dumps([*scope["client"], *scope["server"], os.getpid()]) + "\\n"
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-length", str(len(text)).encode())]})
    await send({"type": "http.response.body", "body": text.encode()})
"""


def ask_until_all_answer(stage, position, count):
    """Ask until so many workers have answered, whose number is at this position of an answer."""
    lines = stage.ask_until_all_answer("http://127.0.0.1:8000/",
                                       lambda line: json.loads(line)[position], count)
    return [json.loads(line) for line in lines]


def ab(stage, seconds):
    return stage.start("ab", "-q", "-t", str(seconds), "-s", str(PATIENCE), "-n", "1000000", "-c",
                       "4", "http://127.0.0.1:8000/")


def all_answered(stage, client):
    stage.equal(f"ab's exit status:\n{client.output()}", client.wait(), 0)
    # The length differs with the digits of the port.
    failed = int(stage.matches(client.output(), r"^Failed requests: +(\d+)")[1])
    if failed:
        stage.matches(client.output(), rf"Connect: 0, Receive: 0, Length: {failed}, Exceptions: 0")
    stage.check("Non-2xx" not in client.output(), client.output())


def children_of(server):
    return [process for process in processes()
            if process != server.pid and "gunicorn" in command_line(process)]


@needs("gunicorn", "curl", "ab")
def scenario_gunicorn_reload(stage):
    stage.file("wsgi.py", WSGI)
    server = stage.start("gunicorn", "--workers", "4", "--bind", "127.0.0.1:8000",
                         "--worker-tmp-dir", stage.home, "wsgi:application", port=8000)
    wait_until(lambda: len(children_of(server)) == 4, "four workers")
    body = stage.noise("body", 5_000_000)
    answer = json.loads(stage.run("curl", "-sSf", "--data-binary", f"@{body}",
                                  "http://127.0.0.1:8000/"))
    stage.equal("checksum", answer[4], hashlib.sha256(body.read_bytes()).hexdigest())
    answers = ask_until_all_answer(stage, 3, 4)
    stage.equal("addresses", {(one[0], one[2]) for one in answers}, {("127.0.0.1", "8000")})
    stage.equal("ports that are none", [one for one in answers if one[1] <= 1024], [])
    old = set(children_of(server))
    client = ab(stage, 4)
    time.sleep(0.5)
    server.tell(signal.SIGHUP)
    wait_until(lambda: len(children_of(server)) == 4 and not old & set(children_of(server)),
               "new workers take over")
    all_answered(stage, client)
    server.end(signal.SIGTERM, [0])
    stage.closed(8000)


@needs("gunicorn", "curl", "ab")
def scenario_gunicorn_upgrade(stage):
    """USR2 starts a second gunicorn that inherits the listener; the first one then ends."""
    stage.file("wsgi.py", WSGI)
    server = stage.start("gunicorn", "--workers", "2", "--bind", "127.0.0.1:8000", "--pid",
                         stage.home / "pid", "--worker-tmp-dir", stage.home, "wsgi:application",
                         port=8000)
    wait_until(lambda: len(children_of(server)) == 2, "two workers")
    client = ab(stage, 4)
    time.sleep(0.5)
    server.tell(signal.SIGUSR2)
    new = wait_until(lambda: stage.number_in("pid.2"), "the second gunicorn")
    wait_until(lambda: len(children_of(server)) == 5, "its workers")
    server.end(signal.SIGTERM, [0])
    stage.check(stage.listens(8000), "the first has taken the socket along")
    all_answered(stage, client)
    answer = json.loads(stage.run("curl", "-sSf", "http://127.0.0.1:8000/"))
    stage.equal("address", answer[0], "127.0.0.1")
    os.kill(new, signal.SIGTERM)
    wait_until(lambda: new not in processes(), "the second ends")
    stage.closed(8000)


@needs("uvicorn", "curl")
def scenario_uvicorn_workers(stage):
    """The listener is passed to workers that are started anew."""
    stage.file("asgi.py", ASGI)
    server = stage.start("uvicorn", "--workers", "4", "--host", "127.0.0.1", "--port", "8000",
                         "asgi:application", port=8000)
    wait_until(lambda: server.output().count("Application startup complete") == 4, "four workers")
    answers = ask_until_all_answer(stage, 4, 2)
    stage.equal("addresses", {(one[0], one[2], one[3]) for one in answers},
                {("127.0.0.1", "127.0.0.1", 8000)})
    server.says(r'127\.0\.0\.1:[1-9]\d+ - "GET')
    server.end(signal.SIGINT, [0, -2])
    stage.closed(8000)
