# SPDX-License-Identifier: LGPL-2.1-or-later
"""Why a function of the C library that makes or uses descriptors has no hook of ours."""

import fnmatch

# (reason, names as shell patterns)
REASONS = (
    ('carries no address, and does to a Unix socket what it does to an IP socket', '''
        sendfile sendfile64 splice tee vmsplice sockatmark'''),
    ('sockets of its own, closed before it returns', '''
        getifaddrs if_nameindex if_indextoname if_nametoindex __inet6_scopeid_pton
        __netlink_assert_response mq_notify rtime'''),
    ('asks resolver, name service cache and DNS servers by sockets of its own',
     '''
        gethostbyaddr* getnameinfo gethostid __nss_* _nss_* res_* __res_* __resolv_*
        getaliasby* getnetby* getprotoby* getrpcby* getservby* getpw* getgr* getsp* getsg*
        getnetgrent* get*ent get*ent_r set*ent end*ent __internal_*netgrent* initgroups innetgr
        getpublickey getsecretkey netname2user authdes_getucred ether_hostton ether_ntohost
        cuserid getlogin* __getlogin_r_chk glob glob64'''),
    ('looks up in threads of its own: a name that nobody knows stays unknown', 'getaddrinfo_a'),
    ('a socket to the journal or syslogd, its own, which a program that closes it loses as it '
     'would without us', '''
        openlog closelog syslog vsyslog __syslog_chk __vsyslog_chk fmtmsg'''),
    ('files of its own, which were never sockets', '''
        closedir fdopendir fdopen _IO_fdopen fts_* fts64_* getcwd sysconf __sysconf tmpfile
        tmpfile64 *lckpwdf sem_open sethostid mq_close fchmodat pthread_*name_np __open_catalog
        perror _IO_file_open open_by_handle_at getpass openpty ttyname* login logout
        pututline pututxline'''),
    ('closes the pipe that popen(3) made, of which nothing is known', 'pclose _IO_proc_close'),
    ('closes nothing: it writes out what is buffered', 'fcloseall'),
    ('asks a descriptor of a terminal or of a file, or one of aio(7), and changes no number', '''
        grantpt unlockpt isatty ptsname_r tc* aio_* isastream lockf lockf64'''),
    ('a child of fork(2) has a copy of all that we know', 'fork __fork __libc_fork _Fork'),
    ('for the C library\'s own libraries and their own descriptors (GLIBC_PRIVATE)', '''
        __close_nocancel __recv __sendmmsg __socket __libc_fcntl64 __libc_system'''),
    ('a name that libstdc++ used in the last century; nothing imports it', '''
        _IO_fclose _IO_popen _IO_file_close _IO_proc_open'''),
    ('ONC RPC of before glibc 2.32, not to be linked with any more; libtirpc calls the hooks', '''
        auth*_create* clnt* __libc_clntudp_bufcreate __libc_rpc_getport svc* key_* pmap_*
        registerrpc callrpc get_myaddress getrpcport'''),
    ('rsh and rexec: the protocols want privileged IP ports of both ends', '''
        rcmd rcmd_af rexec rexec_af rresvport rresvport_af *ruserok* __ivaliduser'''),
    ('filters of multicast groups, of datagram sockets alone', '''
        getipv4sourcefilter getsourcefilter setipv4sourcefilter setsourcefilter'''),
    ('with CLONE_FILES it gives one thread descriptors of its own: no program does', 'unshare'),
)


def reason_for(name):
    """Why there is no hook of that name, or None."""
    for reason, patterns in REASONS:
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.split()):
            return reason
    return None
