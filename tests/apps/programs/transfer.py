# SPDX-License-Identifier: LGPL-2.1-or-later
"""File transfer: FTP with its data connections, rsync's daemon, git's, wget from lighttpd."""

import os
import signal
import subprocess

from stage import needs

VSFTPD = """
listen=YES
listen_address=127.0.0.1
background=NO
anonymous_enable=NO
local_enable=YES
write_enable=YES
local_root={home}/files
pam_service_name=apps-ftp
seccomp_sandbox=NO
xferlog_enable=YES
log_ftp_protocol=YES
vsftpd_log_file={home}/logs/vsftpd.log
syslog_enable=NO
connect_from_port_20={from_20}
secure_chroot_dir={home}/empty
check_shell=NO
"""
PAM = """
auth required pam_permit.so
account required pam_permit.so
session required pam_permit.so
"""


def over_ftp(stage, *options):
    login = ["curl", "-sSf", "--user", "www-data:x", *options]
    stage.matches(stage.run(*login, "ftp://127.0.0.1/"), r" big$")
    stage.run(*login, "-o", stage.home / "copy", "ftp://127.0.0.1/big")
    stage.same_file(stage.home / "files/big", stage.home / "copy")
    stage.run(*login, "-T", stage.home / "files/big", "ftp://127.0.0.1/uploaded")
    stage.same_file(stage.home / "files/big", stage.home / "files/uploaded")
    os.unlink(stage.home / "files/uploaded")


def vsftpd(stage, from_20):
    stage.directory("files", "www-data")
    stage.directory("empty")
    stage.noise("files/big", 20_000_000)
    # The mounts of this scenario are its own.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/etc/pam.d"], check=True)
    with open("/etc/pam.d/apps-ftp", "w", encoding="utf-8") as service:
        service.write(PAM)
    # What binds and connects has changed its root to an empty directory: no path leads out of it.
    stage.go_abstract()
    path = stage.file("vsftpd.conf", VSFTPD.format(home=stage.home, from_20=from_20))
    return stage.start("vsftpd", path, port=21)


@needs("vsftpd", "curl")
def scenario_ftp_passive(stage):
    """The server binds a port of the kernel's choice for each transfer, and tells it the client."""
    server = vsftpd(stage, "NO")
    for options in (["--ftp-pasv", "--disable-epsv"], ["--ftp-pasv"]):
        over_ftp(stage, *options)
    log = (stage.logs / "vsftpd.log").read_text()
    stage.matches(log, r'CONNECT: Client "127\.0\.0\.1"')
    stage.matches(log, r"227 Entering Passive Mode \(127,0,0,1,\d+,\d+\)")
    server.end(signal.SIGTERM, [0, -15])
    stage.closed(21)


@needs("vsftpd", "curl")
def scenario_ftp_active(stage):
    """The client listens, and the server connects to it."""
    server = vsftpd(stage, "NO")
    for options in (["--ftp-port", "127.0.0.1", "--disable-eprt"], ["--ftp-port", "127.0.0.1"]):
        over_ftp(stage, *options)
    server.end(signal.SIGTERM, [0, -15])
    stage.closed(21)


@needs("vsftpd", "curl")
def scenario_ftp_active_from_port_20(stage):
    """A client that binds before it connects."""
    server = vsftpd(stage, "YES")
    over_ftp(stage, "--ftp-port", "127.0.0.1")
    server.end(signal.SIGTERM, [0, -15])
    stage.closed(21)


RSYNCD = """
address = 127.0.0.1
port = 873
use chroot = no
log file = {home}/logs/rsyncd.log
pid file = {home}/rsyncd.pid
reverse lookup = no
[files]
path = {home}/files
read only = no
hosts allow = 127.0.0.1
hosts deny = *
uid = root
gid = root
"""


@needs("rsync")
def scenario_rsync_daemon(stage):
    for number in range(50):
        stage.noise(f"files/{number % 7}/{number}", 200_000)
    path = stage.file("rsyncd.conf", RSYNCD.format(home=stage.home))
    server = stage.start("rsync", "--daemon", "--no-detach", f"--config={path}", port=873)
    before = stage.descriptors()
    stage.run("rsync", "-a", "rsync://127.0.0.1/files/", f"{stage.home}/copy/")
    stage.run("diff", "-r", stage.home / "files", stage.home / "copy", rules=False)
    stage.noise("copy/more", 5_000_000)
    stage.run("rsync", "-a", "--delete", f"{stage.home}/copy/", "rsync://127.0.0.1/files/")
    stage.run("diff", "-r", stage.home / "files", stage.home / "copy", rules=False)
    stage.matches((stage.logs / "rsyncd.log").read_text(), r"connect from \S+ \(127\.0\.0\.1\)")
    stage.keeps_descriptors(before)
    server.end(signal.SIGTERM, [0, 20])
    stage.closed(873)


@needs("git")
def scenario_git_daemon(stage):
    """The daemon executes a program for each client, with the connection as its streams."""
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c",
           "init.defaultBranch=main", "-c", "safe.directory=*"]
    one = stage.home / "one"
    stage.run(*git, "init", "-q", one, rules=False)
    stage.noise("one/file", 5_000_000)
    stage.run(*git, "-C", one, "add", "file", rules=False)
    stage.run(*git, "-C", one, "commit", "-q", "-m", "first", rules=False)
    server = stage.start("git", "daemon", "--listen=127.0.0.1", "--port=9418", "--export-all",
                         "--verbose", "--log-destination=stderr", "--enable=receive-pack",
                         f"--base-path={stage.home}", port=9418,
                         env={"GIT_CONFIG_COUNT": 1, "GIT_CONFIG_KEY_0": "safe.directory",
                              "GIT_CONFIG_VALUE_0": "*"})
    before = stage.descriptors()
    stage.run(*git, "clone", "-q", "git://127.0.0.1/one", stage.home / "two")
    stage.same_file(one / "file", stage.home / "two/file")
    server.says(r"Connection from 127\.0\.0\.1:[1-9]\d+")
    stage.noise("two/more", 5_000_000)
    stage.run(*git, "-C", stage.home / "two", "add", "more", rules=False)
    stage.run(*git, "-C", stage.home / "two", "commit", "-q", "-m", "second", rules=False)
    stage.run(*git, "-C", stage.home / "two", "push", "-q", "origin", "HEAD:refs/heads/other")
    stage.equal("what was pushed", stage.run(*git, "-C", one, "rev-parse", "other", rules=False),
                stage.run(*git, "-C", stage.home / "two", "rev-parse", "HEAD", rules=False))
    stage.keeps_descriptors(before)
    server.end(signal.SIGTERM, [0, -15])
    stage.stale(9418)


LIGHTTPD = """
server.document-root = "{home}/www"
server.bind = "127.0.0.1"
server.port = 80
mimetype.assign = (".html" => "text/html")
index-file.names = ("index.html")
server.modules = ("mod_accesslog", "mod_cgi", "mod_proxy")
accesslog.filename = "{home}/logs/lighttpd-access.log"
accesslog.format = "%h %a %p"
server.errorlog = "{home}/logs/lighttpd-error.log"
cgi.assign = (".sh" => "/bin/sh")
$SERVER["socket"] == "[::1]:81" {{ proxy.server = ("" => (("host" => "127.0.0.1", "port" => 80))) }}
"""


@needs("lighttpd", "wget", "curl")
def scenario_lighttpd_and_wget(stage):
    stage.noise("www/big", 20_000_000)
    for name in "abcdef":
        stage.file(f"www/{name}.html", f'<a href="big">{name}</a>')
    stage.file("www/index.html", "".join(f'<a href="{n}.html">{n}</a>' for n in "abcdef"))
    stage.file("www/who.sh",
               'printf "Status: 200\\n\\n$REMOTE_ADDR $REMOTE_PORT $SERVER_ADDR $SERVER_PORT\\n"\n')
    path = stage.file("lighttpd.conf", LIGHTTPD.format(home=stage.home))
    server = stage.start("lighttpd", "-D", "-f", path, port=81)
    stage.matches(stage.run("wget", "-q", "-O", "-", "http://127.0.0.1/who.sh"),
                  r"^127\.0\.0\.1 [1-9]\d+ 127\.0\.0\.1 80$")
    # It listens before it has opened all that it keeps.
    before = stage.descriptors()
    stage.run("wget", "-q", "-r", "-nH", "-e", "robots=off", "-P", stage.home / "mirror",
              "http://127.0.0.1/")
    stage.run("diff", "-r", "-x", "who.sh", stage.home / "www", stage.home / "mirror", rules=False)
    stage.run("wget", "-q", "-O", stage.home / "copy", "http://[::1]:81/big")
    stage.same_file(stage.home / "www/big", stage.home / "copy")
    stage.keeps_descriptors(before)
    server.end(signal.SIGINT, [0])
    stage.closed(80, 81)
    log = (stage.logs / "lighttpd-access.log").read_text().splitlines()
    stage.equal("peers", {line.split()[0] for line in log} - {"::1"}, {"127.0.0.1"})
