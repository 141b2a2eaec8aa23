# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sockets of more languages and libraries: Tcl, GLib's GIO, Perl's Net::Server."""

import signal

from stage import needs, wait_until

TCL = """
proc serve {s host port} {
    fconfigure $s -translation binary -buffering none
    puts $s "[fconfigure $s -peername] [fconfigure $s -sockname]"
    close $s
}
socket -server serve -myaddr 127.0.0.1 7000
proc arrived {s} {
    global done
    if {[fconfigure $s -error] ne ""} { puts "error [fconfigure $s -error]"; exit 1 }
    puts "client [fconfigure $s -peername] [fconfigure $s -sockname]"
    puts "server [gets $s]"
    close $s
    incr done
}
for {set i 0} {$i < 3} {incr i} {
    set s [socket -async 127.0.0.1 7000]
    fileevent $s readable [list arrived $s]
    vwait done
}
# Who is refused may know it at once.
if {[catch {socket -async 127.0.0.1 9} s]} { puts $s; exit }
fileevent $s writable [list refused $s]
proc refused {s} { global end; puts [fconfigure $s -error]; set end 1 }
vwait end
"""


@needs("tclsh")
def scenario_tcl(stage):
    """Connects without waiting, and asks for what went wrong by SO_ERROR."""
    output = stage.run("tclsh", stage.file("both.tcl", TCL))
    stage.matches(output, r"^client 127\.0\.0\.1 \S+ 7000 127\.0\.0\.1 \S+ [1-9]\d{3,4}$")
    stage.matches(output, r"^server 127\.0\.0\.1 \S+ [1-9]\d{3,4} 127\.0\.0\.1 \S+ 7000$")
    stage.matches(output, "connection refused$")


GIO = """
import sys
from gi.repository import Gio, GLib

def text(address):
    return f"{address.get_address().to_string()} {address.get_port()}"

loop = GLib.MainLoop()
service = Gio.ThreadedSocketService.new(4)
service.add_address(Gio.InetSocketAddress.new_from_string("127.0.0.1", 7000), Gio.SocketType.STREAM,
                    Gio.SocketProtocol.TCP, None)
def run(service, connection, source):
    line = f"{text(connection.get_remote_address())} {text(connection.get_local_address())}"
    connection.get_output_stream().write_all(line.encode())
    connection.close()
    return True
service.connect("run", run)
service.start()
client = Gio.SocketClient()
def connected(client, result):
    connection = client.connect_to_host_finish(result)
    print("client", connection.get_socket().get_family().value_nick,
          text(connection.get_remote_address()), text(connection.get_local_address()))
    data = connection.get_input_stream().read_bytes(100).get_data().decode()
    print("server", data, flush=True)
    try:
        Gio.SocketClient().connect_to_host("127.0.0.1:9", 9)
    except GLib.Error as error:
        print(error.code == Gio.IOErrorEnum.CONNECTION_REFUSED)
    loop.quit()
client.connect_to_host_async("127.0.0.1:7000", 7000, None, connected)
GLib.timeout_add_seconds(60, loop.quit)
loop.run()
service.close()
"""


@needs("/usr/lib/python3/dist-packages/gi/__init__.py")
def scenario_gio(stage):
    output = stage.run("python3", stage.file("both.py", GIO))
    stage.matches(output, r"^client ipv4 127\.0\.0\.1 7000 127\.0\.0\.1 [1-9]\d{3,4}$")
    stage.matches(output, r"^server 127\.0\.0\.1 [1-9]\d{3,4} 127\.0\.0\.1 7000$")
    stage.matches(output, "^True$")


PSGI = """
sub {
    my $env = shift;
    [200, [], ["$env->{REMOTE_ADDR} $env->{REMOTE_PORT} $env->{SERVER_PORT} $$\\n"]]
}
"""


@needs("starman", "curl")
def scenario_starman_restart(stage):
    """Forked workers; HUP executes it anew with its listener."""
    server = stage.start("starman", "--listen", "127.0.0.1:5000", "--workers", "3",
                         stage.file("app.psgi", PSGI), port=5000)

    def ask_many():
        lines = stage.ask_many("http://127.0.0.1:5000/", 100)
        for line in lines:
            stage.matches(line, r"^127\.0\.0\.1 [1-9]\d{3,4} 5000 \d+$")
        return {line.split()[3] for line in lines}

    before = wait_until(ask_many, "answers")
    server.tell(signal.SIGHUP)
    wait_until(lambda: not before & ask_many(), "new workers answer")
    server.end(signal.SIGTERM, [0])
    stage.closed(5000)
