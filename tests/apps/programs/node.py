# SPDX-License-Identifier: LGPL-2.1-or-later
"""Node.js: a dual-stack server with fetch, keep-alive and its cluster module."""

import json
import signal

from stage import needs

SERVER = """
const crypto = require('crypto'), http = require('http')
http.createServer((request, answer) => {
    const hash = crypto.createHash('sha256'), s = request.socket
    request.on('data', part => hash.update(part)).on('end', () => {
        if (request.url === '/big')
            return answer.end(Buffer.alloc(20000000, 'ip2unix'))
        answer.end(JSON.stringify({ remoteAddress: s.remoteAddress, remotePort: s.remotePort,
            remoteFamily: s.remoteFamily, localAddress: s.localAddress, localPort: s.localPort,
            sum: hash.digest('hex') }))
    })
}).listen(...JSON.parse(process.argv[2]), function () {
    console.log(JSON.stringify(this.address()))
})
process.on('SIGTERM', () => process.exit(0))
"""

CLIENT = """
const crypto = require('crypto'), http = require('http'), net = require('net')
const sum = data => crypto.createHash('sha256').update(data).digest('hex')
async function main(base) {
    const ports = new Set()
    const body = crypto.randomBytes(10000000)
    for (let turn = 0; turn < 5; turn++) {
        const answer = await (await fetch(base, { method: 'POST', body })).json()
        if (answer.sum !== sum(body)) throw Error('what arrived is not what was sent')
        ports.add(answer.remotePort)
        console.log(JSON.stringify(answer))
    }
    const big = Buffer.from(await (await fetch(base + 'big')).arrayBuffer())
    if (sum(big) !== sum(Buffer.alloc(20000000, 'ip2unix'))) throw Error('wrong content')
    const many = await Promise.all(Array.from({ length: 50 }, async () =>
        (await (await fetch(base)).json()).remotePort))
    if (many.length !== 50) throw Error('not all answered')
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const ask = () => new Promise((resolve, reject) => http.get(base, { agent }, answer => {
        let text = ''
        answer.on('data', part => text += part)
            .on('end', () => resolve(JSON.parse(text).remotePort))
    }).on('error', reject))
    if (await ask() !== await ask()) throw Error('the connection was not kept')
    agent.destroy()
    const url = new URL(base)
    await new Promise((resolve, reject) => {
        const s = net.connect(url.port, url.hostname.replace(/[\\[\\]]/g, ''), () => {
            console.log(JSON.stringify({ address: s.address(), remoteAddress: s.remoteAddress,
                remotePort: s.remotePort, localPort: s.localPort }))
            s.setNoDelay().setKeepAlive(true, 1000).end()
        }).on('close', resolve).on('error', reject).resume()
    })
    await new Promise((resolve, reject) => net.connect(9, url.hostname.replace(/[\\[\\]]/g, ''))
        .on('connect', () => reject(Error('port 9 answers')))
        .on('error', error => error.code === 'ECONNREFUSED' ? resolve() : reject(error)))
}
main(process.argv[2]).catch(error => { console.error(error); process.exit(1) })
"""


def converse(stage, listen, base, peer, local, address):
    script = stage.file("server.js", SERVER)
    server = stage.start("node", script, json.dumps(listen), port=listen[0])
    stage.equal("address()", json.loads(server.says(r"(?m)^\{.*\}$")[0]), address)
    client = stage.file("client.js", CLIENT)
    stage.run("node", client, base)
    before = stage.descriptors()
    *answers, names = [json.loads(line) for line in stage.run("node", client, base).splitlines()]
    for answer in answers:
        stage.check(answer["remoteAddress"] in peer and answer["remotePort"] > 1024
                    and answer["localPort"] == listen[0] and answer["localAddress"] in local,
                    answer)
    stage.equal("the client's peer", names["remotePort"], listen[0])
    stage.check(names["localPort"] > 1024 and names["address"]["port"] == names["localPort"], names)
    stage.keeps_descriptors(before)
    server.end(signal.SIGTERM, [0])
    stage.closed(listen[0])


@needs("node")
def scenario_node_and_fetch(stage):
    converse(stage, [3000, "127.0.0.1"], "http://127.0.0.1:3000/", ["127.0.0.1"], ["127.0.0.1"],
             {"address": "127.0.0.1", "family": "IPv4", "port": 3000})


@needs("node")
def scenario_node_dual_stack(stage):
    """Without an address it listens on [::], and IPv4 clients have mapped addresses."""
    # A wildcard listener under rules can't tell over which family the peer wants to have come.
    local = ["::1", "::ffff:127.0.0.1"]
    converse(stage, [3000], "http://localhost:3000/", local, local,
             {"address": "::", "family": "IPv6", "port": 3000})


CLUSTER = """
const cluster = require('cluster'), http = require('http')
cluster.schedulingPolicy = process.argv[2] === 'shared' ? cluster.SCHED_NONE : cluster.SCHED_RR
if (cluster.isPrimary) {
    let ready = 0
    for (let worker = 0; worker < 4; worker++) cluster.fork()
    cluster.on('listening', (worker, address) => {
        console.log('listening', address.address, address.port)
        if (++ready === 4) console.log('ready')
    })
    process.on('SIGTERM', () => cluster.disconnect(() => process.exit(0)))
} else {
    http.createServer((request, answer) => {
        const s = request.socket, until = Date.now() + 3
        while (Date.now() < until);
        answer.setHeader('connection', 'close')
        answer.end(`${cluster.worker.id} ${s.remoteAddress} ${s.remotePort} ${s.localPort}\\n`)
    }).listen(3000, '127.0.0.1')
}
"""


def cluster(stage, policy):
    server = stage.start("node", stage.file("cluster.js", CLUSTER), policy, port=3000)
    server.says(r"ready")
    server.says(r"^listening 127\.0\.0\.1 3000$")
    url = "http://127.0.0.1:3000/"
    lines = stage.ask_many(url, 300) + stage.ask_until_all_answer(url, lambda line: line[0], 4)
    for line in lines:
        stage.matches(line, r"^[1-4] 127\.0\.0\.1 [1-9]\d{3,4} 3000$")
    ports = {line.split()[2] for line in lines}
    # The kernel gives out a port anew as soon as it is free, whichever that is by chance.
    fewest = len(lines) - 10 if stage.rules else len(lines) // 2
    stage.check(len(ports) > fewest, f"{len(lines)} connections came from {len(ports)} ports")
    server.end(signal.SIGTERM, [0])
    stage.closed(3000)


@needs("node", "curl")
def scenario_node_cluster_round_robin(stage):
    """The primary accepts, and passes connections to its workers."""
    cluster(stage, "passed")


@needs("node", "curl")
def scenario_node_cluster_shared(stage):
    """The primary passes the listening socket, and the workers accept."""
    cluster(stage, "shared")
