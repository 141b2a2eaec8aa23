# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ruby: WEBrick and its HTTP client, puma's cluster and its restart in place."""

import signal

from stage import needs, wait_until

WEBRICK = """
require 'webrick'
server = WEBrick::HTTPServer.new(BindAddress: ARGV[0], Port: 8000, DocumentRoot: ARGV[1],
                                 DoNotReverseLookup: true)
server.mount_proc('/who') do |request, answer|
  answer.body = [request.peeraddr.inspect, request.addr.inspect, request.body.to_s.sum].join(' ')
end
trap('INT') { server.shutdown }
server.start
"""

CLIENT = """
require 'net/http'
body = Random.bytes(3_000_000)
Net::HTTP.start(ARGV[0], 8000) do |http|
  3.times do
    answer = http.post('/who', body).body
    raise 'what arrived is not what was sent' unless answer.end_with?(" #{body.sum}")
    puts answer
  end
end
s = TCPSocket.new(ARGV[0], 8000)
puts s.peeraddr.inspect, s.addr.inspect, s.remote_address.inspect
s.close
s = Socket.tcp(ARGV[0], 8000, connect_timeout: 60)
puts s.remote_address.ip_unpack.inspect
s.close
begin
  TCPSocket.new(ARGV[0], 9)
rescue Errno::ECONNREFUSED
  puts 'refused'
end
"""

RACK = """
run ->(env) { [200, {}, ["#{env['REMOTE_ADDR']} #{env['SERVER_PORT']} #{Process.pid}\\n"]] }
"""


@needs("ruby", "curl")
def scenario_ruby_webrick(stage):
    stage.noise("www/big", 10_000_000)
    for address, family in (("127.0.0.1", "AF_INET"), ("::1", "AF_INET6")):
        server = stage.start("ruby", stage.file("server.rb", WEBRICK), address, stage.home / "www",
                             port=8000)
        url = f"http://[{address}]:8000/big" if ":" in address else "http://127.0.0.1:8000/big"
        stage.run("curl", "-sSf", "-o", stage.home / "copy", url)
        stage.same_file(stage.home / "www/big", stage.home / "copy")
        output = stage.run("ruby", stage.file("client.rb", CLIENT), address)
        stage.matches(output, rf'^\["{family}", [1-9]\d{{3,4}}, "{address}", "{address}"\] '
                              rf'\["{family}", 8000, "{address}", "{address}"\] \d+$')
        stage.matches(output, rf'^\["{family}", 8000, "[\w.:]+", "{address}"\]$')
        stage.matches(output, rf'^\["{address}", 8000\]$')
        stage.matches(output, r"^refused$")
        server.end(signal.SIGINT, [0])
        stage.closed(8000)


@needs("puma", "curl")
def scenario_puma_cluster(stage):
    path = stage.file("config.ru", RACK)
    server = stage.start("puma", "-w", "3", "-t", "1:4", "-b", "tcp://127.0.0.1:9292", path,
                         port=9292)
    wait_until(lambda: server.output().count("booted") == 3, "three workers")
    answers = stage.ask_until_all_answer("http://127.0.0.1:9292/", lambda line: line.split()[2], 3)
    stage.equal("addresses", {tuple(line.split()[:2]) for line in answers},
                {("127.0.0.1", "9292")})
    server.end(signal.SIGTERM, [0, -15])
    stage.closed(9292)


@needs("puma", "curl")
def scenario_puma_restart(stage):
    """USR2 executes puma anew, in the same process; it inherits its own listener."""
    path = stage.file("config.ru", RACK)
    server = stage.start("puma", "-t", "1:4", "-b", "tcp://127.0.0.1:9292", path, port=9292)
    server.says("Ctrl-C")
    server.tell(signal.SIGUSR2)
    wait_until(lambda: server.output().count("Ctrl-C") == 2, "puma comes back")
    answers = stage.ask_many("http://127.0.0.1:9292/", 50)
    stage.equal("peers", {tuple(line.split()[:2]) for line in answers}, {("127.0.0.1", "9292")})
    server.end(signal.SIGTERM, [0, -15])
    stage.closed(9292)
