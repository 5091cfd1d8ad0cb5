/**
 * Sockets in the shape of WICG Direct Sockets (TCPSocket, TCPServerSocket, UDPSocket) on a host's stack: promises and
 * standard streams over non-blocking handles. Not offered, because the stack has no such options yet: keepAliveDelay,
 * buffer sizes, multicast.
 *
 * Nothing is buffered here. A readable's pull calls `recv` only while somebody reads, so data that nobody reads stays
 * in the stack, whose receive window closes: back-pressure reaches the peer. A write waits until the stack has taken
 * all of it. Accepted connections wait in the listener's backlog, with their early data, until the reader comes.
 */
import { EAGAIN, ENOBUFS, type Errno, isErrno } from '../stack/errno.ts'
import { errnoName, errnoSentence } from '../stack/errno-names.ts'
import { formatIpv4, parseIpv4 } from '../stack/ip/addresses.ts'
import { type Endpoint, Event, type Ms, Option, Protocol, type Socket, type Stack } from '../stack/stack.ts'

/** Why a socket failed: `code` is the error's name ('ECONNREFUSED'), `message` a sentence. */
export class SocketError extends Error {
  override readonly name = 'NetworkError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export const socketError = (error: Errno): SocketError =>
  new SocketError(errnoName(error), errnoSentence(error))

/** A closed handle found nothing to say of itself: it ended in order. */
const stale = (): SocketError => new SocketError('ECONNABORTED', 'The connection has ended.')

/** Until when somebody waits: one socket's events, turned into promises. */
class Watch {
  #waiting: { readonly mask: number; readonly resolve: (at: Ms) => void }[] = []
  /** What ended the socket, once it has. */
  ended: SocketError | 'in order' | undefined

  readonly #now: () => Ms

  constructor(now: () => Ms) {
    this.#now = now
  }

  /** Resolves at the next event of `mask`, or when the socket has ended, with the time of that. */
  until(mask: number): Promise<Ms> {
    if (this.ended !== undefined) return Promise.resolve(this.#now())
    return new Promise(resolve => this.#waiting.push({ mask, resolve }))
  }

  /** The same, but waits so many milliseconds at most: undefined then. */
  within(ms: Ms, mask: number): Promise<Ms | undefined> {
    if (this.ended !== undefined) return Promise.resolve(this.#now())
    return new Promise(resolve => {
      const one = {
        mask,
        resolve: (at: Ms | undefined) => {
          clearTimeout(timer)
          resolve(at)
        },
      }
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter(other => other !== one)
        resolve(undefined)
      }, ms)
      this.#waiting.push(one)
    })
  }

  signal(bits: number): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    const now = this.#now()
    this.#waiting = waiting.filter(({ mask }) => (mask & bits) === 0)
    for (const { mask, resolve } of waiting) if ((mask & bits) !== 0) resolve(now)
  }

  end(how: SocketError | 'in order'): void {
    this.ended ??= how
    this.signal(~0)
  }
}

/** What the sockets of one host need of it. */
export interface SocketHost {
  readonly stack: Stack
  readonly now: () => Ms
  /** Called before each call into the stack. */
  before(): void
  /** Called after: events may have happened, and frames may want to go out. */
  after(): void
}

/** All sockets of one host. */
export class SocketTable {
  readonly #host: SocketHost
  readonly #watches = new Map<Socket, Watch>()
  /** Open TCP connections by handle, to be failed when their peer is gone. */
  readonly #connections = new Map<Socket, TCPSocket>()
  readonly #closed: Socket[] = []
  #ended: SocketError | undefined

  constructor(host: SocketHost) {
    this.#host = host
  }

  get stack(): Stack {
    return this.#host.stack
  }

  /** Runs one call into the stack. */
  call<T>(call: (stack: Stack) => T): T {
    if (this.#ended !== undefined) throw this.#ended
    this.#host.before()
    try {
      return call(this.#host.stack)
    } finally {
      this.#host.after()
    }
  }

  /** A new socket; throws a SocketError where the profile has none of that protocol or memory is full. */
  open(protocol: Protocol): Socket {
    const socket = this.call(stack => stack.socket(protocol))
    if (isErrno(socket)) throw socketError(socket)
    this.watch(socket)
    return socket
  }

  watch(socket: Socket): Watch {
    const known = this.#watches.get(socket)
    if (known !== undefined) return known
    const made = new Watch(this.#host.now)
    this.#watches.set(socket, made)
    return made
  }

  /** Gives the handle back: in order, or with a reset. Whoever still waits on it is told why. */
  close(socket: Socket, how: 'close' | 'abort', why: SocketError = stale()): void {
    const watch = this.#watches.get(socket)
    this.#watches.delete(socket)
    this.#connections.delete(socket)
    if (watch === undefined) return
    if (this.#ended === undefined)
      this.call(stack => (how === 'close' ? stack.close(socket) : stack.abort(socket)))
    watch.end(why)
  }

  /** An event of the stack. No call into the stack is made from here. */
  happened(socket: Socket, bits: number): void {
    if ((bits & Event.Closed) !== 0) this.#closed.push(socket)
    this.#watches.get(socket)?.signal(bits)
  }

  /** Calls into the stack are possible again: asks why sockets closed. */
  settle(): void {
    for (let socket = this.#closed.pop(); socket !== undefined; socket = this.#closed.pop()) {
      const watch = this.#watches.get(socket)
      if (watch === undefined) continue
      const error = this.#host.stack.error(socket)
      const how = isErrno(error) ? socketError(error) : 'in order'
      watch.end(how)
      // A connection that broke is over, whether or not anybody reads or writes; one that ended in order may still be read.
      if (how !== 'in order') this.#connections.get(socket)?.abort(how)
    }
  }

  adopt(socket: Socket, connection: TCPSocket): void {
    this.#connections.set(socket, connection)
  }

  /** Resets every connection to this address, with a reason for its user. */
  failConnectionsTo(address: string, why: SocketError): void {
    for (const connection of [...this.#connections.values()])
      if (connection.remoteAddress === address) connection.abort(why)
  }

  /** The host ends: every connection is reset, every wait ends. */
  end(why: SocketError): void {
    for (const connection of [...this.#connections.values()]) connection.abort(why)
    for (const socket of [...this.#watches.keys()]) this.close(socket, 'abort', why)
    this.#ended = why
  }
}

/** Repeats a call until it gives anything but "not now". */
async function whenReady(
  table: SocketTable,
  socket: Socket,
  mask: number,
  call: (stack: Stack) => number | Errno,
): Promise<number> {
  const watch = table.watch(socket)
  for (;;) {
    const result = table.call(call)
    if (!isErrno(result)) return result
    if (watch.ended !== undefined) throw watch.ended === 'in order' ? stale() : watch.ended
    if (result === ENOBUFS) await watch.within(MEMORY_RETRY_MS, Event.Closed)
    else if (result !== EAGAIN) throw socketError(result)
    else await watch.until(mask | Event.Closed)
  }
}

/** No event tells that some other connection has given memory back. */
const MEMORY_RETRY_MS = 20

const asBytes = (data: AllowSharedBufferSource): Uint8Array =>
  ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)

/** The address as a number; a TypeError with a sentence when it is not one. */
function requireAddress(text: string): number {
  const address = parseIpv4(text)
  if (address === undefined)
    throw new TypeError(`'${text}' is not an IPv4 address; it looks like 169.254.1.2.`)
  return address
}

function requirePort(port: number, least: 0 | 1): number {
  if (Number.isInteger(port) && port >= least && port <= 65535) return port
  throw new TypeError(`${port} is not a port; ports are ${least} to 65535.`)
}

function endpoint(stack: Stack, socket: Socket, end: 'local' | 'remote'): { address: string; port: number } {
  const at: Endpoint = { address: 0, port: 0 }
  stack.name(socket, end, at)
  return { address: formatIpv4(at.address), port: at.port }
}

export interface TCPSocketOptions {
  /** Whether short text goes out at once (Nagle's algorithm is off); false if absent. */
  readonly noDelay?: boolean
}

export interface TCPSocketOpenInfo {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<AllowSharedBufferSource>
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

/** Bytes that a read without a buffer of its own takes at once. */
const READ_CHUNK = 16_384

export class TCPSocket {
  /** Resolves when the handshake is complete; rejects with a SocketError when it is refused or unanswered. */
  readonly opened: Promise<TCPSocketOpenInfo>
  /** Resolves when both directions ended in order; rejects with a SocketError when the connection broke. */
  readonly closed: Promise<void>
  readonly remoteAddress: string
  readonly #table: SocketTable
  readonly #socket: Socket
  #info: TCPSocketOpenInfo | undefined
  #readController: ReadableByteStreamController | undefined
  #writeController: WritableStreamDefaultController | undefined
  #readDone = false
  #writeDone = false
  #over = false
  #resolveClosed: () => void = () => undefined
  #rejectClosed: (why: SocketError) => void = () => undefined

  /** `accepted`: the handle of a connection that is established already; else one is opened. */
  constructor(
    table: SocketTable,
    remoteAddress: string,
    remotePort: number,
    options: TCPSocketOptions = {},
    accepted?: Socket,
  ) {
    this.#table = table
    this.remoteAddress = remoteAddress
    this.closed = new Promise((resolve, reject) => {
      this.#resolveClosed = resolve
      this.#rejectClosed = reject
    })
    // Who does not ask for `closed` is not to be bothered by its failure; `opened` and the streams tell as well.
    this.closed.catch(() => undefined)
    if (accepted === undefined) {
      const address = requireAddress(remoteAddress)
      requirePort(remotePort, 1)
      this.#socket = table.open(Protocol.Tcp)
      table.adopt(this.#socket, this)
      if (options.noDelay) table.stack.setOption(this.#socket, Option.NoDelay, 1)
      this.opened = this.#connect(address, remotePort)
    } else {
      this.#socket = accepted
      table.watch(accepted)
      table.adopt(accepted, this)
      this.opened = Promise.resolve(this.#open())
    }
  }

  async #connect(address: number, port: number): Promise<TCPSocketOpenInfo> {
    const watch = this.#table.watch(this.#socket)
    const connected = watch.until(Event.Connected | Event.Closed)
    const begun = this.#table.call(stack => stack.connect(this.#socket, address, port))
    const refused = isErrno(begun) ? socketError(begun) : undefined
    if (refused === undefined) await connected
    if (refused === undefined && watch.ended === undefined) return this.#open()
    const why = refused ?? (watch.ended instanceof SocketError ? watch.ended : stale())
    this.#fail(why)
    throw why
  }

  #open(): TCPSocketOpenInfo {
    const { stack } = this.#table
    const local = endpoint(stack, this.#socket, 'local')
    const remote = endpoint(stack, this.#socket, 'remote')
    this.#info = {
      readable: this.#makeReadable(),
      writable: this.#makeWritable(),
      remoteAddress: remote.address,
      remotePort: remote.port,
      localAddress: local.address,
      localPort: local.port,
    }
    return this.#info
  }

  #makeReadable(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      type: 'bytes',
      autoAllocateChunkSize: READ_CHUNK,
      start: controller => {
        this.#readController = controller
      },
      pull: controller => this.#pull(controller),
      cancel: () => {
        void this.#discard()
      },
    })
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    const request = controller.byobRequest
    const view = request?.view
    if (!request || !view) return
    const into = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    const length = await this.#receive(into)
    if (this.#over) return
    if (length === 0) controller.close()
    request.respond(length)
    if (length === 0) this.#endRead()
  }

  async #receive(into: Uint8Array): Promise<number> {
    try {
      return await whenReady(this.#table, this.#socket, Event.Readable, stack =>
        stack.recv(this.#socket, into),
      )
    } catch (error) {
      this.#fail(error as SocketError)
      throw error
    }
  }

  /** The reader has gone: what still comes is read and thrown away, so that the peer can finish. */
  async #discard(): Promise<void> {
    const into = new Uint8Array(READ_CHUNK)
    this.#endRead()
    while (!this.#over && (await this.#receive(into).catch(() => 0)) > 0);
  }

  #makeWritable(): WritableStream<AllowSharedBufferSource> {
    return new WritableStream({
      start: controller => {
        this.#writeController = controller
      },
      write: chunk => this.#write(asBytes(chunk)),
      close: () => {
        this.#table.call(stack => stack.shutdown(this.#socket))
        this.#writeDone = true
        this.#finish()
      },
      abort: () => this.abort(),
    })
  }

  async #write(data: Uint8Array): Promise<void> {
    try {
      for (let sent = 0; sent < data.length; ) {
        const rest = data.subarray(sent)
        sent += await whenReady(this.#table, this.#socket, Event.Writable, stack =>
          stack.send(this.#socket, rest),
        )
      }
    } catch (error) {
      this.#fail(error as SocketError)
      throw error
    }
  }

  #endRead(): void {
    this.#readDone = true
    this.#finish()
  }

  /** Both directions have ended: the handle goes back, the stack sees to the rest. */
  #finish(): void {
    if (this.#over || !this.#readDone || !this.#writeDone) return
    this.#over = true
    this.#table.close(this.#socket, 'close')
    this.#resolveClosed()
  }

  #fail(why: SocketError): void {
    if (this.#over) return
    this.#over = true
    this.#table.close(this.#socket, 'abort', why)
    this.#rejectClosed(why)
    this.#writeController?.error(why)
    if (!this.#readDone) this.#readController?.error(why)
  }

  /** Ends the connection in order. Rejects while a reader or writer is held: release it, or close its stream. */
  async close(): Promise<void> {
    const { readable, writable } = this.#info ?? (await this.opened)
    if (this.#over) return this.closed
    if (readable.locked || writable.locked)
      throw new DOMException(
        'Release the reader and the writer before closing the socket.',
        'InvalidStateError',
      )
    if (!this.#writeDone) await writable.close()
    if (!this.#readDone) await readable.cancel()
    return this.closed
  }

  /** Resets the connection at once. */
  abort(
    why: SocketError = new SocketError('ECONNABORTED', 'The connection was aborted on this side.'),
  ): void {
    this.#fail(why)
  }
}

export interface TCPServerSocketOptions {
  /** 1 to 65535; a free one of the stack's choice if absent. */
  readonly localPort?: number
  /** Connections that may wait to be accepted; 8 if absent. */
  readonly backlog?: number
}

export interface TCPServerSocketOpenInfo {
  readonly readable: ReadableStream<TCPSocket>
  readonly localAddress: string
  readonly localPort: number
}

const BACKLOG = 8

export class TCPServerSocket {
  readonly opened: Promise<TCPServerSocketOpenInfo>
  readonly closed: Promise<void>
  readonly #table: SocketTable
  readonly #socket: Socket
  #over = false
  #resolveClosed: () => void = () => undefined

  constructor(table: SocketTable, localAddress: string, options: TCPServerSocketOptions = {}) {
    this.#table = table
    const address = requireAddress(localAddress)
    const port = options.localPort === undefined ? 0 : requirePort(options.localPort, 1)
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve
    })
    this.#socket = table.open(Protocol.Tcp)
    this.opened = this.#listen(address, port, options.backlog ?? BACKLOG)
  }

  async #listen(address: number, port: number, backlog: number): Promise<TCPServerSocketOpenInfo> {
    const bound = this.#table.call(stack => stack.bind(this.#socket, address, port))
    const listening = isErrno(bound) ? bound : this.#table.call(stack => stack.listen(this.#socket, backlog))
    if (isErrno(listening)) {
      this.#end()
      throw socketError(listening)
    }
    const local = endpoint(this.#table.stack, this.#socket, 'local')
    const readable = new ReadableStream<TCPSocket>(
      { pull: controller => this.#accept(controller), cancel: () => this.#end() },
      { highWaterMark: 0 },
    )
    return { readable, localAddress: local.address, localPort: local.port }
  }

  async #accept(controller: ReadableStreamDefaultController<TCPSocket>): Promise<void> {
    const accepted = (await whenReady(this.#table, this.#socket, Event.Readable, stack =>
      stack.accept(this.#socket),
    ).catch(error => {
      // Nobody can take its connections any more.
      this.#end()
      throw error
    })) as Socket
    const remote = endpoint(this.#table.stack, accepted, 'remote')
    controller.enqueue(new TCPSocket(this.#table, remote.address, remote.port, {}, accepted))
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#table.close(this.#socket, 'close')
    this.#resolveClosed()
  }

  /** No more connections are taken; those that were accepted live on. */
  async close(): Promise<void> {
    this.#end()
  }
}

export interface UDPMessage {
  readonly data: AllowSharedBufferSource
  /** Where it came from or goes to; absent when sending on a connected socket. */
  readonly remoteAddress?: string
  readonly remotePort?: number
}

export interface UDPSocketOptions {
  readonly remoteAddress?: string
  readonly remotePort?: number
  /** 0 or absent: any free port. */
  readonly localPort?: number
}

export interface UDPSocketOpenInfo {
  readonly readable: ReadableStream<Required<UDPMessage> & { readonly data: Uint8Array }>
  readonly writable: WritableStream<UDPMessage>
  readonly localAddress: string
  readonly localPort: number
}

/** The largest UDP datagram: 65,535 bytes less the headers of IP and UDP. */
const DATAGRAM_MAX = 65_507

export class UDPSocket {
  readonly opened: Promise<UDPSocketOpenInfo>
  readonly closed: Promise<void>
  readonly #table: SocketTable
  readonly #socket: Socket
  /** Where a datagram is read before its size is known. */
  readonly #into = new Uint8Array(DATAGRAM_MAX)
  #over = false
  #resolveClosed: () => void = () => undefined

  constructor(table: SocketTable, options: UDPSocketOptions) {
    this.#table = table
    const port = requirePort(options.localPort ?? 0, 0)
    const remote =
      options.remoteAddress === undefined
        ? undefined
        : { address: requireAddress(options.remoteAddress), port: requirePort(options.remotePort ?? 0, 1) }
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve
    })
    this.#socket = table.open(Protocol.Udp)
    this.opened = this.#open(port, remote)
  }

  async #open(port: number, remote: Endpoint | undefined): Promise<UDPSocketOpenInfo> {
    const result = this.#table.call(stack => {
      const bound = stack.bind(this.#socket, 0, port)
      return isErrno(bound) || remote === undefined
        ? bound
        : stack.connect(this.#socket, remote.address, remote.port)
    })
    if (isErrno(result)) {
      this.#end()
      throw socketError(result)
    }
    const local = endpoint(this.#table.stack, this.#socket, 'local')
    const readable: UDPSocketOpenInfo['readable'] = new ReadableStream(
      { pull: controller => this.#receive(controller), cancel: () => this.#end() },
      { highWaterMark: 0 },
    )
    const writable = new WritableStream<UDPMessage>({
      write: message => this.#send(message),
      close: () => this.#end(),
      abort: () => this.#end(),
    })
    return { readable, writable, localAddress: local.address, localPort: local.port }
  }

  async #receive(controller: ReadableStreamDefaultController<unknown>): Promise<void> {
    const from: Endpoint = { address: 0, port: 0 }
    const length = await whenReady(this.#table, this.#socket, Event.Readable, stack =>
      stack.recvFrom(this.#socket, this.#into, from),
    )
    const remoteAddress = formatIpv4(from.address)
    controller.enqueue({ data: this.#into.slice(0, length), remoteAddress, remotePort: from.port })
  }

  async #send({ data, remoteAddress, remotePort }: UDPMessage): Promise<void> {
    const to =
      remoteAddress === undefined
        ? undefined
        : { address: requireAddress(remoteAddress), port: requirePort(remotePort ?? 0, 1) }
    const bytes = asBytes(data)
    await whenReady(this.#table, this.#socket, Event.Writable, stack =>
      to === undefined
        ? stack.send(this.#socket, bytes)
        : stack.sendTo(this.#socket, bytes, to.address, to.port),
    )
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#table.close(this.#socket, 'close')
    this.#resolveClosed()
  }

  async close(): Promise<void> {
    this.#end()
  }
}

/** The constructors of Direct Sockets, for code that runs on this host. */
export interface DirectSockets {
  readonly TCPSocket: new (remoteAddress: string, remotePort: number, options?: TCPSocketOptions) => TCPSocket
  readonly TCPServerSocket: new (localAddress: string, options?: TCPServerSocketOptions) => TCPServerSocket
  readonly UDPSocket: new (options: UDPSocketOptions) => UDPSocket
}

export const directSockets = (table: SocketTable): DirectSockets => ({
  TCPSocket: class extends TCPSocket {
    constructor(remoteAddress: string, remotePort: number, options?: TCPSocketOptions) {
      super(table, remoteAddress, remotePort, options)
    }
  },
  TCPServerSocket: class extends TCPServerSocket {
    constructor(localAddress: string, options?: TCPServerSocketOptions) {
      super(table, localAddress, options)
    }
  },
  UDPSocket: class extends UDPSocket {
    constructor(options: UDPSocketOptions) {
      super(table, options)
    }
  },
})
