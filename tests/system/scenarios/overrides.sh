# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What else the administrator writes for the unit must not undo the rules.

# overridden NAME: the unit NAME, which serves port 8000, with the drop-in on standard input.
overridden() {
        server_unit "$1" 8000 <<<$'Environment=OLD=1\nExecStartPre=/bin/true'
        file "/etc/systemd/system/$1.service.d/override.conf"
        web_rules "$1"
        reload
        start "$1-http.socket"
        activates_on_unix "$1.service" "/run/$1.sock" listener=0.0.0.0:8000
}

environment_of() { tr '\0' '\n' <"/proc/$(main_pid "$1")/environ"; }

scenario_override_resets_environment() {
        overridden reset-environment <<<$'[Service]\nEnvironment=\nEnvironment=NEW=1'
        contains "$(environment_of reset-environment.service)" NEW=1
        contains_not "$(environment_of reset-environment.service)" OLD=1
}

scenario_override_resets_environment_file() {
        file /etc/default/reset-environment-file <<<NEW=1
        overridden reset-environment-file <<'END'
[Service]
EnvironmentFile=
EnvironmentFile=/etc/default/reset-environment-file
END
        contains "$(environment_of reset-environment-file.service)" NEW=1
}

scenario_override_resets_exec_start_pre() {
        overridden reset-exec-start-pre <<<$'[Service]\nExecStartPre='
        equal "ExecStartPre=" "$(property reset-exec-start-pre.service ExecStartPre)" ""
}

# A broken rule file refuses by a command of its own: the same resets must not let the service start.
scenario_override_of_refused_service() {
        server_unit reset-refusal 8000 </dev/null
        file /etc/systemd/system/reset-refusal.service.d/override.conf <<'END'
[Service]
Environment=
EnvironmentFile=
ExecStartPre=
ExecStartPre=/bin/true
END
        rule_file reset-refusal <<<$'[Rules]\nRule=in,tpc,systemd=http'
        reload
        refused reset-refusal.service /etc/ip2unix.d/reset-refusal.conf:2: "'tpc'"
}

# preloads_both UNIT: both libraries are in the service's process.
preloads_both() { has_loaded "$1" libip2unix.so libjemalloc.so.2; }

scenario_unit_preloads_another_library() {
        server_unit jemalloc 8000 <<<'Environment=LD_PRELOAD=libjemalloc.so.2'
        web_rules jemalloc
        reload
        start jemalloc-http.socket
        activates_on_unix jemalloc.service /run/jemalloc.sock listener=0.0.0.0:8000
        preloads_both jemalloc.service
}

scenario_override_preloads_another_library() {
        local library
        library=$(ldconfig -p | sed -n 's/.*libjemalloc\.so\.2.* => //p' | head -n 1)
        overridden jemalloc-override <<<$'[Service]\nEnvironment=LD_PRELOAD='"$library"
        preloads_both jemalloc-override.service
}

# Whatever the file preloads: the rules hold.
scenario_environment_file_preloads_another_library() {
        file /etc/default/jemalloc-file <<<LD_PRELOAD=libjemalloc.so.2
        overridden jemalloc-file <<<$'[Service]\nEnvironmentFile=/etc/default/jemalloc-file'
}

# A drop-in for all services, and one for all whose names start alike.
scenario_override_for_many_services() {
        file /etc/systemd/system/service.d/every.conf <<<$'[Service]\nEnvironment=\nEnvironmentFile='
        file /etc/systemd/system/many-.service.d/many.conf <<<$'[Service]\nExecStartPre='
        overridden many-one <<<$'[Service]\nEnvironment=NEW=1'
}

# A drop-in whose name sorts after ours can take the rules away: then nothing starts.
scenario_late_override_resets_environment() {
        server_unit late 8000 </dev/null
        file /etc/systemd/system/late.service.d/zzz.conf <<<$'[Service]\nEnvironment='
        web_rules late
        reload
        start late-http.socket late.service
        wait_until 5 state_is_failed late.service
        equal "exit status" "$(property late.service ExecMainStatus)" 78
        contains "$(journal late.service)" "ip2unix: "
        no_ip_sockets
}
