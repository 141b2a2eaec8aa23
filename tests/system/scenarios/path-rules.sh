# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Services that make their Unix sockets themselves.

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
        wait_until state_is_failed path-killed.service
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

# In a user's own manager: a server, and a client of it.
scenario_path_in_user_manager() {
        local user=ip2unix-path home=/home/ip2unix-path runtime
        useradd --create-home --home-dir $home $user
        runtime=/run/user/$(id -u $user)
        file $home/.config/systemd/user/mine.service <<END
[Service]
Type=notify
ExecStart=$SERVER --notify 8000
END
        file $home/.config/systemd/user/asking.service <<'END'
[Service]
Type=oneshot
ExecStart=/usr/bin/curl -sS --fail http://127.0.0.1:8000/
END
        file $home/.config/ip2unix.d/mine.conf <<<$'[Rules]\nRule=in,tcp,path='"$runtime/mine.sock"
        file $home/.config/ip2unix.d/asking.conf \
                <<<$'[Rules]\nRule=out,tcp,port=8000,path='"$runtime/mine.sock"
        chown -R $user: $home
        trap 'loginctl disable-linger '"$user; systemctl stop user@$(id -u $user)" EXIT
        loginctl enable-linger $user
        wait_until as_user $user systemctl --user is-active -q basic.target
        as_user $user systemctl --user start mine.service asking.service
        contains "$(journal_of_user $user)" listener=0.0.0.0:8000
        has_rights "$runtime/mine.sock" "755 $user $user"
        no_ip_sockets
        as_user $user systemctl --user stop mine.service
        is_gone "$runtime/mine.sock"
}

as_user() { # as_user USER COMMAND...
        runuser -u "$1" -- env XDG_RUNTIME_DIR="/run/user/$(id -u "$1")" "${@:2}"
}
