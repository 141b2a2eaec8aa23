# SPDX-License-Identifier: LGPL-2.1-or-later
"""PHP: its own server, with and without workers, and its streams as clients."""

import json
import signal

from stage import needs

ROUTER = """<?php
if ($_SERVER['REQUEST_URI'] === '/big') { readfile(__DIR__ . '/big'); return; }
echo json_encode([$_SERVER['REMOTE_ADDR'], (int) $_SERVER['REMOTE_PORT'], $_SERVER['SERVER_PORT'],
                  hash('sha256', file_get_contents('php://input')), getmypid()]), "\\n";
"""

CLIENT = """<?php
error_reporting(E_ALL);
for ($turn = 0; $turn < 5; $turn++) {
    $body = random_bytes(1000000);
    $answer = json_decode(file_get_contents('http://127.0.0.1:8000/', false, stream_context_create(
        ['http' => ['method' => 'POST', 'content' => $body,
                    'header' => 'Content-Type: application/octet-stream']])));
    if ($answer[3] !== hash('sha256', $body)) die('what arrived is not what was sent');
}
$s = stream_socket_client('tcp://127.0.0.1:8000', $number, $text, 5);
echo stream_socket_get_name($s, true), ' ', stream_socket_get_name($s, false), "\\n";
fclose($s);
$s = stream_socket_client('tcp://127.0.0.1:8000', $number, $text, 5,
                          STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT);
fwrite($s, "GET / HTTP/1.0\\r\\n\\r\\n");
if (!str_contains(stream_get_contents($s), '200 OK')) die('no answer');
@stream_socket_client('tcp://127.0.0.1:9', $number, $text, 5) and die('port 9 answers');
echo $number, "\\n";
"""


def serve(stage, **environment):
    stage.noise("big", 20_000_000)
    return stage.start("php", "-S", "127.0.0.1:8000", stage.file("router.php", ROUTER), port=8000,
                       env=environment)


def peer(stage, *options):
    address, number, port, _, worker = json.loads(
        stage.run("curl", "-sSf", *options, "http://127.0.0.1:8000/"))
    stage.equal("address and port", (address, port), ("127.0.0.1", "8000"))
    stage.check(number > 1024, f"the peer's port is {number}")
    return number, worker


@needs("php", "curl")
def scenario_php_and_curl(stage):
    server = serve(stage)
    peer(stage)
    before = stage.descriptors()
    stage.equal("different peers", len({peer(stage)[0] for _ in range(5)}), 5)
    for _ in range(3):
        stage.run("curl", "-sSf", "-o", stage.home / "copy", "http://127.0.0.1:8000/big")
        stage.same_file(stage.home / "big", stage.home / "copy")
    stage.keeps_descriptors(before)
    server.end(signal.SIGINT, [0, -2])
    stage.closed(8000)


@needs("php", "curl")
def scenario_php_workers(stage):
    """Forked workers wait at one listener; the first process is one of them."""
    server = serve(stage, PHP_CLI_SERVER_WORKERS=4)
    answers = [json.loads(line) for line in stage.ask_until_all_answer(
        "http://127.0.0.1:8000/", lambda line: json.loads(line)[4], 2)]
    stage.equal("addresses", {answer[0] for answer in answers}, {"127.0.0.1"})
    # As control and C do it: the first process waits for its workers.
    server.end(signal.SIGINT, [0, -2], group=True)
    stage.closed(8000)


@needs("php")
def scenario_php_as_client(stage):
    server = serve(stage)
    output = stage.run("php", stage.file("client.php", CLIENT))
    stage.matches(output, r"^127\.0\.0\.1:8000 127\.0\.0\.1:[1-9]\d{3,4}$")
    stage.matches(output, r"^111$")
    server.end(signal.SIGINT, [0, -2])
    stage.closed(8000)
