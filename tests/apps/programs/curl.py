# SPDX-License-Identifier: LGPL-2.1-or-later
"""curl's ways to make a connection, some of which bind a port or name an interface before."""

from stage import needs


@needs("curl", "wget", "python3")
def scenario_curl_ways_to_connect(stage):
    page = stage.noise("www/page", 300_000)
    server = stage.start("python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory",
                         stage.home / "www", "8000", port=8000)
    url = "http://127.0.0.1:8000/page"
    ways = (
        ([], "127.0.0.1", None),
        (["--tcp-fastopen"], "127.0.0.1", None),
        (["--local-port", "20000-20010"], "127.0.0.1", "20000"),
        (["--interface", "lo"], "127.0.0.1", None),
        (["--interface", "127.0.0.5"], "127.0.0.5", None),
        (["--interface", "127.0.0.5", "--local-port", "20020"], "127.0.0.5", "20020"),
        (["--keepalive-time", "5", "--no-tcp-nodelay"], "127.0.0.1", None),
        (["--connect-timeout", "60"], "127.0.0.1", None),
        (["--resolve", "name.example:8000:127.0.0.1"], "127.0.0.1", None),
    )
    for options, address, port in ways:
        told = stage.run("curl", "-sSf", *options, "-o", "copy", "-w", "%{local_ip} %{local_port}",
                         url if "--resolve" not in options else "http://name.example:8000/page")
        stage.matches(told, rf"^{address} {port or '[1-9][0-9]{3,4}'}$")
        stage.same_file(page, "copy")
    stage.run("wget", "-q", "-O", "copy", "--bind-address=127.0.0.1", url)
    stage.same_file(page, "copy")
    server.end()
    stage.stale(8000)
