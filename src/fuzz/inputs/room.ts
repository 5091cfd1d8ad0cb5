/**
 * A room in which others say what they like: a member who has the key, a broker that has none, and peers on their control channels. The
 * page's side is whole, from its socket to its members; WebRTC alone is played. A piece is a letter, a packet or an event.
 *
 * Right is: nothing thrown, also later; each state says its why in a sentence; the members are as many as there may be; what was
 * not sealed with the key, or was altered, is counted and moves nobody; and a letter makes the page say two at most.
 */
import { MAX_MEMBERS } from '../../room/membership.ts'
import type { NegotiationEvents } from '../../room/negotiation.ts'
import { joinRoom, type Room } from '../../room/room.ts'
import { createSealing, type Sealing } from '../../room/sealing.ts'
import { sessionTopic } from '../../room/topic.ts'
import { Dice } from '../../simulate/dice.ts'
import { changed, noise, times, words } from './bytes.ts'
import { type Input, isSentence, step } from './input.ts'

type Piece =
  /** Sealed with the key, unless it is damaged. `to`: 'me' is the page. */
  | {
      readonly letter: Readonly<Record<string, unknown>>
      readonly damage: 'none' | 'bytes' | 'key' | 'topic'
      readonly seed: number
    }
  /** What the broker sends, as it is. */
  | { readonly packet: readonly number[] }
  /** Of the peer that the page spoke with last. */
  | { readonly event: 'way' | 'connect' | 'doubt' | 'end' | 'offer' }
  | { readonly control: string }

const ROOM = { room: 'quiet-heron', key: new Uint8Array(32).fill(7) }
const STRANGER = createSealing({ ...ROOM, key: new Uint8Array(32).fill(8) })
const id = (n: number): string => n.toString(16).padStart(2, '0').repeat(16)

function letter(dice: Dice, sequence: number): Readonly<Record<string, unknown>> {
  const from = id(dice.chance(0.7) ? dice.below(6) : dice.below(256))
  const name = dice.one(['dora', 'dora', 'alice', 'x'.repeat(63)])
  const signal = dice.one([
    { type: 'offer', sdp: 'v=0' },
    { type: 'answer', sdp: words(dice, ['v=0', 'm='], 4).join('').slice(0, 9_000) },
    { type: 'candidate', candidate: { candidate: 'x', sdpMLineIndex: dice.one([0, -1, 1e308]) } },
  ])
  const attempt = dice.one([0, 1, 2, 3, Number.MAX_SAFE_INTEGER])
  const say = dice.one<Readonly<Record<string, unknown>>>([
    { say: 'hello', name },
    { say: 'welcome', name, to: 'me' },
    { say: 'welcome', name, to: 'me' },
    { say: 'ready', name, to: 'me' },
    { say: 'signal', attempt, signal, to: 'me' },
    { say: 'signal', attempt, signal, to: 'me' },
    { say: 'full', to: 'me' },
    { say: 'gone', how: dice.one(['left', 'cut']) },
    { say: dice.one(['', 'hello', '__proto__']), to: dice.one(['me', id(1), 7]) },
  ])
  return {
    ...say,
    from: dice.below(20) === 0 ? 'me' : from,
    sequence: dice.below(10) === 0 ? dice.below(3) : sequence,
  }
}

function piece(dice: Dice, i: number): Piece {
  if (dice.below(30) === 0)
    return {
      packet: dice.one([
        noise(dice, dice.below(40)),
        changed(dice, [0x30, 5, 0, 1, 97, 98, 99]),
        [0xd0, 0],
        [0x20, 2, 0, 5],
      ]),
    }
  if (dice.below(5) === 0)
    return { event: dice.one(['way', 'connect', 'connect', 'doubt', 'end', 'offer'] as const) }
  if (dice.below(5) === 0)
    return {
      control: dice.one([
        '{"ping":1}',
        '{"pong":1}',
        '{"told":{"kind":"hosts"}}',
        '{"told":null}',
        '[',
        '',
        '['.repeat(70_000),
        words(dice, ['{', '"ping"', ':', '1', '}'], 5).join(''),
      ]),
    }
  const damage = dice.below(6) === 0 ? dice.one(['bytes', 'key', 'topic'] as const) : 'none'
  return { letter: letter(dice, i + 1), damage, seed: dice.below(1_000) }
}

export const room: Input<Piece> = {
  name: 'room',
  round: 25,
  draw: dice => times(dice.between(1, 60), i => piece(dice, i)),
  show: pieces => JSON.stringify(pieces),

  async fault(pieces) {
    let thrown: unknown
    const late = (error: unknown) => {
      thrown ??= error
    }
    const world = new Page()
    process.on('uncaughtException', late)
    try {
      await world.settle(() => world.room.state.kind === 'joined')
      if (world.room.state.kind !== 'joined') return `it does not join: ${world.room.state.kind}`
      for (const each of pieces) {
        const wrong = await world.play(each)
        if (thrown !== undefined) throw thrown
        if (wrong !== undefined) return wrong
      }
      return undefined
    } finally {
      world.room.leave()
      await world.settle(() => false)
      process.off('uncaughtException', late)
    }
  },
}

/** A page in the room, its socket to the broker, and the connections that it makes. */
class Page {
  readonly room: Room
  readonly #sealing: Sealing = createSealing(ROOM)
  readonly #socket = new BrokersSocket()
  readonly #connections: NegotiationEvents[] = []
  /** The broker has sent what may be the beginning of a long packet, of which all that follows is a part. */
  #isGarbled = false

  constructor() {
    this.room = joinRoom({
      invitation: ROOM,
      name: 'target',
      config: { iceServers: [], brokerUrl: 'wss://broker.example/mqtt' },
      openSocket: () => this.#socket as unknown as WebSocket,
      negotiate: (_initiator, _servers, events) => {
        this.#connections.push(events)
        // No event follows the end.
        const close = () => {
          this.#connections.splice(this.#connections.indexOf(events) >>> 0, 1)
        }
        return { signal: () => {}, send: () => true, path: async () => 'direct', close }
      },
      events: {
        onChannel: () => {},
        onLost: () => {},
        onTold: () => {},
        onChange: () => {},
      },
    })
  }

  /** Lets what was said come to pass. */
  async settle(done: () => boolean): Promise<void> {
    for (let turns = 0; turns < 20 && !done(); turns++) await new Promise(resolve => setImmediate(resolve))
  }

  async play(piece: Piece): Promise<string | undefined> {
    const before = { said: this.#socket.published, refused: this.#refused() }
    const mustRefuse =
      'letter' in piece && piece.damage !== 'none' && !this.#isGarbled && this.room.state.kind === 'joined'
    this.#begin(piece)
    await new Promise(resolve => setImmediate(resolve))
    const said = this.#socket.published - before.said
    if (said > 2) return `one piece makes the page say ${said} letters`
    if (mustRefuse && this.#refused() !== before.refused + 1)
      return 'a damaged letter is not counted as refused'
    return this.#wrongState()
  }

  #begin(piece: Piece): void {
    if ('letter' in piece) this.#deliver(piece)
    else if ('event' in piece) step(() => this.#happen(piece.event))
    else if ('control' in piece) step(() => this.#connections.at(-1)?.onControl(piece.control))
    else {
      this.#isGarbled = true
      step(() => this.#socket.hear(piece.packet))
    }
  }

  #refused(): number {
    return Object.values(this.room.refused).reduce((sum, count) => sum + count, 0)
  }

  #happen(event: 'way' | 'connect' | 'doubt' | 'end' | 'offer'): void {
    const events = this.#connections.at(-1)
    if (event === 'way') events?.onWay()
    else if (event === 'connect') events?.onConnect({ label: 'frames' } as RTCDataChannel)
    else if (event === 'doubt') events?.onDoubt()
    else if (event === 'end') events?.onEnd('it closed the connection')
    else events?.onSignal({ type: 'offer', sdp: 'v=0' })
  }

  #deliver({ letter: said, damage, seed }: Extract<Piece, { letter: unknown }>): void {
    const dice = new Dice(seed)
    const mine = (value: unknown) => (value === 'me' ? this.room.id : value)
    const text = JSON.stringify({
      ...said,
      from: mine(said['from']),
      ...('to' in said && { to: mine(said['to']) }),
    })
    const { topic: all } = this.#sealing
    const topic = 'to' in said ? sessionTopic(all, this.room.id) : all
    const other = topic === all ? sessionTopic(all, this.room.id) : all
    const sealed = (damage === 'key' ? STRANGER : this.#sealing).seal(
      damage === 'topic' ? other : topic,
      text,
    )
    if (damage === 'bytes') {
      const at = dice.below(sealed.length)
      sealed[at] = (sealed[at] ?? 0) ^ (1 << dice.below(8))
    }
    step(() => this.#socket.publish(topic, sealed))
  }

  #wrongState(): string | undefined {
    const { state, members } = this.room
    if ('why' in state && !isSentence(state.why)) return `the room is ${state.kind}: '${state.why}'`
    const live = members.filter(member => member.state.kind !== 'lost')
    if (live.length >= MAX_MEMBERS || members.length > 2 * MAX_MEMBERS)
      return `the room has ${members.length} members, ${live.length} of them live`
    const lost = members.find(member => member.state.kind === 'lost' && !isSentence(member.state.why))
    return lost === undefined ? undefined : `a member is lost: ${JSON.stringify(lost)}`
  }
}

/** The broker's end of a WebSocket: it takes the page in, and counts what the page publishes. */
class BrokersSocket {
  binaryType = 'arraybuffer'
  onopen: (() => void) | null = null
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null
  onerror: (() => void) | null = null
  onclose: (() => void) | null = null
  published = 0
  #closed = false

  constructor() {
    setImmediate(() => this.onopen?.())
  }

  /** MQTT 3.1.1, 3.1 … 3.12. */
  send(bytes: Uint8Array): void {
    const [type = 0] = bytes
    if (type === 0x10) this.#later([0x20, 2, 0, 0])
    else if (type === 0x82) this.#later([0x90, 4, bytes[2] ?? 0, bytes[3] ?? 0, 0, 0])
    else if (type === 0xc0) this.#later([0xd0, 0])
    else if (type >> 4 === 3) this.published++
  }

  #later(packet: readonly number[]): void {
    setImmediate(() => this.hear(packet))
  }

  publish(topic: string, payload: Uint8Array): void {
    const head = [topic.length >> 8, topic.length & 255, ...Buffer.from(topic)]
    const length = head.length + payload.length
    this.hear([0x30, ...(length < 128 ? [length] : [(length & 127) | 128, length >> 7]), ...head, ...payload])
  }

  hear(packet: readonly number[]): void {
    this.onmessage?.({ data: Uint8Array.from(packet).buffer })
  }

  close(): void {
    if (!this.#closed) setImmediate(() => this.onclose?.())
    this.#closed = true
  }
}
