/**
 * iperf: the protocol of iperf3 (TCP, one direction at a time) over our sockets, client and server, so that the real one can
 * measure us.
 *
 *     client                                      server
 *     connects, its cookie of 37 bytes   ->
 *                                        <-       PARAM_EXCHANGE
 *     what to do                         ->
 *                                        <-       CREATE_STREAMS
 *     a connection a stream, the cookie  ->
 *                                        <-       TEST_START, TEST_RUNNING
 *     data, from the client or, in reverse, to it, for as long as the client likes
 *     TEST_END                           ->
 *                                        <-       EXCHANGE_RESULTS
 *     what it counted                    ->
 *                                        <-       what it counted, DISPLAY_RESULTS
 *     IPERF_DONE                         ->
 *
 * A state is one byte; what to do and what was counted are JSON behind a length of 4 bytes, big-endian.
 */
import type { DirectSockets } from '../host/sockets/direct-sockets.ts'
import type { TCPSocket } from '../host/sockets/tcp-socket.ts'

const TEST_START = 1
const TEST_RUNNING = 2
const TEST_END = 4
const PARAM_EXCHANGE = 9
const CREATE_STREAMS = 10
const EXCHANGE_RESULTS = 13
const DISPLAY_RESULTS = 14
const IPERF_DONE = 16

export const IPERF_PORT = 5201
const COOKIE = 37
/** Bytes of one write. */
const BLOCK = 131_072
/** Nobody's JSON is longer. */
const JSON_MOST = 1_048_576
const STREAMS_MOST = 128

interface Parameters {
  readonly tcp?: boolean
  readonly time: number
  readonly parallel: number
  readonly len: number
  readonly reverse?: boolean
}

interface Results {
  readonly streams: readonly { readonly id: number; readonly bytes: number }[]
}

export interface IperfTest {
  readonly seconds: number
  /** Connections at once. */
  readonly streams: number
  /** From the server to us. */
  readonly reverse: boolean
}

/** Bytes, as both ends counted them. */
export interface IperfOutcome {
  readonly sent: number
  readonly received: number
}

/** The control connection. */
class Control {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #writer: WritableStreamDefaultWriter<AllowSharedBufferSource>
  #rest: Buffer = Buffer.alloc(0)

  private constructor(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    writer: WritableStreamDefaultWriter<AllowSharedBufferSource>,
  ) {
    this.#reader = reader
    this.#writer = writer
  }

  static async on(socket: TCPSocket): Promise<Control> {
    const { readable, writable } = await socket.opened
    return new Control(readable.getReader(), writable.getWriter())
  }

  async bytes(count: number): Promise<Buffer> {
    while (this.#rest.length < count) {
      const { value, done } = await this.#reader.read()
      if (done) throw new Error('The control connection ended before the test did.')
      this.#rest = Buffer.concat([this.#rest, value])
    }
    const got = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(count)
    return got
  }

  async json(): Promise<unknown> {
    const length = (await this.bytes(4)).readUInt32BE()
    if (length > JSON_MOST) throw new Error(`${length} bytes are too many for what iperf3 has to say.`)
    return JSON.parse((await this.bytes(length)).toString())
  }

  async expect(state: number): Promise<void> {
    const got = (await this.bytes(1)).readInt8()
    if (got !== state) throw new Error(`iperf3 went to state ${got} where ${state} should follow.`)
  }

  say(...states: readonly number[]): Promise<void> {
    return this.#writer.write(Uint8Array.from(states))
  }

  sayBytes(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes)
  }

  sayJson(value: unknown): Promise<void> {
    const text = Buffer.from(JSON.stringify(value))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    return this.#writer.write(Uint8Array.from(Buffer.concat([length, text])))
  }

  async close(): Promise<void> {
    await this.#writer.close().catch(() => undefined)
    while (!(await this.#reader.read()).done);
  }
}

/** One stream of data, in one direction, counted. */
class Stream {
  bytes = 0
  readonly #socket: TCPSocket
  #over = false

  constructor(socket: TCPSocket) {
    this.#socket = socket
  }

  /** Sends until it is told to stop. A connection that ends before says so in what was counted. */
  async send(block: Uint8Array): Promise<void> {
    const writer = (await this.#socket.opened).writable.getWriter()
    try {
      while (!this.#over) {
        await writer.write(block)
        this.bytes += block.length
      }
      await writer.close()
    } catch {
      // The other end has closed it; the test is over.
    }
  }

  async receive(): Promise<void> {
    const reader = (await this.#socket.opened).readable.getReader()
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read())
        if (!this.#over) this.bytes += read.value.length
    } catch {
      // The other end has closed it; the test is over.
    }
  }

  /** No more is sent, no more is counted. */
  stop(): void {
    this.#over = true
  }

  end(): void {
    this.#socket.abort()
  }
}

const start = (streams: readonly Stream[], sending: boolean, length: number): void => {
  const block = new Uint8Array(length)
  for (const stream of streams) void (sending ? stream.send(block) : stream.receive())
}

/** As iperf3 counts: streams are 1, 3, 4, 5, … */
const results = (streams: readonly Stream[], seconds: number): unknown => ({
  cpu_util_total: 0,
  cpu_util_user: 0,
  cpu_util_system: 0,
  sender_has_retransmits: 0,
  streams: streams.map(({ bytes }, i) => ({
    id: i === 0 ? 1 : i + 2,
    bytes,
    retransmits: -1,
    jitter: 0,
    errors: 0,
    packets: 0,
    start_time: 0,
    end_time: seconds,
  })),
})

const total = (streams: readonly { readonly bytes: number }[]): number =>
  streams.reduce((sum, { bytes }) => sum + bytes, 0)

/** Measures with the iperf3 server at an address. */
export async function iperf(
  sockets: DirectSockets,
  address: string,
  { seconds, streams: count, reverse }: IperfTest,
): Promise<IperfOutcome> {
  const connect = () => new sockets.TCPSocket(address, IPERF_PORT, { noDelay: true })
  const control = await Control.on(connect())
  const cookie = new TextEncoder().encode(`${crypto.randomUUID().replaceAll('-', '')}abcd\0`)
  await control.sayBytes(cookie)
  await control.expect(PARAM_EXCHANGE)
  // iperf3 takes the mere presence of `reverse` for yes.
  const way = reverse ? { reverse } : {}
  await control.sayJson({ tcp: true, omit: 0, time: seconds, parallel: count, len: BLOCK, ...way })
  await control.expect(CREATE_STREAMS)
  const streams: Stream[] = []
  for (let i = 0; i < count; i++) {
    const socket = connect()
    const writer = (await socket.opened).writable.getWriter()
    await writer.write(cookie)
    writer.releaseLock()
    streams.push(new Stream(socket))
  }
  await control.expect(TEST_START)
  await control.expect(TEST_RUNNING)
  start(streams, !reverse, BLOCK)
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  for (const stream of streams) stream.stop()
  await control.say(TEST_END)
  await control.expect(EXCHANGE_RESULTS)
  await control.sayJson(results(streams, seconds))
  const theirs = total(((await control.json()) as Results).streams)
  await control.expect(DISPLAY_RESULTS)
  await control.say(IPERF_DONE)
  await control.close()
  for (const stream of streams) stream.end()
  const ours = total(streams)
  return reverse ? { sent: theirs, received: ours } : { sent: ours, received: theirs }
}

/** Serves iperf3's clients, one test after the other, until the socket is closed. */
export async function serveIperf(sockets: DirectSockets, address: string): Promise<void> {
  const server = new sockets.TCPServerSocket(address, { localPort: IPERF_PORT, backlog: STREAMS_MOST })
  const connections = (await server.opened).readable.getReader()
  for (;;) {
    const { value, done } = await connections.read()
    if (done) return
    await serveOne(value, connections).catch(() => value.abort())
  }
}

async function serveOne(
  first: TCPSocket,
  connections: ReadableStreamDefaultReader<TCPSocket>,
): Promise<void> {
  const control = await Control.on(first)
  const cookie = await control.bytes(COOKIE)
  await control.say(PARAM_EXCHANGE)
  const { tcp, time, parallel, len, reverse } = (await control.json()) as Parameters
  if (tcp !== true || !(parallel >= 1 && parallel <= STREAMS_MOST) || !(len >= 1 && len <= JSON_MOST))
    throw new Error('This iperf measures TCP, in one direction.')
  await control.say(CREATE_STREAMS)
  const streams: Stream[] = []
  while (streams.length < parallel) {
    const { value, done } = await connections.read()
    if (done) throw new Error('The server was closed.')
    if (await begins(value, cookie)) streams.push(new Stream(value))
    else value.abort()
  }
  await control.say(TEST_START, TEST_RUNNING)
  start(streams, reverse === true, len)
  await control.expect(TEST_END)
  for (const stream of streams) stream.stop()
  await control.say(EXCHANGE_RESULTS)
  await control.json()
  await control.sayJson(results(streams, time))
  await control.say(DISPLAY_RESULTS)
  await control.expect(IPERF_DONE)
  await control.close()
  for (const stream of streams) stream.end()
}

/** Whether a connection begins with the cookie of the test: it is one of its streams. */
async function begins(socket: TCPSocket, cookie: Uint8Array): Promise<boolean> {
  const reader = (await socket.opened).readable.getReader({ mode: 'byob' })
  let got = 0
  const seen = new Uint8Array(COOKIE)
  while (got < COOKIE) {
    const { value } = await reader.read(new Uint8Array(COOKIE - got))
    if (value === undefined || value.length === 0) break
    seen.set(value, got)
    got += value.length
  }
  reader.releaseLock()
  return Buffer.compare(seen, cookie) === 0
}
