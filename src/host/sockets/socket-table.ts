/** The sockets that programs hold on one host: their events as promises, and what ended each. */
import { EAGAIN, ENOBUFS, type Errno, isErrno } from '../../stack/errno.ts'
import { Event, type Ms, NameType, type Protocol, type Socket, type Stack } from '../../stack/stack.ts'
import type { Address } from './address.ts'
import { SocketError, socketError, stale } from './socket-error.ts'
import type { TCPSocket } from './tcp-socket.ts'

/** Until when somebody waits: one socket's events, turned into promises. */
export class Watch {
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

  /** The first address behind a name, an IPv6 one where it has no other; throws a SocketError when there is none. */
  async resolve(name: string): Promise<Address> {
    const four = new DataView(new ArrayBuffer(4))
    try {
      await this.answer(name, NameType.A, new Uint8Array(four.buffer))
      return four.getUint32(0)
    } catch (error) {
      if (!(error instanceof SocketError && error.code === 'ENODATA')) throw error
    }
    const sixteen = new Uint8Array(16)
    await this.answer(name, NameType.Aaaa, sixteen)
    return sixteen
  }

  /** Asks for a name, as the stack's `resolve`: bytes put into `into`; throws a SocketError when there is no answer. */
  async answer(name: string, type: NameType, into: Uint8Array): Promise<number> {
    let told: Promise<Ms> | undefined
    const socket = this.call(stack => {
      const asked = stack.resolve(name, type)
      // Of a name that is known already the answer is told before this call has ended.
      if (!isErrno(asked)) told = this.watch(asked).until(Event.Readable | Event.Closed)
      return asked
    })
    if (isErrno(socket)) throw socketError(socket)
    await told
    const { ended } = this.watch(socket)
    const length = this.call(stack => stack.resolved(socket, into))
    this.close(socket, 'close')
    if (isErrno(length) || ended !== undefined) throw ended instanceof SocketError ? ended : stale()
    return length
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

  /** Resets every connection to this address, whose host is gone, with a reason for its user. */
  failConnectionsTo(address: string, why: SocketError): void {
    for (const connection of [...this.#connections.values()])
      if (connection.remoteAddress === address) connection.peerGone(why)
  }

  /** The host ends: every connection is reset, every wait ends. */
  end(why: SocketError): void {
    for (const connection of [...this.#connections.values()]) connection.abort(why)
    for (const socket of [...this.#watches.keys()]) this.close(socket, 'abort', why)
    this.#ended = why
  }
}

/** Repeats a call until it gives anything but "not now". */
export async function whenReady(
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
export const MEMORY_RETRY_MS = 20

export const asBytes = (data: AllowSharedBufferSource): Uint8Array =>
  ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
