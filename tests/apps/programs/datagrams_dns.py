# SPDX-License-Identifier: LGPL-2.1-or-later
"""Name servers and what stands between them and their clients, asked over UDP and TCP."""

import signal

from stage import PATIENCE, needs, wait_until

# As many characters as one TXT record has, so often that the answer does not fit into a datagram.
CHUNK = "x" * 250
CHUNKS = 10

# For dig.
PATIENTLY = ("+tries=2", f"+time={PATIENCE // 2}")

ZONE = """$TTL 60
@ SOA ns hostmaster 1 60 60 600 60
  NS ns
ns A 127.0.0.1
host A 192.0.2.7
big TXT {big}
"""


def zone(stage):
    """A zone of its own: example.test."""
    return stage.file("example.zone", ZONE.format(big=" ".join([f'"{CHUNK}"'] * CHUNKS)))


def by_address(stage):
    """From now on, sockets of one port and several addresses are several Unix sockets."""
    stage.rule = f"path={stage.sockets}/%t-%a-%p.sock"
    stage.file_names = {kind: f"{kind}-127.0.0.1-{{}}.sock" for kind in stage.file_names}


def dig(stage, name, *options, server="127.0.0.1"):
    """Ask with dig; returns all that it says."""
    return stage.run("dig", f"@{server}", *PATIENTLY, name, *options)


def answers(stage, name, wanted, server="127.0.0.1", source=None):
    """Ask over UDP from the kernel's port and from one of our own, and over TCP."""
    for options, kind in (([], "UDP"), (["-b", f"{source or server}#5555"], "UDP"),
                          (["+tcp"], "TCP")):
        output = dig(stage, name, *options, server=server)
        stage.matches(output, rf"\s{wanted}$")
        stage.matches(output, rf"^;; SERVER: {server}#53\({server}\) \({kind}\)$")


def answers_big(stage, name):
    """A long answer: in one datagram, cut, and over TCP."""
    whole = dig(stage, name, "TXT", "+bufsize=4096", "+notcp", "+ignore")
    stage.equal("chunks in a datagram", whole.count(CHUNK), CHUNKS)
    stage.matches(whole, r"\(UDP\)$")
    cut = dig(stage, name, "TXT", "+bufsize=512", "+notcp", "+ignore")
    stage.matches(cut, r"^;; flags: .*\btc\b")
    again = dig(stage, name, "TXT", "+bufsize=512")
    stage.equal("chunks over TCP", again.count(CHUNK), CHUNKS)
    stage.matches(again, r"\(TCP\)$")


def answers_many(stage, port=53):
    """A batch of questions, each from a socket of its own."""
    path = stage.file("batch", "host.example.test A\n" * 300)
    output = stage.run("dig", "@127.0.0.1", "-p", str(port), *PATIENTLY, "+short", "-f", path)
    stage.equal("answers", output.split(), ["192.0.2.7"] * 300)


def ends(stage, server, *statuses, udp=(53,), tcp=(53,)):
    server.end(signal.SIGTERM, [*statuses, 0])
    stage.closed(*tcp, udp=udp)


DNSMASQ = ("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
           "--pid-file=", "--user=root", "--log-queries", "--log-facility=-",
           "--edns-packet-max=4096", "--host-record=host.example.test,192.0.2.7",
           f"--txt-record=big.example.test,{','.join([CHUNK] * CHUNKS)}")


def killed_with_children(stage, server):
    """dnsmasq ends its children, one for each connection, by a signal."""
    server.end(signal.SIGTERM, [0])
    stage.stale(5353, udp=(5353,))


@needs("dnsmasq", "dig")
def scenario_dnsmasq(stage):
    """One socket for all addresses, so that it looks for the address asked and the interface."""
    stage.go_datagram()
    server = stage.start(*DNSMASQ, port=53, udp=53)
    # It listens before all of its descriptors are open.
    dig(stage, "host.example.test")
    before = stage.descriptors()
    answers(stage, "host.example.test", r"192\.0\.2\.7")
    answers_big(stage, "big.example.test")
    answers_many(stage)
    server.says(r"query\[A\] host\.example\.test from 127\.0\.0\.1$")
    stage.keeps_descriptors(before)
    ends(stage, server)


@needs("dnsmasq", "dig")
def scenario_dnsmasq_addresses(stage):
    """A socket for each address of each family, and forwards to another one behind it."""
    stage.go_datagram()
    by_address(stage)
    behind = stage.start(*DNSMASQ, "--listen-address=127.0.0.1", "--bind-interfaces", "--port=5353",
                         port=5353, udp=5353)
    server = stage.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
                         "--no-hosts", "--pid-file=", "--user=root", "--log-queries",
                         "--log-facility=-", "--listen-address=127.0.0.1,::1", "--bind-interfaces",
                         "--server=127.0.0.1#5353", "--cache-size=0", port=53,
                         udp=53)
    dig(stage, "host.example.test")
    before = stage.descriptors()
    answers(stage, "host.example.test", r"192\.0\.2\.7")
    answers(stage, "host.example.test", r"192\.0\.2\.7", server="::1")
    answers_many(stage)
    server.says(r"query\[A\] host\.example\.test from ::1$")
    server.says(r"forwarded host\.example\.test to 127\.0\.0\.1#5353$")
    behind.says(r"query\[A\] host\.example\.test from 127\.0\.0\.1$")
    stage.keeps_descriptors(before)
    ends(stage, server)
    ends(stage, behind, tcp=(5353,), udp=(5353,))


UNBOUND = """
server:
        interface: 127.0.0.1
        interface: ::1
        access-control: 127.0.0.0/8 allow
        access-control: ::1 allow
        do-daemonize: no
        use-syslog: no
        logfile: ""
        log-queries: yes
        log-replies: yes
        log-time-ascii: no
        username: ""
        chroot: ""
        directory: "{home}"
        pidfile: ""
        module-config: "iterator"
        num-threads: 3
        so-reuseport: yes
        do-not-query-localhost: no
        local-zone: "test." nodefault
        domain-insecure: "test."
        cache-max-ttl: 0
remote-control:
        control-enable: yes
        control-interface: 127.0.0.1
        control-port: 8953
        control-use-cert: no
forward-zone:
        name: "."
        forward-addr: 127.0.0.1@5353
"""


@needs("unbound", "unbound-control", "dnsmasq", "dig", "drill")
def scenario_unbound(stage):
    """A socket for each thread, with SO_REUSEPORT; forwards from random ports."""
    stage.go_datagram()
    behind = stage.start(*DNSMASQ, "--port=5353", port=5353, udp=5353)
    path = stage.file("unbound.conf", UNBOUND.format(home=stage.home))
    server = stage.start("unbound", "-d", "-c", path, port=8953, udp=53)
    server.says("start of service")
    answers(stage, "host.example.test", r"192\.0\.2\.7")
    answers_many(stage)
    answers_big(stage, "big.example.test")
    for options in ([], ["-t"]):
        output = stage.run("drill", *options, "@127.0.0.1", "host.example.test")
        stage.matches(output, r"\s192\.0\.2\.7$")
        stage.matches(output, r"^;; SERVER: 127\.0\.0\.1$")
    server.says(r"info: 127\.0\.0\.1 host\.example\.test\. A IN$")
    total = stage.run("unbound-control", "-c", path, "stats_noreset")
    stage.check(int(stage.matches(total, r"^total\.num\.queries=(\d+)")[1]) >= 300, total)
    ends(stage, server, tcp=(53, 8953))
    killed_with_children(stage, behind)


NAMED = """
key rndc {{ algorithm hmac-sha256; secret "c2VjcmV0"; }};
controls {{ inet 127.0.0.1 port 953 allow {{ 127.0.0.1; }} keys {{ rndc; }}; }};
options {{
        directory "{home}";
        pid-file none;
        session-keyfile none;
        listen-on port 53 {{ 127.0.0.1; }};
        listen-on-v6 port 53 {{ ::1; }};
        recursion no;
        max-udp-size 4096;
        dnssec-validation no;
        allow-transfer {{ 127.0.0.1; }};
        notify explicit;
        also-notify {{ 127.0.0.1 port 5353; }};
        notify-delay 0;
        serial-query-rate 1000;
}};
logging {{
        channel out {{ stderr; severity info; print-category yes; }};
        category default {{ out; }};
        category queries {{ out; }};
}};
zone "example.test" {{
        type primary; file "example.zone"; allow-update {{ 127.0.0.1; }};
}};
"""
RNDC = """
key rndc { algorithm hmac-sha256; secret "c2VjcmV0"; };
options { default-key rndc; default-server 127.0.0.1; default-port 953; };
"""
NSD = """
server:
        ip-address: 127.0.0.1@5353
        server-count: 2
        username: ""
        chroot: ""
        zonesdir: "{home}"
        database: ""
        pidfile: ""
        zonelistfile: "{home}/zone.list"
        xfrdfile: "{home}/xfrd.state"
        xfrdir: "{home}"
        verbosity: 2
remote-control:
        control-enable: no
zone:
        name: example.test
        zonefile: secondary.zone
        allow-notify: 127.0.0.1 NOKEY
        request-xfr: 127.0.0.1@53 NOKEY
"""


@needs("/usr/sbin/named", "/usr/sbin/nsd", "rndc", "nsupdate", "dig")
def scenario_named_and_nsd(stage):
    """A dynamic update, of which the secondary hears by NOTIFY, and which it then fetches."""
    stage.go_datagram()
    by_address(stage)
    zone(stage)
    primary = stage.start("/usr/sbin/named", "-g", "-n", "2", "-c",
                          stage.file("named.conf", NAMED.format(home=stage.home)), port=953, udp=53)
    primary.says("all zones loaded")
    secondary = stage.start("/usr/sbin/nsd", "-d", "-c",
                            stage.file("nsd.conf", NSD.format(home=stage.home)), port=5353,
                            udp=5353)

    def holds(name, address):
        return address in dig(stage, name, "-p", "5353", "+short").split()

    wait_until(lambda: holds("host.example.test", "192.0.2.7"), "the secondary has the zone")
    answers(stage, "host.example.test", r"192\.0\.2\.7")
    answers(stage, "host.example.test", r"192\.0\.2\.7", server="::1")
    answers_big(stage, "big.example.test")
    answers_many(stage)
    answers_many(stage, 5353)
    stage.run("nsupdate", input="server 127.0.0.1 53\nupdate add new.example.test 60 A 192.0.2.9\n"
                                "send\n")
    wait_until(lambda: holds("new.example.test", "192.0.2.9"), "the secondary has the update")
    primary.says(r"@0x\w+ 127\.0\.0\.1#[1-9]\d+ \(host\.example\.test\): query")
    primary.says(r"@0x\w+ ::1#[1-9]\d+ \(host\.example\.test\): query")
    primary.says(r"transfer of 'example\.test/IN': IXFR ended|"
                 r"transfer of 'example\.test/IN': AXFR.* ended")
    rndc = ["rndc", "-c", stage.file("rndc.conf", RNDC)]
    stage.matches(stage.run(*rndc, "status"), "server is up and running")
    ends(stage, secondary, tcp=(5353,), udp=(5353,))
    stage.run(*rndc, "stop")
    stage.equal("named's exit status", primary.wait(), 0)
    stage.closed(53, 953, udp=(53,))


KNOT = """
server:
    rundir: "{home}"
    listen: [ 127.0.0.1@5353, ::1@5353 ]
    udp-workers: 3
    tcp-workers: 1
    udp-max-payload: 4096
database:
    storage: "{home}/knot"
log:
  - target: stderr
    any: info
zone:
  - domain: example.test
    storage: "{home}"
    file: example.zone
    zonefile-sync: -1
"""
DNSDIST = """
setSecurityPollSuffix('')
setLocal('127.0.0.1:53', {reusePort=true})
addLocal('127.0.0.1:53', {reusePort=true})
addLocal('[::1]:53')
setUDPTimeout(20)
newServer({address='127.0.0.1:5353', sockets=4, name='knot', checkName='host.example.test.',
           checkTimeout=20000})
newServer({address='127.0.0.1:5354', name='dead', checkName='host.example.test.', checkInterval=1})
setServerPolicy(firstAvailable)
"""


@needs("knotd", "dnsdist", "dig")
def scenario_knot_behind_dnsdist(stage):
    """Many messages in one call, on one side; connected sockets and a dead server on the other."""
    stage.go_datagram()
    by_address(stage)
    zone(stage)
    stage.directory("knot")
    knot = stage.start("knotd", "-c", stage.file("knot.conf", KNOT.format(home=stage.home)),
                       port=5353, udp=5353)
    front = stage.start("dnsdist", "--supervised", "--disable-syslog", "-C",
                        stage.file("dnsdist.conf", DNSDIST), port=53, udp=53)
    front.says("Marking downstream knot .* as 'up'")
    front.says("Marking downstream dead .* as 'down'")
    answers_many(stage, 5353)
    answers(stage, "host.example.test", r"192\.0\.2\.7")
    answers(stage, "host.example.test", r"192\.0\.2\.7", server="::1")
    answers_big(stage, "big.example.test")
    answers_many(stage)
    front.end(signal.SIGTERM, [0, -15])
    stage.stale(53, udp=(53,))
    for kind in ("tcp", "udp"):
        (stage.sockets / f"{kind}-::1-53.sock").unlink(missing_ok=True)
    knot.end(signal.SIGTERM, [0])
    stage.closed(5353, udp=(5353,))


NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root; daemon off; master_process on; worker_processes 2; pid {home}/nginx.pid;
error_log stderr info;
events {{ }}
stream {{
        log_format seen '$protocol $remote_addr $remote_port $server_addr $server_port '
                        '$upstream_addr $bytes_received';
        access_log {home}/logs/access.log seen;
        proxy_timeout 20s;
        proxy_responses 1;
        server {{ listen 53 udp reuseport; proxy_pass 127.0.0.1:5353; }}
        server {{ listen 127.0.0.1:53; proxy_pass 127.0.0.1:5353; }}
}}
"""


@needs("/usr/sbin/nginx", "/usr/lib/nginx/modules/ngx_stream_module.so", "dnsmasq", "dig")
def scenario_nginx_stream(stage):
    """Sessions told apart by the client's address, and a socket for each worker."""
    stage.go_datagram()
    behind = stage.start(*DNSMASQ, "--port=5353", port=5353, udp=5353)
    path = stage.file("nginx.conf", NGINX.format(home=stage.home))
    server = stage.start("/usr/sbin/nginx", "-c", path, port=53, udp=53)
    server.says("start worker process ")
    wait_until(lambda: "192.0.2.7" in dig(stage, "host.example.test"), "nginx passes on")
    answers(stage, "host.example.test", r"192\.0\.2\.7")
    answers_big(stage, "big.example.test")
    answers_many(stage)
    server.end(signal.SIGQUIT, [0])
    stage.closed(53, udp=(53,))
    killed_with_children(stage, behind)
    seen = (stage.logs / "access.log").read_text().splitlines()
    for line in seen:
        stage.matches(line, r"^(UDP|TCP) 127\.0\.0\.1 [1-9]\d{3,4} 127\.0\.0\.1 53 "
                            r"127\.0\.0\.1:5353 ")
    stage.check(sum(line.startswith("UDP") for line in seen) >= 300, f"{len(seen)} sessions")
