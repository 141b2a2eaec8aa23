# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What only a real systemd can tell about the units that the generator writes.

broken_rules() { rule_file "$1" <<<$'[Rules]\nRule=in,rejekt'; }

# It would make a success of the refusal's exit status, and the start would go on.
scenario_refusal_where_78_is_success() {
        server_unit success-78 8000 <<<$'SuccessExitStatus=78 CONFIG'
        broken_rules success-78
        reload
        refused success-78.service /etc/ip2unix.d/success-78.conf:2:
}

# The refusal runs outside of the service's root, where it isn't there.
scenario_refusal_with_root_directory() {
        local root=/var/lib/refused-root
        make_root "$root" "$SERVER"
        server_unit refused-root 8000 <<<"RootDirectory=$root"
        broken_rules refused-root
        reload
        refused refused-root.service /etc/ip2unix.d/refused-root.conf:2:
}

# Backslashes mean something else in nearly every key that holds the unit's name.
scenario_unit_name_with_escapes() {
        local name='hard-to\x2dwrite:name'
        server_unit "$name" 8000 </dev/null
        rule_file hard-to-write <<END
[Rules]
Unit=$name.service
Rule=in,tcp,port=8000,systemd=http

[Socket http]
ListenStream=/run/hard-to-write.sock
END
        reload
        start "$name-http.socket"
        inactive "$name.service"
        get /run/hard-to-write.sock >/dev/null
        active "$name.service"
        no_ip_sockets
        systemctl stop "$name-http.socket" "$name.service"
}

scenario_rules_for_an_alias() {
        server_unit real-name 8000 </dev/null
        link real-name.service /etc/systemd/system/other-name.service
        web_rules other-name
        reload
        start other-name-http.socket
        get /run/other-name.sock >/dev/null
        active real-name.service
        no_ip_sockets
        systemctl stop other-name-http.socket real-name.service
}

scenario_refused_while_running() {
        server_unit goes-on 8000 <<<$'ExecReload=/bin/touch /run/goes-on-reloaded'
        web_rules goes-on
        reload
        start goes-on-http.socket
        get /run/goes-on.sock >/dev/null
        broken_rules goes-on
        reload
        active goes-on.service
        systemctl reload goes-on.service || fail "its reload command doesn't work"
        [[ -e /run/goes-on-reloaded ]] || fail "its reload command didn't run"
        systemctl stop goes-on.service
        state_is goes-on.service inactive
        rm /run/goes-on-reloaded
}

# Such a service is likely to be misspelt, and starts without rules under its right name.
scenario_unit_that_is_not_there() {
        local generator=/usr/lib/systemd/system-generators/ip2unix-generator said
        web_rules nosuch
        server_unit there 8000 </dev/null
        rule_file there <<<$'[Rules]\nRule=in,reject'
        file /etc/init.d/initscript 0755 <<<$'#!/bin/sh\nexit 0'
        rule_file initscript <<<$'[Rules]\nRule=in,reject'
        mkdir "$STATE/out"
        said=$("$generator" "$STATE/out" 2>&1)
        equal "what it says" "$said" "ip2unix: /etc/ip2unix.d/nosuch.conf:1: there is no unit nosuch.service, or it is not there yet"
        [[ -e $STATE/out/nosuch.service.d/zz-ip2unix.conf ]] || fail "there is no drop-in"
        matches "$("$generator" --version)" '^ip2unix [0-9]'
}
