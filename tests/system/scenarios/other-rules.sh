# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Rules for Unix sockets that are there already, with abstract names and with other IP addresses.

# The program's own Unix sockets: one that it serves is systemd's, one that it asks is elsewhere.
scenario_from_unix() {
        file /srv/from-unix.py <<'END'
import os, socket
server = socket.socket(socket.AF_UNIX)
server.bind('/run/from-unix/old.sock')
server.listen()
print('own', server.getsockname(), os.path.exists('/run/from-unix/old.sock'), flush=True)
while True:
    client, _ = server.accept()
    backend = socket.socket(socket.AF_UNIX)
    backend.connect('/run/from-unix/backend.sock')
    print('peer', backend.getpeername(), flush=True)
    backend.sendall(client.recv(1000))
    while data := backend.recv(1000):
        client.sendall(data)
    client.close()
END
        server_unit path-backend 8000 </dev/null
        web_rules path-backend
        unit from-unix.service <<<$'[Service]\nExecStart=/usr/bin/python3 /srv/from-unix.py'
        rule_file from-unix <<'END'
[Rules]
Rule=in,from-unix=/run/from-*/old.sock,systemd=web
Rule=out,from-unix=**/backend.sock,path=/run/path-backend.sock

[Socket web]
ListenStream=/run/from-unix.sock
END
        reload
        start path-backend-http.socket from-unix-web.socket
        activates_on_unix from-unix.service /run/from-unix.sock listener=0.0.0.0:8000
        contains "$(journal from-unix.service)" "own /run/from-unix/old.sock False" \
                "peer /run/from-unix/backend.sock"
}

# Abstract names belong to the network namespace.
scenario_abstract() {
        ready_server path-abstract 8000 </dev/null
        rule_file path-abstract <<<$'[Rules]\nRule=in,tcp,abstract=path-abstract-%p'
        reload
        start path-abstract.service
        contains "$(curl -sS --fail --abstract-unix-socket path-abstract-8000 http://server/)" \
                listener=0.0.0.0:8000
        no_ip_sockets path-abstract.service
        systemctl stop path-abstract.service
        rule_file path-abstract <<'END'
[Rules]
Rule=in,tcp,abstract=path-abstract-%p

[Service]
PrivateNetwork=yes
END
        reload
        start path-abstract.service
        ! curl -sS --abstract-unix-socket path-abstract-8000 http://server/ 2>/dev/null ||
                fail "the name is seen from outside"
}

scenario_inet() {
        ready_server path-inet 8000 </dev/null
        rule_file path-inet <<<$'[Rules]\nRule=in,tcp,port=8000,inet=127.0.0.1:8080'
        reload
        start path-inet.service
        equal "what listens on IP" "$(ip_sockets)" 127.0.0.1:8080
        contains "$(get 127.0.0.1:8080)" listener=0.0.0.0:8000
}
