# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Templates, the user manager, and where rule files are found.

scenario_template() {
        local one two
        server_unit app@ 8000 </dev/null
        rule_file app@ <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=http

[Socket http]
ListenStream=/run/app-%i.sock
END
        reload
        start app-http@one.socket app-http@two.socket
        activates_on_unix app@one.service /run/app-one.sock listener=0.0.0.0:8000
        activates_on_unix app@two.service /run/app-two.sock listener=0.0.0.0:8000
        one=$(main_pid app@one.service)
        two=$(main_pid app@two.service)
        contains "$(get /run/app-one.sock)" "pid=$one "
        contains "$(get /run/app-two.sock)" "pid=$two "
}

# The instance's own rule file replaces the template's as a whole.
scenario_instance_of_template() {
        server_unit inst@ 8000 </dev/null
        rule_file inst@ <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=http

[Socket http]
ListenStream=/run/inst-%i.sock
END
        rule_file inst@one <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=special

[Socket special]
ListenStream=/run/inst-special.sock
END
        reload
        start inst-special@one.socket inst-http@two.socket
        activates_on_unix inst@one.service /run/inst-special.sock listener=0.0.0.0:8000
        activates_on_unix inst@two.service /run/inst-two.sock listener=0.0.0.0:8000
        [[ ! -e /run/inst-one.sock ]] || fail "the template's socket is there"
}

# systemd fills in the instance's name in the rules, too.
scenario_instance_in_rule() {
        unit ports@.service <<<$'[Service]\nExecStart='"$SERVER %i"
        rule_file ports@ <<'END'
[Rules]
Rule=in,tcp,port=%i,systemd=http

[Socket http]
ListenStream=/run/ports-%i.sock
END
        reload
        start ports-http@8001.socket
        activates_on_unix ports@8001.service /run/ports-8001.sock listener=0.0.0.0:8001
}

# Names as systemd-escape(1) makes them.
scenario_escaped_names() {
        server_unit 'odd\x2dname@' 8000 </dev/null
        rule_file 'odd\x2dname@' <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=http

[Socket http]
ListenStream=/run/odd-%i.sock
END
        reload
        start 'odd\x2dname-http@a\x20b.socket'
        activates_on_unix 'odd\x2dname@a\x20b.service' '/run/odd-a\x20b.sock' \
                listener=0.0.0.0:8000
}

TESTER=ip2unix-tester

as_tester() {
        runuser -u $TESTER -- env XDG_RUNTIME_DIR="/run/user/$(id -u $TESTER)" "$@"
}

# A lingering user: the manager starts at boot, and so does what the rule file says.
prepare_user_manager() {
        local home=/home/$TESTER
        useradd --create-home --home-dir $home $TESTER
        mkdir -p /var/lib/systemd/linger
        touch /var/lib/systemd/linger/$TESTER
        file $home/.config/systemd/user/mine.service <<<$'[Service]\nExecStart='"$SERVER 8000"
        file $home/.config/ip2unix.d/mine.conf <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=http

[Socket http]
ListenStream=%t/mine.sock
END
        chown -R $TESTER: $home
}

scenario_user_manager() {
        local runtime pid
        runtime=/run/user/$(id -u $TESTER)
        # The next scenario shall find no manager that is still at it.
        trap 'loginctl disable-linger $TESTER; systemctl stop "user@$(id -u $TESTER)"' EXIT
        equal "state of the socket" \
                "$(as_tester systemctl --user is-active mine-http.socket)" active
        equal "state of the service" \
                "$(as_tester systemctl --user is-active mine.service || true)" inactive
        no_ip_sockets
        contains "$(get "$runtime/mine.sock")" listener=0.0.0.0:8000 own=127.0.0.1:8000
        pid=$(as_tester systemctl --user show -P MainPID mine.service)
        equal "user of the service" "$(stat -c %U "/proc/$pid")" $TESTER
        no_ip_sockets
        as_tester systemctl --user stop mine.service
        contains "$(get "$runtime/mine.sock")" listener=0.0.0.0:8000
}

# A user's broken rule file, and one that the administrator has put there for all users.
scenario_user_manager_refuses() {
        local home=/home/$TESTER-2 user=$TESTER-2
        useradd --create-home --home-dir "$home" "$user"
        file "$home/.config/systemd/user/mine.service" <<<$'[Service]\nExecStart='"$SERVER 8000"
        file "$home/.config/ip2unix.d/mine.conf" <<<$'[Rules]\nRule=in,tpc,systemd=http'
        file "$home/.config/systemd/user/shared.service" <<<$'[Service]\nExecStart='"$SERVER 8000"
        rule_file shared /etc/ip2unix/user.d <<<$'[Rules]\nRule=in,tcp,port=8000,reject=EPERM'
        chown -R "$user:" "$home"
        trap 'loginctl disable-linger '"$user; systemctl stop user@$(id -u "$user")" EXIT
        loginctl enable-linger "$user"
        TESTER=$user wait_until as_tester systemctl --user is-active -q basic.target
        ! TESTER=$user as_tester systemctl --user start mine.service || fail "it was started"
        contains "$(TESTER=$user as_tester systemctl --user status --no-pager -l mine.service || true)" \
                "$home/.config/ip2unix.d/mine.conf:2: " "'tpc'" status=78
        TESTER=$user as_tester systemctl --user start shared.service
        TESTER=$user wait_until as_tester systemctl --user is-failed -q shared.service
        contains "$(journal_of_user "$user")" \
                "server: 8000: Operation not permitted"
        no_ip_sockets
}

vendor_and_administrator() {
        server_unit both-places 8000 </dev/null
        rule_file both-places /usr/lib/ip2unix.d <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=vendor

[Socket vendor]
ListenStream=/run/both-places-vendor.sock
END
}

# The administrator's file replaces its namesake of the package.
scenario_rule_file_in_two_places() {
        vendor_and_administrator
        rule_file both-places <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=admin

[Socket admin]
ListenStream=/run/both-places-admin.sock
END
        reload
        equal "load state of the package's socket" \
                "$(property both-places-vendor.socket LoadState)" not-found
        start both-places-admin.socket
        activates_on_unix both-places.service /run/both-places-admin.sock listener=0.0.0.0:8000
        systemctl stop both-places-admin.socket both-places.service

        rm /etc/ip2unix.d/both-places.conf
        reload
        start both-places-vendor.socket
        activates_on_unix both-places.service /run/both-places-vendor.sock listener=0.0.0.0:8000
}

scenario_rule_file_masked() {
        vendor_and_administrator
        link /dev/null /etc/ip2unix.d/both-places.conf
        reload
        equal "load state of the package's socket" \
                "$(property both-places-vendor.socket LoadState)" not-found
        equal "drop-ins" "$(property both-places.service DropInPaths)" ""
        rm /etc/ip2unix.d/both-places.conf
        reload
        equal "load state of the package's socket" \
                "$(property both-places-vendor.socket LoadState)" loaded
}

# Names of files that the generator left, and of files that mention it.
generated() {
        find /run/systemd/generator* -name '*ip2unix*'
        grep -rl -e ip2unix /run/systemd/generator* || true
}

scenario_nothing_without_rule_files() {
        local before found place
        web_rules not-for-long
        reload
        before=$(generated)
        for place in /etc/ip2unix.d /usr/lib/ip2unix.d; do
                [[ ! -d $place ]] || mv "$place" "$place.aside"
        done
        reload
        found=$(generated)
        for place in /etc/ip2unix.d /usr/lib/ip2unix.d; do
                [[ ! -d $place.aside ]] || mv "$place.aside" "$place"
        done
        reload
        contains "$before" not-for-long
        equal "what the generator left" "$found" ""
}

# systemd has nothing to say about anything that is generated.
scenario_verify_is_silent() {
        server_unit verified 8000 8001 8002 </dev/null
        rule_file verified <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=http
Rule=in,tcp,port=8001,systemd=other,peer=credentials
Rule=in,port=8002,reject=EPERM
Rule=in,blackhole
LogLevel=debug

[Socket http]
ListenStream=/run/verified 100%%.sock
SocketMode=0660

[Socket other]
ListenStream=127.0.0.1:18001

[Unit]
Description=Service with "rules" of its own

[Service]
PrivateNetwork=yes
END
        server_unit verified-template@ 8000 </dev/null
        rule_file verified-template@ <<'END'
[Rules]
Rule=in,tcp,addr=10.0.0.0/8,port=8000-8001,systemd=http

[Socket http]
ListenStream=/run/verified-%i.sock
END
        server_unit verified-broken 8000 </dev/null
        rule_file verified-broken <<<$'[Rules]\nRule=in,tpc,reject="%%\'$HOME'
        reload
        # It does not look into the generator's directory by itself.
        equal "what systemd-analyze says" "$(SYSTEMD_UNIT_PATH=/run/systemd/generator: \
                systemd-analyze verify verified.service verified-http.socket \
                verified-other.socket verified-template@x.service \
                verified-template-http@x.socket verified-broken.service 2>&1)" ""
        systemctl cat verified.service verified-broken.service >"$STATE/cat"
        contains "$(<"$STATE/cat")" ip2unix
}
