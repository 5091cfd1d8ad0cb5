/** The Linux kernel's stack and its tools against ours: each check is a sentence that must come true. */
import { createHash } from 'node:crypto'
import type { TCPSocket } from '../host/sockets/tcp-socket.ts'
import { createStack } from '../stack/profiles/full.ts'
import { parseIpv6 } from '../stack/wire/address6.ts'
import { bodyHash, serveHttp } from './http-server.ts'
import { DEVICE, Namespace, type Outcome } from './namespace.ts'
import { NodeHost } from './node-host.ts'

export const OURS = '10.77.0.2'
export const KERNEL = '10.77.0.1'
const OURS6 = 'fd77::2'
const KERNEL6 = 'fd77::1'
const MIB = 1024 * 1024

export interface Bench {
  readonly host: NodeHost
  readonly linux: Namespace
  /** Megabytes that a bulk transfer moves. */
  readonly megabytes: number
}

export interface Check {
  readonly name: string
  /** A program that it cannot do without. */
  readonly needs: string
  /** Rejects, or resolves to a sentence, when it did not come true. */
  run(bench: Bench): Promise<string | undefined>
}

/** A kernel in a name space on one end of a wire, our full stack on the other. */
export async function makeBench(relay: string, folder: string, megabytes: number): Promise<Bench> {
  const mac = Uint8Array.from([2, 0x77, 0, 0, 0, 2])
  const host = new NodeHost(createStack, {
    memory: 2 * MIB,
    mac,
    address: `${OURS}/24`,
    dhcpServer: { first: '10.77.0.100', last: '10.77.0.120' },
  })
  const linux = await Namespace.make(`lanlet-${process.pid}`, relay, folder, host, `${KERNEL}/24`)
  const until = performance.now() + 5_000
  while (host.stack.address === 0 && performance.now() < until) await pause(50)
  // The kernel tests its own address for duplicates; so do we.
  await linux.run('ip', ['-6', 'addr', 'add', `${KERNEL6}/64`, 'dev', DEVICE])
  const address6 = parseIpv6(OURS6)
  if (address6 !== undefined) host.table.call(stack => stack.addAddress6(address6, 64))
  await pause(2_500)
  // A socket that is bound to no address is of both families.
  serveHttp(host.sockets, '0.0.0.0').catch(error => console.error(error))
  return { host, linux, megabytes }
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

const failed = (what: string, { status, out, err }: Outcome): string =>
  `${what}: status ${status}: ${`${out} ${err}`.trim().replaceAll('\n', ' | ').slice(-300)}`

/** A command that must end with status 0 and print what matches. */
async function expectRun(
  linux: Namespace,
  command: string,
  args: readonly string[],
  prints: RegExp,
  seconds?: number,
): Promise<string | undefined> {
  const outcome = await linux.run(command, args, seconds)
  return outcome.status === 0 && prints.test(outcome.out) ? undefined : failed(command, outcome)
}

const sha = (text: string): string => createHash('sha256').update(text).digest('hex')

/** All that a connection brings, as text. */
async function readAll(socket: TCPSocket): Promise<string> {
  const { readable } = await socket.opened
  let text = ''
  for await (const chunk of readable as unknown as AsyncIterable<Uint8Array>)
    text += Buffer.from(chunk).toString('latin1')
  return text
}

/** nc sends to us and half-closes; it gets our answer all the same. */
async function netcatHalfCloses({ host, linux }: Bench): Promise<string | undefined> {
  const [sends, answers] = ['to the page '.repeat(20_000), 'and back '.repeat(20_000)]
  const server = new host.sockets.TCPServerSocket(OURS, { localPort: 5001 })
  const { readable } = await server.opened
  const reader = readable.getReader()
  const netcat = linux.start('nc', ['-N', OURS, '5001'])
  let answered = ''
  netcat.stdout?.on('data', chunk => {
    answered += String(chunk)
  })
  const ended = new Promise(resolve => netcat.once('close', resolve))
  netcat.stdin?.end(sends)
  const { value } = await reader.read()
  if (value === undefined) return 'nc did not connect'
  const heard = await readAll(value)
  const writer = (await value.opened).writable.getWriter()
  await writer.write(new TextEncoder().encode(answers))
  await writer.close()
  await ended
  reader.releaseLock()
  await server.close()
  if (sha(heard) !== sha(sends)) return `we heard ${heard.length} of ${sends.length} bytes`
  return answered === answers ? undefined : `nc heard ${answered.length} of ${answers.length} bytes`
}

/** A server on the kernel's stack that answers with the hash of all it heard, once the client has half-closed. */
const HASHING_SERVER = `
  const hash = require('crypto').createHash('sha256')
  require('net').createServer({ allowHalfOpen: true }, socket => {
    socket.on('data', data => hash.update(data))
    socket.on('end', () => setTimeout(() => socket.end(hash.digest('hex')), 300))
  }).listen(5002, '${KERNEL}', () => console.log('listening'))`

/** We send, half-close, and still get the answer. */
async function weHalfClose({ host, linux }: Bench): Promise<string | undefined> {
  const server = linux.start(process.execPath, ['-e', HASHING_SERVER])
  try {
    await new Promise(resolve => server.stdout?.once('data', resolve))
    const sends = 'to the kernel '.repeat(50_000)
    const socket = new host.sockets.TCPSocket(KERNEL, 5002)
    const writer = (await socket.opened).writable.getWriter()
    await writer.write(new TextEncoder().encode(sends))
    await writer.close()
    const answered = await readAll(socket)
    return answered === sha(sends) ? undefined : `the answer was '${answered}'`
  } finally {
    server.kill()
  }
}

async function parallelCurls({ linux }: Bench, count: number, bytes: number): Promise<string | undefined> {
  const hash = bodyHash(bytes)
  const script = `for i in $(seq ${count}); do (curl -s http://${OURS}/${bytes} | sha256sum) & done; wait`
  const { out } = await linux.run('sh', ['-c', script], 120)
  const right = out.split('\n').filter(line => line.startsWith(hash)).length
  return right === count ? undefined : `${right} of ${count} downloads had the right hash`
}

/** What `ss -ti` says of a connection in mid-transfer. */
async function windowScaling({ linux }: Bench): Promise<string | undefined> {
  const download = linux.start('curl', [
    '-s',
    '-o',
    '/dev/null',
    '--limit-rate',
    '2M',
    `http://${OURS}/20000000`,
  ])
  try {
    await pause(700)
    const { out } = await linux.run('ss', ['-tinH', 'dst', OURS])
    // 1,460 less 12 for timestamps in each segment.
    return / wscale:\d+,\d+ .* mss:1448 /.test(out)
      ? undefined
      : `ss says: ${out.trim().replaceAll('\n', ' ')}`
  } finally {
    download.kill()
  }
}

/** A wire that loses every hundredth frame and holds back every fiftieth until two others have passed. */
async function onABadWire(
  bench: Bench,
  work: () => Promise<string | undefined>,
): Promise<string | undefined> {
  let x = 12345
  bench.host.fault = () => {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff
    const fate = (x >>> 8) % 100
    return fate === 0 ? 'lose' : fate < 3 ? 2 : 0
  }
  try {
    return await work()
  } finally {
    bench.host.fault = () => 0
  }
}

type Bulk = Pick<Bench, 'linux' | 'megabytes'>

const download = ({ linux }: Bulk, bytes: number, from = OURS): Promise<string | undefined> =>
  expectRun(
    linux,
    'sh',
    ['-c', `curl -s -S --max-time 100 http://${from}/${bytes} | sha256sum`],
    new RegExp(bodyHash(bytes)),
    120,
  )

const upload = ({ linux }: Bulk, bytes: number, to = OURS): Promise<string | undefined> =>
  expectRun(
    linux,
    'sh',
    [
      '-c',
      `head -c ${bytes} /dev/urandom > /tmp/$$.up; H=$(sha256sum < /tmp/$$.up | cut -c1-64); ` +
        `curl -s -S --max-time 100 -T /tmp/$$.up http://${to}/ > /tmp/$$.is; rm /tmp/$$.up; ` +
        `[ "$(cat /tmp/$$.is)" = "$H" ] && echo same; rm /tmp/$$.is`,
    ],
    /same/,
    120,
  )

const pings = (size: number): Check => ({
  name: `ping of ${size} bytes is answered`,
  needs: 'ping',
  run: ({ linux }) =>
    expectRun(
      linux,
      'ping',
      ['-c', '3', '-i', '0.2', '-W', '2', '-s', String(size), OURS],
      / 0% packet loss/,
    ),
})

const ping6 = (size: number): Check => ({
  name: `over IPv6, ping of ${size} bytes is answered`,
  needs: 'ping',
  run: ({ linux }) =>
    expectRun(
      linux,
      'ping',
      ['-6', '-c', '3', '-i', '0.2', '-W', '2', '-s', String(size), OURS6],
      / 0% packet loss/,
    ),
})

export const CHECKS: readonly Check[] = [
  {
    name: 'arping finds our MAC',
    needs: 'arping',
    run: ({ linux }) => expectRun(linux, 'arping', ['-c', '3', '-I', DEVICE, OURS], /02:77:00:00:00:02/i),
  },
  ...[0, 56, 1472, 1473, 20_000, 65_507].map(pings),
  {
    name: 'a flood of 5,000 pings is answered whole',
    needs: 'ping',
    run: ({ linux }) => expectRun(linux, 'ping', ['-f', '-q', '-c', '5000', OURS], / 0% packet loss/),
  },
  {
    name: 'traceroute ends at us',
    needs: 'traceroute',
    run: ({ linux }) =>
      expectRun(
        linux,
        'traceroute',
        ['-n', '-w', '1', '-q', '1', OURS],
        new RegExp(`1 +${OURS} +[0-9.]+ ms`),
      ),
  },
  {
    name: 'a port on which nobody listens refuses at once',
    needs: 'curl',
    run: async ({ linux }) => {
      const outcome = await linux.run('curl', ['-s', '-S', '--max-time', '5', `http://${OURS}:81/`])
      return outcome.status === 7 ? undefined : failed('curl', outcome)
    },
  },
  {
    name: 'curl downloads from us, hashes equal',
    needs: 'curl',
    run: bench => download(bench, bench.megabytes * 1_000_000),
  },
  {
    name: 'curl uploads to us, hashes equal',
    needs: 'curl',
    run: bench => upload(bench, bench.megabytes * 1_000_000),
  },
  {
    name: 'udhcpc gets an address from our DHCP server',
    needs: 'udhcpc',
    run: async ({ linux }) => {
      const outcome = await linux.run('udhcpc', ['-i', DEVICE, '-n', '-q', '-t', '5', '-s', '/bin/true'], 30)
      return /lease of 10\.77\.0\.1\d\d obtained/.test(outcome.err + outcome.out)
        ? undefined
        : failed('udhcpc', outcome)
    },
  },
  {
    name: 'dhclient gets one, and gives it back',
    needs: 'dhclient',
    run: async ({ linux }) => {
      const kept = [`/tmp/${linux.name}.leases`, `/tmp/${linux.name}.pid`] as const
      const files = ['-sf', '/bin/true', '-lf', kept[0], '-pf', kept[1]]
      const bound = await linux.run('dhclient', ['-1', '-v', ...files, DEVICE], 30)
      if (!/bound to 10\.77\.0\.1\d\d/.test(bound.err)) return failed('dhclient', bound)
      const released = await linux.run('dhclient', ['-r', '-v', ...files, DEVICE], 30)
      await linux.run('rm', ['-f', ...kept])
      return /DHCPRELEASE/.test(released.err) ? undefined : failed('dhclient -r', released)
    },
  },
  {
    name: 'with ECN asked for by the kernel a download keeps its hash',
    needs: 'curl',
    run: async bench => {
      await bench.linux.run('sysctl', ['-w', 'net.ipv4.tcp_ecn=1'])
      return download(bench, 10_000_000)
    },
  },
  ...[56, 1452, 1453, 20_000].map(ping6),
  {
    name: 'over IPv6, curl downloads from us, hashes equal',
    needs: 'curl',
    run: ({ linux, megabytes }) => download({ linux, megabytes }, megabytes * 1_000_000, `[${OURS6}]`),
  },
  {
    name: 'over IPv6, curl uploads to us, hashes equal',
    needs: 'curl',
    run: ({ linux, megabytes }) => upload({ linux, megabytes }, megabytes * 1_000_000, `[${OURS6}]`),
  },
  {
    name: 'over IPv6, traceroute ends at us',
    needs: 'traceroute',
    run: ({ linux }) =>
      expectRun(linux, 'traceroute', ['-6', '-n', '-w', '1', '-q', '1', OURS6], /1 +fd77::2 +[0-9.]+ ms/),
  },
  {
    name: 'the kernel knows our MAC by neighbour discovery',
    needs: 'ip',
    run: ({ linux }) =>
      expectRun(
        linux,
        'ip',
        ['-6', 'neigh', 'show', OURS6],
        /lladdr 02:77:00:00:00:02 .*(REACHABLE|STALE|DELAY)/,
      ),
  },
  {
    name: 'nc half-closes, and gets the answer all the same',
    needs: 'nc',
    run: netcatHalfCloses,
  },
  {
    name: 'we half-close, and get the kernel’s answer all the same',
    needs: 'node',
    run: weHalfClose,
  },
  {
    name: '50 connections at once are all served',
    needs: 'curl',
    run: bench => parallelCurls(bench, 50, 200_000),
  },
  {
    name: 'window scaling and timestamps are in use, as the kernel tells by ss',
    needs: 'ss',
    run: windowScaling,
  },
  {
    name: 'with 1 % loss and reordering a download keeps its hash',
    needs: 'curl',
    run: bench => onABadWire(bench, () => download(bench, 10_000_000)),
  },
  {
    name: 'with 1 % loss and reordering an upload keeps its hash',
    needs: 'curl',
    run: bench => onABadWire(bench, () => upload(bench, 10_000_000)),
  },
]
