/** Bulk and half-closed transfers between a name space and a host of ours that serves HTTP: what is heard must be what was said. */
import { createHash } from 'node:crypto'
import type { TCPSocket } from '../host/sockets/tcp-socket.ts'
import { failed, type Verdict } from './check.ts'
import { body, bodyHash } from './http-server.ts'
import type { Linux, Namespace } from './namespace.ts'
import type { NodeHost } from './node-host.ts'

const SECONDS = 120

/** A verdict, and how fast it went: megabytes a second. */
export interface Moved {
  readonly wrong: Verdict
  readonly rate: number
}

/** curl downloads from the host at `ours`, '10.77.0.2' or '[fd77::2]'; `as`: by this address of its own. */
export async function download(linux: Linux, ours: string, bytes: number, as?: string): Promise<Moved> {
  const script = `curl -s -S ${bound(as)} -o - --max-time ${SECONDS} -w '%{stderr}rate %{speed_download}' http://${ours}/${bytes} | sha256sum`
  const outcome = await linux.run('sh', ['-c', script], SECONDS)
  const wrong = outcome.out.startsWith(bodyHash(bytes)) ? undefined : failed('curl', outcome)
  return { wrong, rate: rateIn(outcome.err) }
}

/** curl uploads to it; it answers with the hash of what it heard. */
export async function upload(linux: Linux, ours: string, bytes: number, as?: string): Promise<Moved> {
  const script = `
    file=$(mktemp); head -c ${bytes} /dev/urandom > $file
    curl -s -S ${bound(as)} --max-time ${SECONDS} -w '%{stderr}rate %{speed_upload}' -T $file http://${ours}/; echo
    sha256sum < $file; rm $file`
  const outcome = await linux.run('sh', ['-c', script], SECONDS)
  const [heard, said] = outcome.out.split('\n').map(line => line.slice(0, 64))
  return {
    wrong: said?.length === 64 && heard === said ? undefined : failed('curl', outcome),
    rate: rateIn(outcome.err),
  }
}

const bound = (address: string | undefined): string => (address === undefined ? '' : `--interface ${address}`)

/** What `curl -w` told, bytes a second. */
const rateIn = (text: string): number => Number(/rate (\d+)/.exec(text)?.[1] ?? 0) / 1e6

export async function parallelDownloads(
  linux: Linux,
  ours: string,
  count: number,
  bytes: number,
): Promise<Verdict> {
  const hash = bodyHash(bytes)
  const script = `for i in $(seq ${count}); do (curl -s --max-time ${SECONDS} http://${ours}/${bytes} | sha256sum) & done; wait`
  const { out } = await linux.run('sh', ['-c', script], SECONDS)
  const right = out.split('\n').filter(line => line.startsWith(hash)).length
  return right === count ? undefined : `${right} of ${count} downloads had the right hash`
}

/** All that a connection brings. */
export async function readAll(socket: TCPSocket): Promise<Buffer> {
  const { readable } = await socket.opened
  const chunks: Uint8Array[] = []
  for await (const chunk of readable as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Something with a recognisable beginning and end. */
const speech = (words: string, bytes: number): Buffer => Buffer.alloc(bytes, words)
const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** nc connects, sends and half-closes; it gets our answer all the same. */
export async function netcatHalfCloses(host: NodeHost, linux: Namespace, ours: string): Promise<Verdict> {
  const [sends, answers] = [speech('to the page ', 240_000), speech('and back ', 180_000)]
  const server = new host.sockets.TCPServerSocket('0.0.0.0', { localPort: 5001 })
  const reader = (await server.opened).readable.getReader()
  const netcat = linux.start('nc', ['-N', ours, '5001'])
  try {
    const answered: Buffer[] = []
    netcat.stdout?.on('data', chunk => answered.push(chunk))
    const ended = new Promise(resolve => netcat.once('close', resolve))
    netcat.stdin?.end(sends)
    const { value } = await Promise.race([reader.read(), ended.then(() => ({ value: undefined }))])
    if (value === undefined) return 'nc did not connect'
    const heard = await readAll(value)
    const writer = (await value.opened).writable.getWriter()
    await writer.write(Uint8Array.from(answers))
    await writer.close()
    await ended
    const back = Buffer.concat(answered)
    if (!heard.equals(sends)) return `we heard ${heard.length} of ${sends.length} bytes`
    return back.equals(answers) ? undefined : `nc heard ${back.length} of ${answers.length} bytes`
  } finally {
    netcat.kill()
    reader.releaseLock()
    await server.close()
  }
}

/** nc listens, answers what it is told at once and half-closes; what we say after that arrives all the same. */
export async function netcatIsHalfClosed(host: NodeHost, linux: Namespace, theirs: string): Promise<Verdict> {
  const [sends, answers] = [speech('much to say ', 2_000_000), speech('little ', 7_000)]
  const netcat = linux.start('nc', ['-l', '-N', theirs, '5003'])
  try {
    const heard: Buffer[] = []
    netcat.stdout?.on('data', chunk => heard.push(chunk))
    const ended = new Promise(resolve => netcat.once('close', resolve))
    netcat.stdin?.end(answers)
    const socket = await connectWhenListening(host, theirs, 5003)
    // Its FIN is here before we begin.
    const answered = await readAll(socket)
    const writer = (await socket.opened).writable.getWriter()
    await writer.write(Uint8Array.from(sends))
    await writer.close()
    await ended
    const all = Buffer.concat(heard)
    if (!answered.equals(answers)) return `we heard ${answered.length} of ${answers.length} bytes`
    return all.equals(sends) ? undefined : `nc heard ${all.length} of ${sends.length} bytes`
  } finally {
    netcat.kill()
  }
}

/** The program that was just started may not listen yet. */
export async function connectWhenListening(
  host: NodeHost,
  address: string,
  port: number,
): Promise<TCPSocket> {
  for (let left = 100; ; left--) {
    const socket = new host.sockets.TCPSocket(address, port)
    try {
      await socket.opened
      return socket
    } catch (error) {
      if (left === 0) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

/**
 * A server in the name space: once the client has half-closed it says so many bytes, then the hash of all that it heard and the hash
 * of what it said.
 */
const hashingServer = (address: string, bytes: number): string => `
  const { createHash, randomBytes } = require('crypto')
  require('net').createServer({ allowHalfOpen: true }, socket => {
    const heard = createHash('sha256')
    const said = createHash('sha256')
    socket.on('data', data => heard.update(data))
    socket.on('end', async () => {
      for (let left = ${bytes}; left > 0; ) {
        const piece = randomBytes(Math.min(left, 65536))
        said.update(piece)
        left -= piece.length
        if (!socket.write(piece)) await new Promise(resolve => socket.once('drain', resolve))
      }
      socket.end(heard.digest('hex') + said.digest('hex'))
    })
  }).listen(5002, '${address}')`

/** We send so many bytes, half-close, and still get as many back. */
export async function weSayAndHear(
  host: NodeHost,
  linux: Namespace,
  theirs: string,
  bytes: number,
): Promise<Moved> {
  const server = linux.start(process.execPath, ['-e', hashingServer(theirs, bytes)])
  try {
    const socket = await connectWhenListening(host, theirs, 5002)
    const begun = performance.now()
    const says = body(0, bytes)
    const writer = (await socket.opened).writable.getWriter()
    await writer.write(says)
    await writer.close()
    const all = await readAll(socket)
    const rate = (2 * bytes) / 1000 / (performance.now() - begun)
    const [heard, hashes] = [all.subarray(0, bytes), all.subarray(bytes).toString()]
    return { wrong: hashes === bodyHash(bytes) + sha(heard) ? undefined : misheard(all, bytes), rate }
  } finally {
    server.kill()
  }
}

const misheard = (all: Buffer, bytes: number): string =>
  `we heard ${all.length} bytes, ${bytes} and two hashes should be there; the hashes are '${all.subarray(bytes).toString().slice(0, 128)}'`
