/** TCPSocket: one connection as two streams. */
import { isErrno } from '../../stack/errno.ts'
import { Event, Option, Protocol, type Socket } from '../../stack/stack.ts'
import { type Address, endpoint, formatAddress, requireHost, requirePort } from './address.ts'
import { SocketError, socketError, stale } from './socket-error.ts'
import { asBytes, type SocketTable, whenReady } from './socket-table.ts'

export interface TCPSocketOptions {
  /** Whether short text goes out at once (Nagle's algorithm is off); false if absent. */
  readonly noDelay?: boolean
  /** Milliseconds of silence, 1000 at least, after which the peer is asked whether it is there; it is not asked if absent. */
  readonly keepAliveDelay?: number
}

export interface TCPSocketOpenInfo {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<AllowSharedBufferSource>
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

/** What WICG Direct Sockets asks of keepAliveDelay, ms; and the most that the stack takes, s: nine hours. */
const KEEP_ALIVE_DELAY_LEAST = 1000
const KEEP_ALIVE_SECONDS_MOST = 32_767
/** Bytes that a read without a buffer of its own takes at once. */
const READ_CHUNK = 16_384
const NOTHING = new Uint8Array(0)

export class TCPSocket {
  /** Resolves when the handshake is complete; rejects with a SocketError when it is refused or unanswered. */
  readonly opened: Promise<TCPSocketOpenInfo>
  /** Resolves when both directions ended in order; rejects with a SocketError when the connection broke. */
  readonly closed: Promise<void>
  readonly #table: SocketTable
  readonly #socket: Socket
  #remoteAddress: string
  #info: TCPSocketOpenInfo | undefined
  #readController: ReadableByteStreamController | undefined
  #writeController: WritableStreamDefaultController | undefined
  #readDone = false
  #writeDone = false
  #over = false
  /** What was acknowledged to a peer that is gone, and nobody has read yet; and what to say behind it. */
  #unread: { bytes: Uint8Array; readonly why: SocketError } | undefined
  #resolveClosed: () => void = () => undefined
  #rejectClosed: (why: SocketError) => void = () => undefined

  /** A name is resolved first (as WICG's Direct Sockets have it). `accepted`: the handle of a connection that is established already; else one is opened. */
  constructor(
    table: SocketTable,
    remoteAddress: string,
    remotePort: number,
    options: TCPSocketOptions = {},
    accepted?: Socket,
  ) {
    this.#table = table
    this.#remoteAddress = remoteAddress
    this.closed = new Promise((resolve, reject) => {
      this.#resolveClosed = resolve
      this.#rejectClosed = reject
    })
    // Who does not ask for `closed` is not to be bothered by its failure; `opened` and the streams tell as well.
    this.closed.catch(() => undefined)
    if (accepted === undefined) {
      const host = requireHost(remoteAddress)
      requirePort(remotePort, 1)
      const delay = options.keepAliveDelay
      if (delay !== undefined && !(delay >= KEEP_ALIVE_DELAY_LEAST))
        throw new TypeError(`keepAliveDelay is ${KEEP_ALIVE_DELAY_LEAST} ms at least; ${delay} is not.`)
      this.#socket = table.open(Protocol.Tcp)
      table.adopt(this.#socket, this)
      if (options.noDelay) table.stack.setOption(this.#socket, Option.NoDelay, 1)
      this.opened = this.#connect(host, remotePort, delay)
    } else {
      this.#socket = accepted
      table.watch(accepted)
      table.adopt(accepted, this)
      this.opened = Promise.resolve(this.#open())
    }
  }

  /** The peer's address; as long as it is not known, its name. */
  get remoteAddress(): string {
    return this.#remoteAddress
  }

  async #connect(
    host: Address | { readonly name: string },
    port: number,
    keepAliveDelay?: number,
  ): Promise<TCPSocketOpenInfo> {
    const address = typeof host === 'object' && 'name' in host ? await this.#resolve(host.name) : host
    const watch = this.#table.watch(this.#socket)
    const connected = watch.until(Event.Connected | Event.Closed)
    const set = keepAliveDelay === undefined ? 0 : this.#keepAlive(keepAliveDelay)
    const begun = isErrno(set) ? set : this.#table.call(stack => stack.connect(this.#socket, address, port))
    const refused = isErrno(begun) ? socketError(begun) : undefined
    if (refused === undefined) await connected
    if (refused === undefined && watch.ended === undefined) return this.#open()
    const why = refused ?? (watch.ended instanceof SocketError ? watch.ended : stale())
    this.#fail(why)
    throw why
  }

  /** The address behind a name, which the connection has from then on. */
  async #resolve(name: string): Promise<Address> {
    try {
      const address = await this.#table.resolve(name)
      this.#remoteAddress = formatAddress(address)
      return address
    } catch (error) {
      this.#fail(error as SocketError)
      throw error
    }
  }

  /** The stack counts in seconds; the delay is also that between two keep-alives, as in Chromium. */
  #keepAlive(delay: number): number {
    const { stack } = this.#table
    const seconds = Math.min(KEEP_ALIVE_SECONDS_MOST, Math.ceil(delay / 1000))
    const settings = [
      [Option.KeepAlive, 1] as const,
      [Option.KeepIdle, seconds] as const,
      [Option.KeepInterval, seconds] as const,
    ]
    return settings.map(([option, value]) => stack.setOption(this.#socket, option, value)).find(isErrno) ?? 0
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
    if (this.#unread !== undefined) return this.#takeUnread(controller, request, into)
    if (this.#over) return
    if (length === 0) controller.close()
    request.respond(length)
    if (length === 0) this.#endRead()
  }

  /** A part of it into the reader's buffer; behind the last the reader is told what became of the connection. */
  #takeUnread(
    controller: ReadableByteStreamController,
    request: ReadableStreamBYOBRequest,
    into: Uint8Array,
  ): void {
    if (this.#unread === undefined) return
    const { bytes, why } = this.#unread
    const part = bytes.subarray(0, into.length)
    into.set(part)
    this.#unread.bytes = bytes.subarray(part.length)
    request.respond(part.length)
    if (part.length === bytes.length) controller.error(why)
  }

  async #receive(into: Uint8Array): Promise<number> {
    if (this.#unread !== undefined) return 0
    try {
      return await whenReady(this.#table, this.#socket, Event.Readable, stack =>
        stack.recv(this.#socket, into),
      )
    } catch (error) {
      if (this.#unread !== undefined) return 0
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
    if (!this.#readDone && this.#unread === undefined) this.#readController?.error(why)
  }

  /** The peer is gone. What it was told to have arrived can still be read, then comes the error. */
  peerGone(why: SocketError): void {
    if (this.#over) return
    const bytes = this.#readController === undefined || this.#readDone ? NOTHING : this.#drain()
    if (bytes.length > 0) this.#unread = { bytes, why }
    this.#fail(why)
  }

  /** All that the stack has for the reader. */
  #drain(): Uint8Array {
    // No window is larger than the budget.
    const into = new Uint8Array(this.#table.stack.memory.size)
    const length = this.#table.call(stack => stack.recv(this.#socket, into))
    return isErrno(length) ? NOTHING : into.slice(0, length)
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
