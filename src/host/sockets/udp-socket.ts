/** UDPSocket: datagrams as two streams. */
import { isErrno } from '../../stack/errno.ts'
import { Event, Protocol, type Socket } from '../../stack/stack.ts'
import { type Address, blankEndpoint, endpoint, requireAddress, requirePort, told } from './address.ts'
import { socketError } from './socket-error.ts'
import { asBytes, type SocketTable, whenReady } from './socket-table.ts'

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

interface Remote {
  readonly address: Address
  readonly port: number
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

  async #open(port: number, remote: Remote | undefined): Promise<UDPSocketOpenInfo> {
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
    const from = blankEndpoint()
    const length = await whenReady(this.#table, this.#socket, Event.Readable, stack =>
      stack.recvFrom(this.#socket, this.#into, from),
    )
    const { address: remoteAddress, port: remotePort } = told(from)
    controller.enqueue({ data: this.#into.slice(0, length), remoteAddress, remotePort })
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

  /** Closes both streams. Rejects while a reader or writer is held: release it, or close its stream. */
  async close(): Promise<void> {
    const { readable, writable } = await this.opened
    if (this.#over) return
    if (readable.locked || writable.locked)
      throw new DOMException(
        'Release the reader and the writer before closing the socket.',
        'InvalidStateError',
      )
    this.#end()
    // A stream that has met an error is over already.
    await Promise.allSettled([readable.cancel(), writable.close()])
  }
}
