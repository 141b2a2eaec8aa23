# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Services that make their Unix sockets themselves, and services that are clients of Unix sockets.

# ready_server NAME ARGUMENT...: as server_unit; when it has started, its sockets listen.
ready_server() {
        local name=$1
        shift
        { echo Type=notify; cat; } | server_unit "$name" --notify "$@"
}

# path_rules NAME OPTIONS [LINE]...: port 8000 is served on /run/NAME/http.sock.
path_rules() {
        local name=$1 options=$2
        shift 2
        rule_file "$name" <<END
[Rules]
Rule=in,tcp,port=8000,path=/run/$name/http.sock$options
Rule=in,reject

$(printf '%s\n' "$@")
END
}

# The client's side: asks port 8000 of a host and logs the answer.
client_unit() { # client_unit NAME HOST
        unit "$1.service" <<END
[Service]
Type=oneshot
ExecStart=/usr/bin/curl -sS --fail --max-time 10 http://$2:8000/
END
}

has_rights() { # has_rights FILE "MODE USER GROUP"
        equal "rights of $1" "$(stat -c '%a %U %G' "$1")" "$2"
}

is_gone() { [[ ! -e $1 ]] || fail "$1 is still there"; }

is_socket() { [[ -S $1 ]] || fail "$1 is no socket"; }

directory() { # directory PATH: removed after the scenario
        mkdir -p "$1"
        echo "$1" >>"$STATE/files"
}

# The most that systemd takes away from a service leaves it its runtime directory.
scenario_path_in_runtime_directory() {
        ready_server path-runtime 8000 <<<'RuntimeDirectory=path-runtime'
        path_rules path-runtime ,mode=0666 '[Service]' DynamicUser=yes PrivateNetwork=yes \
                RestrictAddressFamilies=AF_UNIX
        reload
        start path-runtime.service
        contains "$(get /run/path-runtime/http.sock)" listener=0.0.0.0:8000 own=127.0.0.1:8000 \
                peer=127.0.0.1:
        no_ip_sockets path-runtime.service
        has_private_network path-runtime.service
        has_rights /run/path-runtime/http.sock "666 path-runtime path-runtime"
        systemctl stop path-runtime.service
        is_gone /run/path-runtime/http.sock
}

# About everything that a unit can give up, on both sides.
scenario_path_locked_down() {
        local locks
        mapfile -t locks <<'END'
[Service]
DynamicUser=yes
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
ProtectSystem=strict
ProtectProc=invisible
ProcSubset=pid
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
END
        ready_server path-locked 8000 <<<'RuntimeDirectory=path-locked'
        path_rules path-locked ,mode=0660,group=www-data "${locks[@]}" \
                SupplementaryGroups=www-data
        client_unit path-locked-client 127.0.0.1
        rule_file path-locked-client <<END
[Rules]
Rule=out,tcp,port=8000,path=/run/path-locked/http.sock

$(printf '%s\n' "${locks[@]}")
SupplementaryGroups=www-data
END
        reload
        start path-locked.service
        has_rights /run/path-locked/http.sock "660 path-locked www-data"
        start path-locked-client.service
        contains "$(journal path-locked-client.service)" listener=0.0.0.0:8000
        systemctl stop path-locked.service
        is_gone /run/path-locked/http.sock
}

# The paths of rules are those that the service sees. (/run is an empty one of its own in there.)
scenario_path_in_root_directory() {
        make_root /srv/path-root "$SERVER"
        ready_server path-root 8000 <<<$'RootDirectory=/srv/path-root\nBindPaths=/run/systemd/notify'
        rule_file path-root <<<$'[Rules]\nRule=in,tcp,port=8000,path=/var/http.sock,mode=0600'
        reload
        start path-root.service
        contains "$(get /srv/path-root/var/http.sock)" listener=0.0.0.0:8000
        is_gone /var/http.sock
        systemctl stop path-root.service
        is_gone /srv/path-root/var/http.sock
}

scenario_path_with_rights() {
        directory /run/path-rights
        ready_server path-rights 8000 </dev/null
        path_rules path-rights ,mode=0660,user=daemon,group=www-data
        reload
        start path-rights.service
        has_rights /run/path-rights/http.sock "660 daemon www-data"
        contains "$(get /run/path-rights/http.sock)" listener=0.0.0.0:8000
        # Removed by the service, since nobody else would.
        systemctl stop path-rights.service
        is_gone /run/path-rights/http.sock
}

# A service's umask is 0022 (systemd.exec(5)): who is not the owner has no right to connect.
scenario_path_with_umask() {
        directory /run/path-umask
        ready_server path-umask 8000 </dev/null
        path_rules path-umask ''
        reload
        start path-umask.service
        has_rights /run/path-umask/http.sock "755 root root"
        systemctl stop path-umask.service
        ready_server path-umask 8000 <<<'UMask=0007'
        reload
        start path-umask.service
        has_rights /run/path-umask/http.sock "770 root root"
}

scenario_path_noremove() {
        directory /run/path-noremove
        ready_server path-noremove 8000 </dev/null
        path_rules path-noremove ,noremove
        reload
        start path-noremove.service
        systemctl stop path-noremove.service
        is_socket /run/path-noremove/http.sock
        start path-noremove.service
        contains "$(get /run/path-noremove/http.sock)" listener=0.0.0.0:8000
}

# A killed server leaves its file behind, and the next one replaces it.
scenario_path_after_kill() {
        directory /run/path-killed
        ready_server path-killed 8000 </dev/null
        path_rules path-killed ''
        reload
        start path-killed.service
        systemctl kill --signal=KILL path-killed.service
        wait_until 5 state_is_failed path-killed.service
        is_socket /run/path-killed/http.sock
        start path-killed.service
        contains "$(get /run/path-killed/http.sock)" listener=0.0.0.0:8000
        systemctl restart path-killed.service
        contains "$(get /run/path-killed/http.sock)" listener=0.0.0.0:8000
        systemctl stop path-killed.service
        is_gone /run/path-killed/http.sock
}

# The first process ends once the second listens: its end removes nothing.
scenario_path_of_daemon() {
        directory /run/path-daemon
        server_unit path-daemon --fork 8000 <<<'Type=forking'
        path_rules path-daemon ''
        reload
        start path-daemon.service
        contains "$(get /run/path-daemon/http.sock)" listener=0.0.0.0:8000
        no_ip_sockets path-daemon.service
        systemctl stop path-daemon.service
        is_gone /run/path-daemon/http.sock
}

# Each instance on a file of its own.
scenario_path_of_template() {
        directory /run/path-instances
        unit path-app@.service <<END
[Service]
Type=notify
ExecStart=$SERVER --notify 8000 8001
END
        rule_file path-app <<'END'
[Rules]
Unit=path-app@.service
Rule=in,tcp,path=/run/path-instances/%i-%p-%t.sock
END
        reload
        start path-app@one.service path-app@two.service
        contains "$(get /run/path-instances/one-8000-tcp.sock)" listener=0.0.0.0:8000
        contains "$(get /run/path-instances/two-8001-tcp.sock)" listener=0.0.0.0:8001
        no_ip_sockets path-app@one.service
        systemctl stop path-app@one.service
        is_gone /run/path-instances/one-8000-tcp.sock
        is_socket /run/path-instances/two-8000-tcp.sock
}

# One path for several addresses: the first has it, the others seem to listen.
scenario_path_twice() {
        directory /run/path-twice
        ready_server path-twice 127.0.0.1:8000 8000 </dev/null
        path_rules path-twice ''
        reload
        start path-twice.service
        contains "$(get /run/path-twice/http.sock)" listener=127.0.0.1:8000
        no_ip_sockets path-twice.service
        systemctl stop path-twice.service
        is_gone /run/path-twice/http.sock
}

scenario_path_with_credentials() {
        directory /run/path-peer
        ready_server path-peer 8000 </dev/null
        path_rules path-peer ,mode=0666,peer=credentials
        reload
        start path-peer.service
        # User 1 is daemon.
        contains "$(setpriv --reuid=1 --clear-groups curl -sS --unix-socket \
                /run/path-peer/http.sock http://server/)" peer=127.0.0.1:
        contains "$(setpriv --reuid=300 --clear-groups curl -sS --unix-socket \
                /run/path-peer/http.sock http://server/)" peer=127.0.1.44:
}

# Debian's own unit: its test binds before the start, and again at each reload.
scenario_path_of_nginx() {
        file /var/www/html/path-nginx.html <<<"hello from nginx"
        rule_file nginx <<'END'
[Rules]
Rule=in,tcp,port=80,path=/run/path-nginx/http.sock,mode=0660,group=www-data
Rule=in,reject

[Service]
RuntimeDirectory=path-nginx
PrivateNetwork=yes
END
        reload
        start nginx.service
        contains "$(get /run/path-nginx/http.sock /path-nginx.html)" "hello from nginx"
        has_rights /run/path-nginx/http.sock "660 root www-data"
        systemctl reload nginx.service
        contains "$(get /run/path-nginx/http.sock /path-nginx.html)" "hello from nginx"
        no_ip_sockets nginx.service
        systemctl restart nginx.service
        contains "$(get /run/path-nginx/http.sock /path-nginx.html)" "hello from nginx"
        systemctl stop nginx.service
        is_gone /run/path-nginx/http.sock
}

# Beside a socket of systemd's, in the same service.
scenario_path_beside_socket() {
        directory /run/path-beside
        ready_server path-beside 8000 8001 </dev/null
        rule_file path-beside <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=http
Rule=in,tcp,port=8001,path=/run/path-beside/metrics.sock

[Socket http]
ListenStream=/run/path-beside/http.sock
END
        reload
        start path-beside-http.socket
        activates_on_unix path-beside.service /run/path-beside/http.sock listener=0.0.0.0:8000
        contains "$(get /run/path-beside/metrics.sock)" listener=0.0.0.0:8001
        systemctl stop path-beside.service
        is_gone /run/path-beside/metrics.sock
        is_socket /run/path-beside/http.sock
}

# What the journal says when the socket can't be made. No IP port is opened instead.
path_fails() { # path_fails NAME TEXT...
        local name=$1
        shift
        reload
        ! systemctl start "$name.service" || fail "$name.service was started"
        contains "$(journal "$name.service")" "ip2unix: " "/run/$name/http.sock" "$@"
        no_ip_sockets
}

scenario_path_parent_missing() {
        ready_server path-parent 8000 </dev/null
        path_rules path-parent ''
        path_fails path-parent ENOENT "server: 8000: Cannot assign requested address"
}

scenario_path_read_only() {
        directory /run/path-read-only
        ready_server path-read-only 8000 <<<'ProtectSystem=strict'
        path_rules path-read-only ''
        path_fails path-read-only EROFS "server: 8000: Permission denied"
        # What mends it.
        path_rules path-read-only '' '[Service]' ReadWritePaths=/run/path-read-only
        reload
        start path-read-only.service
        contains "$(get /run/path-read-only/http.sock)" listener=0.0.0.0:8000
}

scenario_path_unknown_group() {
        directory /run/path-group
        ready_server path-group 8000 </dev/null
        path_rules path-group ,group=nosuchgroup
        path_fails path-group "'nosuchgroup'" "server: 8000: Permission denied"
        is_gone /run/path-group/http.sock
}

scenario_path_of_regular_file() {
        directory /run/path-regular
        echo precious >/run/path-regular/http.sock
        ready_server path-regular 8000 </dev/null
        path_rules path-regular ''
        reload
        ! systemctl start path-regular.service || fail "it was started"
        contains "$(journal path-regular.service)" "server: 8000: Address already in use"
        equal "file" "$(cat /run/path-regular/http.sock)" precious
        no_ip_sockets
}

# A client that knows IP alone reaches a server that is started by the connection.
scenario_client_of_socket() {
        server_unit path-backend 8000 </dev/null
        web_rules path-backend
        client_unit path-client 127.0.0.1
        rule_file path-client <<'END'
[Rules]
Rule=out,tcp,port=8000,path=/run/path-backend.sock

[Service]
PrivateNetwork=yes
DynamicUser=yes
END
        reload
        start path-backend-http.socket
        inactive path-backend.service
        start path-client.service
        active path-backend.service
        contains "$(journal path-client.service)" listener=0.0.0.0:8000
        no_ip_sockets path-backend.service
}

# There are no name servers where there is no network. The name stands for the rule then.
scenario_client_by_name() {
        directory /run/path-named
        ready_server path-named 8000 </dev/null
        path_rules path-named ,mode=0666
        client_unit path-name-client backend.invalid
        rule_file path-name-client <<'END'
[Rules]
Rule=out,tcp,port=8000,path=/run/path-named/http.sock

[Service]
PrivateNetwork=yes
END
        reload
        start path-named.service path-name-client.service
        contains "$(journal path-name-client.service)" listener=0.0.0.0:8000
}

# The rights of the file are the access control.
scenario_client_without_right() {
        directory /run/path-closed
        ready_server path-closed 8000 </dev/null
        path_rules path-closed ,mode=0600
        client_unit path-closed-client 127.0.0.1
        rule_file path-closed-client <<'END'
[Rules]
Rule=out,tcp,port=8000,path=/run/path-closed/http.sock

[Service]
User=nobody
END
        reload
        start path-closed.service
        ! systemctl start path-closed-client.service || fail "it got through"
        contains "$(journal path-closed-client.service)" "ip2unix: " /run/path-closed/http.sock EACCES
}

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

# many_rules NAME NUMBER: so many rules, of which the last one is about the server's port.
many_rules() {
        {
                echo '[Rules]'
                for ((port = 10000; port < 10000 + $2 - 1; port++)); do
                        echo "Rule=in,tcp,addr=127.0.0.1,port=$port,path=/run/$1/%a-%p.sock,mode=0660"
                done
                echo "Rule=in,tcp,port=8000,path=/run/$1/http.sock"
        } | rule_file "$1"
}

many_rules_work() { # many_rules_work NAME NUMBER VARIABLES
        local name=$1 environment
        directory "/run/$name"
        ready_server "$name" 8000 127.0.0.1:10000 127.0.0.1:$((10000 + $2 - 2)) </dev/null
        many_rules "$name" "$2"
        reload
        start "$name.service"
        contains "$(get "/run/$name/http.sock")" listener=0.0.0.0:8000
        contains "$(get "/run/$name/127.0.0.1-10000.sock")" listener=127.0.0.1:10000
        contains "$(get "/run/$name/127.0.0.1-$((10000 + $2 - 2)).sock")" listener=127.0.0.1:
        no_ip_sockets "$name.service"
        environment=$(tr '\0' '\n' <"/proc/$(main_pid "$name.service")/environ")
        equal "variables" "$(grep -c ^IP2UNIX_RULES <<<"$environment")" "$3"
        equal "rules shown" "$(property "$name.service" Environment | grep -o in,tcp | wc -l)" "$2"
}

scenario_thousand_rules() { many_rules_work path-thousand 1000 1; }

scenario_five_thousand_rules() { many_rules_work path-thousands 5000 4; }

# A part of the list gets lost on the way: the rest may leave a port open, so nothing starts.
scenario_part_of_rules_lost() {
        directory /run/path-lost
        ready_server path-lost 8000 </dev/null
        many_rules path-lost 5000
        file /etc/systemd/system/path-lost.service.d/lost.conf <<'END'
[Service]
UnsetEnvironment=IP2UNIX_RULES_3
END
        reload
        refused path-lost.service status=78
        contains "$(journal path-lost.service)" "ip2unix: " IP2UNIX_RULES_3
}

# What goes beyond the limit is an error of the file, which names it.
scenario_too_many_rules() {
        ready_server path-too-many 8000 </dev/null
        {
                echo '[Rules]'
                seq -f "Rule=in,tcp,port=%g,path=/run/$(printf '%090d' 0)" 18000
        } | rule_file path-too-many
        reload
        refused path-too-many.service "16 environment variables of 131071 bytes"
}
