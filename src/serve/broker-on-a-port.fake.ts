/** The real broker on a port of its own, which tests can stop and start again. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocket as NodeWebSocket } from 'ws'
import type { OpenSocket } from '../room/signalling.ts'
import { type Broker, createBroker } from './broker.ts'

/** Node 20 has no WebSocket of its own. */
export const openNodeSocket: OpenSocket = (url, protocol) =>
  new NodeWebSocket(url, protocol) as unknown as WebSocket

export class BrokerOnAPort {
  #server: Server = createServer()
  #broker: Broker | undefined
  #port = 0

  static async start(): Promise<BrokerOnAPort> {
    const started = new BrokerOnAPort()
    await started.restart()
    return started
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}/mqtt`
  }

  get broker(): Broker {
    if (this.#broker === undefined) throw new Error('the broker is stopped')
    return this.#broker
  }

  async restart(): Promise<void> {
    const broker = await createBroker()
    this.#broker = broker
    this.#server = createServer()
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      broker.accept(request, socket, head),
    )
    await new Promise<void>(resolve => this.#server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    await this.#broker?.close()
    this.#broker = undefined
    await new Promise(resolve => this.#server.close(resolve))
  }
}
