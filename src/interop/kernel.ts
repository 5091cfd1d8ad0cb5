/** The Linux kernel's stack and its tools against ours: each check is a sentence that must come true. */
import { createHash } from 'node:crypto'
import type { TCPSocket } from '../host/sockets/tcp-socket.ts'
import { createStack } from '../stack/profiles/full.ts'
import { bodyHash, serveHttp } from './http-server.ts'
import { DEVICE, Namespace, type Outcome } from './namespace.ts'
import { NodeHost } from './node-host.ts'

export const OURS = '10.77.0.2'
export const KERNEL = '10.77.0.1'
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
  const host = new NodeHost(createStack, { memory: 2 * MIB, mac, address: `${OURS}/24` })
  const linux = await Namespace.make(`lanlet-${process.pid}`, relay, folder, host, `${KERNEL}/24`)
  const until = performance.now() + 5_000
  while (host.stack.address === 0 && performance.now() < until) await pause(50)
  serveHttp(host.sockets, OURS).catch(error => console.error(error))
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

/** Our stack sends `bytes` to a listener of nc's, and takes what it answers once we have no more. */
async function throughNetcat(
  { host, linux }: Bench,
  sends: string,
  answers: string,
): Promise<string | undefined> {
  const netcat = linux.start('nc', ['-l', '-N', '-p', '5001'])
  try {
    let heard = ''
    netcat.stdout?.on('data', chunk => {
      heard += String(chunk)
    })
    await pause(300)
    const socket = new host.sockets.TCPSocket(KERNEL, 5001)
    const { writable } = await socket.opened
    const writer = writable.getWriter()
    await writer.write(new TextEncoder().encode(sends))
    // Half-closed: our FIN leaves, the other direction goes on.
    await writer.close()
    await pause(300)
    netcat.stdin?.end(answers)
    const answered = await readAll(socket)
    if (sha(heard) !== sha(sends)) return `nc heard ${heard.length} of ${sends.length} bytes`
    return answered === answers ? undefined : `nc answered ${answered.length} of ${answers.length} bytes`
  } finally {
    netcat.kill()
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
async function negotiated({ linux }: Bench): Promise<string | undefined> {
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
    const missing = ['ts', 'sack', 'wscale:'].filter(word => !out.includes(` ${word}`))
    return missing.length === 0
      ? undefined
      : `ss shows no ${missing.join(', ')}: ${out.trim().replaceAll('\n', ' ')}`
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

const download = ({ linux }: Bench, bytes: number): Promise<string | undefined> =>
  expectRun(
    linux,
    'sh',
    ['-c', `curl -s -S --max-time 100 http://${OURS}/${bytes} | sha256sum`],
    new RegExp(bodyHash(bytes)),
    120,
  )

const upload = ({ linux }: Bench, bytes: number): Promise<string | undefined> =>
  expectRun(
    linux,
    'sh',
    [
      '-c',
      `head -c ${bytes} /dev/urandom > /tmp/$$.up; H=$(sha256sum < /tmp/$$.up | cut -c1-64); ` +
        `curl -s -S --max-time 100 -T /tmp/$$.up http://${OURS}/ > /tmp/$$.is; rm /tmp/$$.up; ` +
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
    name: 'nc takes what we send, answers once we have half-closed, and closes',
    needs: 'nc',
    run: bench => throughNetcat(bench, 'to the kernel '.repeat(5_000), 'and back '.repeat(20_000)),
  },
  {
    name: '50 connections at once are all served',
    needs: 'curl',
    run: bench => parallelCurls(bench, 50, 200_000),
  },
  {
    name: 'SACK, timestamps and window scaling are agreed on with the kernel',
    needs: 'ss',
    run: negotiated,
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
