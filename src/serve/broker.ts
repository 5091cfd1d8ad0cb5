/**
 * The signalling broker: MQTT over WebSocket, inside the server's process.
 *
 * It carries sealed messages between pages and understands none of them. A stranger who reaches it can neither list
 * rooms (no wildcard, no $SYS), nor leave anything behind (nothing retained, no session that outlives its
 * connection), nor fill its memory (bounds on message, subscriptions and clients).
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { Aedes, type Client } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { MAX_MESSAGE, TOPIC } from '../room/topic.ts'

export const BROKER_PATH = '/mqtt'

export const BOUNDS = {
  /** Clients at once; a room takes 32. */
  clients: 512,
  /** A page needs two: its room's topic and its own. */
  subscriptions: 4,
  /** Bytes in one WebSocket message: an MQTT packet with its topic. */
  packet: MAX_MESSAGE + 256,
  /** Bytes that may wait for a client; one that reads nothing is cut off, for aedes would let all others wait with it. */
  waiting: 1024 * 1024,
  /** Milliseconds a connection may take to say CONNECT. */
  connectTimeout: 5_000,
} as const

export interface Broker {
  /** Takes over an HTTP upgrade that is meant for BROKER_PATH. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void
  readonly connectedClients: number
  close(): Promise<void>
}

export async function createBroker(): Promise<Broker> {
  const subscriptions = new WeakMap<Client, number>()
  const aedes = await Aedes.createBroker({
    connectTimeout: BOUNDS.connectTimeout,
    maxTopicLevels: 3,
    maxClientsIdLength: 64,
    // MQTT 3.1.1, 3.1.2.4: a session that is not clean would be kept for a client that never returns.
    // Refused with an error: aedes leaves a connection open, for ever, that it refuses without one.
    preConnect: (_client, packet, done) =>
      packet.clean === true ? done(null, true) : done(new Error('only clean sessions are kept here'), false),
    authorizePublish: (_client, { topic, payload, retain, qos }, done) =>
      done(refusal(topic, payload, retain, qos)),
    authorizeSubscribe: (client, subscription, done) => {
      const held = (subscriptions.get(client) ?? 0) + 1
      const granted = TOPIC.test(subscription.topic) && held <= BOUNDS.subscriptions
      if (granted) subscriptions.set(client, held)
      // MQTT 3.1.1, 3.9.3: null answers with return code 0x80, failure.
      done(null, granted ? subscription : null)
    },
  })
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: BOUNDS.packet,
    perMessageDeflate: false,
    // MQTT 3.1.1, 6: the subprotocol's name is 'mqtt'.
    handleProtocols: offered => (offered.has('mqtt') ? 'mqtt' : false),
  })

  return {
    accept(request, socket, head) {
      if (server.clients.size >= BOUNDS.clients) return refuseUpgrade(socket, '503 Service Unavailable')
      server.handleUpgrade(request, socket, head, websocket => {
        // A WebSocket's error is its stream's error too, and aedes ends the client upon that.
        websocket.on('error', () => websocket.terminate())
        const stream = createWebSocketStream(websocket, {
          // aedes writes a packet in pieces: together they are one WebSocket message.
          writev: (pieces, done) => {
            if (websocket.bufferedAmount > BOUNDS.waiting) websocket.terminate()
            else websocket.send(Buffer.concat(pieces.map(({ chunk }) => chunk)), () => undefined)
            done()
          },
        })
        aedes.handle(stream, request)
      })
    },
    get connectedClients() {
      return aedes.connectedClients
    },
    close() {
      for (const websocket of server.clients) websocket.terminate()
      server.close()
      return new Promise(resolve => aedes.close(resolve))
    },
  }
}

/** Ends an upgrade that nobody takes, so that its socket does not hang. */
export function refuseUpgrade(socket: Duplex, status: '404 Not Found' | '503 Service Unavailable'): void {
  // Node has let go of the socket: a client that resets it now would otherwise end the whole server.
  socket.on('error', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function refusal(topic: string, payload: string | Buffer, retain: boolean, qos: number): Error | null {
  if (!TOPIC.test(topic)) return new Error('a topic of lanlet is lanlet/ and 32 hex digits')
  if (payload.length > MAX_MESSAGE) return new Error(`a message holds at most ${MAX_MESSAGE} bytes`)
  if (retain) return new Error('nothing is retained here')
  if (qos > 1) return new Error('QoS 2 is not spoken here')
  return null
}
