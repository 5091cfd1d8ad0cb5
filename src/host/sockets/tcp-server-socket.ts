/** TCPServerSocket: a stream of accepted connections. */
import { isErrno } from '../../stack/errno.ts'
import { Event, Protocol, type Socket } from '../../stack/stack.ts'
import { type Address, endpoint, requireAddress, requirePort } from './address.ts'
import { socketError } from './socket-error.ts'
import { type SocketTable, whenReady } from './socket-table.ts'
import { TCPSocket } from './tcp-socket.ts'

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

  async #listen(address: Address, port: number, backlog: number): Promise<TCPServerSocketOpenInfo> {
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

  /** No more connections are taken; those that were accepted live on. Rejects while a reader is held: release it. */
  async close(): Promise<void> {
    const { readable } = await this.opened
    if (this.#over) return
    if (readable.locked)
      throw new DOMException('Release the reader before closing the socket.', 'InvalidStateError')
    await readable.cancel()
  }
}
