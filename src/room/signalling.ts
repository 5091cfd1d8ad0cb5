/**
 * Signalling: sealed messages between pages through an MQTT broker, over WebSocket.
 *
 * It connects, and when the connection ends connects again by itself, ever more slowly. Each connection leaves the broker a
 * last will, so that the others hear of a page that vanished (MQTT 3.1.1, 3.1.2.5). What a message says is not its affair.
 */
import { type MqttClient, mqtt_v4 } from 'u8-mqtt/esm/basic-v4.js'
import { MqttPackets } from './mqtt-packets.ts'

/** Milliseconds, unless said otherwise. */
const ANSWER_WITHIN = 10_000
/** A hidden page's timers may wait a minute, so the broker is told to be patient: it waits 1.5 times as long (3.1.2.10). */
const KEEP_ALIVE_SECONDS = 90
const PING_EVERY = 25_000
const FIRST_PAUSE = 500
const LONGEST_PAUSE = 15_000

export interface Letter {
  readonly topic: string
  readonly payload: Uint8Array
}

export interface SignallingOptions {
  readonly url: string
  /** Unique at the broker: it ends another client of the same name. */
  readonly clientId: string
  readonly topics: readonly string[]
  /** Made anew for each connection. */
  readonly will: () => Letter
  readonly events: SignallingEvents
  /** Where there is no global WebSocket. */
  readonly openSocket?: OpenSocket | undefined
}

export interface SignallingEvents {
  /** Connected and subscribed. */
  onOnline(): void
  /** `why`: one sentence. It tries again by itself. */
  onOffline(why: string): void
  onLetter(letter: Letter): void
}

export type OpenSocket = (url: string, protocol: string) => WebSocket

export class Signalling {
  readonly #options: SignallingOptions
  #connection: Connection | undefined
  #left = false
  #wake: () => void = () => {}

  constructor(options: SignallingOptions) {
    this.#options = options
    void this.#stayConnected()
  }

  /** False: there is no connection now, and nothing was sent. */
  publish(letter: Letter): boolean {
    this.#connection?.publish(letter)
    return this.#connection !== undefined
  }

  /** Says `lastWords` and leaves; the last will stays unread. Sends within the call, so a page that closes may call it. */
  leave(lastWords: Letter): void {
    this.publish(lastWords)
    this.#left = true
    this.#connection?.disconnect()
    this.#wake()
  }

  async #stayConnected(): Promise<void> {
    const { events } = this.#options
    for (let failures = 0; !this.#left; failures++) {
      const connection = new Connection(this.#options)
      const why = await connection.ready.then(
        () => {
          if (this.#left) {
            connection.disconnect()
            return ''
          }
          failures = 0
          this.#connection = connection
          events.onOnline()
          return connection.ended
        },
        (error: Error) => error.message,
      )
      this.#connection = undefined
      if (this.#left) return
      events.onOffline(why)
      await this.#pause(failures)
    }
  }

  #pause(failures: number): Promise<void> {
    const longest = Math.min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE)
    return new Promise(resolve => {
      const timer = setTimeout(resolve, longest * (0.5 + Math.random() / 2)) // not all pages at once
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** One connection to the broker, from its opening to its end. */
class Connection {
  /** Rejects with one sentence. */
  readonly ready: Promise<void>
  /** Resolves, with one sentence, when a connection that was ready has ended. */
  readonly ended: Promise<string>
  readonly #socket: WebSocket | undefined
  readonly #client: MqttClient
  #end: (why: string) => void = () => {}
  #heard = true

  constructor({ url, clientId, topics, will, events, openSocket = openWebSocket }: SignallingOptions) {
    this.ended = new Promise(resolve => {
      this.#end = resolve
    })
    this.#client = mqtt_v4({
      keep_alive: 0,
      sess_stg: null,
      on_mqtt_type: {
        // In a task of its own: what it throws is no fault of the broker's.
        mqtt_publish: ({ topic, payload }) =>
          queueMicrotask(() => events.onLetter({ topic, payload: payload ?? new Uint8Array() })),
      },
      on_live: () => {},
      log_conn: () => {},
      on_error: () => {},
    })
    let socket: WebSocket
    try {
      socket = openSocket(url, 'mqtt')
    } catch {
      this.ready = Promise.reject(
        new Error(`This page may not open ${url}: a page that came by https needs a wss:// broker.`),
      )
      return
    }
    this.#socket = socket
    const failed = this.#watch(socket, url)
    const answer = setTimeout(() => this.#fail(`The broker at ${url} does not answer.`), ANSWER_WITHIN)
    const ping = setInterval(() => this.#ping(url), PING_EVERY)
    void this.ended.then(() => {
      clearTimeout(answer)
      clearInterval(ping)
    })
    const greet = async () => {
      const { topic, payload } = will()
      await this.#client.connect({
        client_id: clientId,
        flags: { clean_start: true },
        keep_alive: KEEP_ALIVE_SECONDS,
        will: { topic, payload, qos: 0, retain: false },
      })
      const [suback] = await this.#client.subscribe(topics)
      if (suback?.answers.some(code => Number(code) >= 0x80) !== false)
        throw new Error(`The broker at ${url} refuses lanlet's topics: it must allow lanlet/#.`)
      clearTimeout(answer)
    }
    this.ready = Promise.race([greet(), failed])
    this.ready.catch((error: Error) => this.#fail(error.message))
  }

  publish({ topic, payload }: Letter): void {
    this.#client.send(topic, payload).catch(() => {}) // the connection's end is told by `ended`
  }

  disconnect(): void {
    this.#client.disconnect().catch(() => {})
    this.#fail('This page left.')
  }

  /** Joins the client to its socket; the promise rejects when the connection ends. */
  #watch(socket: WebSocket, url: string): Promise<never> {
    socket.binaryType = 'arraybuffer'
    const packets = new MqttPackets()
    const opened = new Promise<void>(resolve => {
      socket.onopen = () => resolve()
    })
    void this.#client.conn.setup(
      opened,
      bytes => socket.send(bytes as Uint8Array<ArrayBuffer>),
      receive => {
        socket.onmessage = ({ data }) => {
          this.#heard = true
          try {
            // MQTT 3.1.1, 6: control packets travel in binary frames, and text ends the connection.
            if (!(data instanceof ArrayBuffer)) throw new TypeError('a text frame')
            packets.add(new Uint8Array(data), receive)
          } catch {
            this.#fail(`The broker at ${url} speaks no MQTT 3.1.1.`)
          }
        }
      },
    )
    socket.onerror = () => {} // a close always follows
    socket.onclose = () => this.#fail(`The broker at ${url} cannot be reached.`)
    return this.ended.then(why => Promise.reject(new Error(why)))
  }

  #ping(url: string): void {
    if (!this.#heard) return this.#fail(`The broker at ${url} has gone silent.`)
    this.#heard = false
    this.#client.ping().catch(() => {})
  }

  #fail(why: string): void {
    this.#end(why)
    this.#client.conn.abort(new Error(why))
    this.#socket?.close()
  }
}

const openWebSocket: OpenSocket = (url, protocol) => new WebSocket(url, protocol)
