/**
 * What comes over the wire to a peer before any stack sees it: messages of the data channel with several frames in each, LLDP
 * among them, to a port, a switch and its agent; MQTT packets in pieces from a broker; frames in pieces from a TAP device.
 * A piece is a message.
 *
 * Right is: nothing thrown; the frames are those that a second reader finds; a peer speaks only from the addresses that it
 * announced and was granted; nothing of one peer reaches another; and what is held back has a bound.
 */
import { Duplex } from 'node:stream'
import { FrameStream } from '../../bridge/frame-stream.ts'
import { BATCH_BYTES, ChannelPort, type FrameChannel } from '../../link/channel-port.ts'
import { LldpAgent } from '../../link/lldp-agent.ts'
import { macHighAt, macLowAt } from '../../link/mac.ts'
import type { Port } from '../../link/port.ts'
import { type PortNumber, Switch } from '../../link/switch.ts'
import { MAX_PACKET, MqttPackets } from '../../room/mqtt-packets.ts'
import type { Dice } from '../../simulate/dice.ts'
import { parseLldp, putLldp } from '../../stack/wire/lldp.ts'
import { changed, edge, noise, times, u16, u32 } from './bytes.ts'
import { hexOf, type Input, step } from './input.ts'

type Message = readonly number[]

const MACS = [
  [2, 0, 0, 0, 0, 1],
  [2, 0, 0, 0, 0, 2],
  [2, 0, 0, 0, 0, 3],
  [2, 0, 0, 0, 0, 9],
  [255, 255, 255, 255, 255, 255],
  [1, 0x80, 0xc2, 0, 0, 0x0e],
]

function written(dice: Dice): number[] {
  if (dice.chance(0.35)) return lldp(dice)
  const from = dice.one(MACS)
  const arp = [
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    2,
    ...dice.one([from, dice.one(MACS)]),
    10,
    0,
    0,
    1,
    ...dice.one(MACS),
    10,
    0,
    0,
    2,
  ]
  const [type, body] = dice.one<readonly [number, readonly number[]]>([
    [0x0800, noise(dice, dice.one([0, 20, 46, 1_500, 1_501]))],
    [0x0806, arp],
  ])
  const made = [...dice.one(MACS), ...from, ...u16(type, false), ...body]
  return dice.below(6) === 0 ? changed(dice, made) : made
}

function lldp(dice: Dice): number[] {
  const macs = times(dice.one([0, 1, 1, 2, 32]), i =>
    Uint8Array.from(i < 2 ? dice.one(MACS.slice(0, 4)) : [2, 0, 0, 0, 1, i]),
  )
  const said = {
    name: dice.one(['bob', '', 'x'.repeat(255)]),
    macs,
    maxFrame: dice.one([1_514, 0, 60, 65_531]),
    ttl: dice.one([0, 1, 121, 65_535]),
  }
  const made = [...putLldp(said, Uint8Array.from(dice.one(MACS)))]
  return dice.chance(0.4) ? changed(dice, made) : made
}

function batch(dice: Dice): number[] {
  const made = times(dice.between(0, 5), () => {
    const frame = written(dice)
    return [...u16(dice.below(20) === 0 ? edge(dice, frame.length) & 0xffff : frame.length, false), ...frame]
  }).flat()
  if (dice.below(30) === 0) return [...made, ...times(BATCH_BYTES, () => 0)]
  return dice.below(8) === 0 ? changed(dice, made) : made
}

class Channel implements FrameChannel {
  readyState: RTCDataChannelState = 'open'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  binaryType: BinaryType = 'arraybuffer'
  onopen: ((event: Event) => void) | null = null
  onclose: ((event: Event) => void) | null = null
  onbufferedamountlow: ((event: Event) => void) | null = null
  onmessage: ((event: MessageEvent) => void) | null = null
  send(): void {}
  close(): void {}
}

/** Peers 1 and 2 by channels, and a host. Messages come from the peers by turns. */
export const batches: Input<Message> = {
  name: 'batches',
  round: 120,
  draw: dice => times(dice.between(1, 12), () => batch(dice)),
  show: messages => messages.map(hexOf).join(' '),

  fault(messages) {
    const link = new Link()
    for (const [i, message] of messages.entries()) {
      const { port, channel, frames } = link.peers[i % 2] ?? link.peers[0]
      const before = frames.length
      const from = i % 2 === 0 ? 1 : 2
      link.from = from
      step(() => channel.onmessage?.({ data: Uint8Array.from(message).buffer } as MessageEvent))
      link.now += 700
      link.agent.poll(link.now)
      const right = message.length > BATCH_BYTES ? [] : framesOf(message)
      const got = frames.slice(before).map(hexOf)
      if (got.join() !== right.map(hexOf).join())
        return `a message holds ${got.length} frames, by a second reader ${right.length}`
      if (link.wrong !== undefined) return link.wrong
      if (port.framesIn !== frames.length) return `${port.framesIn} frames are counted of ${frames.length}`
    }
    return undefined
  },
}

/** A switch with everything that hangs on it. */
class Link {
  now = 0
  from = 0
  wrong: string | undefined
  readonly #granted = new Map<string, PortNumber>()
  readonly switch: Switch
  readonly agent: LldpAgent
  readonly peers: readonly [Peer, Peer]

  constructor() {
    this.switch = new Switch({ frame: () => 1, arrival: () => {} }, (from, frame, _no, now) =>
      this.agent.input(from, frame, now),
    )
    this.agent = new LldpAgent(
      {
        transmit: (port, frame, now) => this.switch.transmit(port, frame, now),
        announce: (port, high, low, now) => this.#announce(port, high, low, now),
        withdraw: port => this.#withdraw(port),
        heard: () => {},
      },
      Uint8Array.of(2, 0, 0, 0, 0, 0x77),
    )
    const host: Port = {
      kind: 'host',
      name: 'host',
      ready: true,
      send: frame => this.#delivered(frame, true),
    }
    this.peers = [this.#peer(1), this.#peer(2)]
    this.switch.attach(host)
    for (const number of [1, 2]) this.agent.add(number, 0)
  }

  #peer(number: number): Peer {
    const channel = new Channel()
    const frames: number[][] = []
    const port = new ChannelPort(
      `${number}`,
      channel,
      {
        received: (from, bytes) =>
          from.frames(bytes, frame => {
            frames.push([...frame])
            this.switch.receive(number, frame, this.now)
          }),
        opened: () => {},
        closed: () => {},
        drained: () => {},
      },
      () => this.now,
    )
    // What the switch sends of its own to a peer is LLDP; all else would be another peer's.
    const send = port.send.bind(port)
    port.send = frame => {
      if (typeof parseLldp(frame) === 'string') this.wrong = 'a frame of one peer goes to another'
      return send(frame)
    }
    this.switch.attach(port)
    return { channel, port, frames }
  }

  #announce(port: PortNumber, high: number, low: number, now: number): boolean {
    const granted = this.switch.announce(port, high, low, now)
    const owner = this.#granted.get(`${high} ${low}`)
    if (granted && owner !== undefined && owner !== port) this.wrong = 'two peers have one address'
    if (granted) this.#granted.set(`${high} ${low}`, port)
    return granted
  }

  #withdraw(port: PortNumber): void {
    for (const [mac, owner] of this.#granted) if (owner === port) this.#granted.delete(mac)
    this.switch.withdraw(port)
  }

  #delivered(frame: Uint8Array, toHost: boolean): never {
    const owner = this.#granted.get(`${macHighAt(frame, 6)} ${macLowAt(frame, 6)}`)
    if (toHost && owner !== this.from) this.wrong = 'a peer speaks from an address that it was not granted'
    return 0 as never
  }
}

interface Peer {
  readonly channel: Channel
  readonly port: ChannelPort
  readonly frames: number[][]
}

/** The frames of a message, up to the first length that cannot be. */
function framesOf(message: Message): (readonly number[])[] {
  const found: (readonly number[])[] = []
  for (let at = 0; at + 2 <= message.length; ) {
    const length = (message[at] ?? 0) * 256 + (message[at + 1] ?? 0)
    const frame = message.slice(at + 2, at + 2 + length)
    if (length === 0 || frame.length < length) break
    found.push(frame)
    at += 2 + length
  }
  return found
}

/** MQTT's packets, cut where no packet ends. The pieces are what WebSocket messages held. */
export const mqtt: Input<Message> = {
  name: 'mqtt-packets',
  round: 400,
  show: messages => messages.map(hexOf).join(' '),

  draw(dice) {
    const stream = times(dice.between(1, 6), () => {
      const body = noise(dice, dice.one([0, 1, 126, 127, 128, 129, 300]))
      const length = dice.one([
        body.length,
        body.length,
        body.length,
        body.length,
        16_383,
        32_768,
        0x0fffffff,
      ])
      const coded = [length & 127, (length >> 7) & 127, (length >> 14) & 127, (length >> 21) & 127]
      const last = coded.findLastIndex(byte => byte > 0)
      const digits = coded.slice(0, Math.max(1, last + 1 + (dice.below(20) === 0 ? 1 : 0)))
      return [
        dice.below(256),
        ...digits.map((byte, i) => (i < digits.length - 1 || dice.below(30) === 0 ? byte | 128 : byte)),
        ...body,
      ]
    }).flat()
    const pieces: number[][] = []
    for (let at = 0; at < stream.length; ) {
      const length = dice.one([1, 2, 3, 50, 400, stream.length])
      pieces.push(stream.slice(at, at + length))
      at += length
    }
    return pieces
  },

  fault(pieces) {
    const packets = new MqttPackets()
    const got: string[] = []
    let refused = false
    for (const piece of pieces)
      try {
        step(() => packets.add(Uint8Array.from(piece), packet => got.push(hexOf([...packet]))))
      } catch (error) {
        if (!(error instanceof RangeError && /^an MQTT packet of/.test(error.message))) throw error
        refused = true
        break
      }
    const right = packetsOf(pieces.flat())
    if (got.join() !== right.packets.map(hexOf).join())
      return `${got.length} packets come, by a second reader ${right.packets.length}`
    return refused === right.tooLong
      ? undefined
      : 'a packet that is too long is not refused, or one that is not'
  },
}

/** MQTT 3.1.1, 2.2.3, up to a packet that is too long or not whole. */
function packetsOf(bytes: readonly number[]): { packets: number[][]; tooLong: boolean } {
  const packets: number[][] = []
  for (let at = 0; at < bytes.length; ) {
    const digits = bytes.slice(at + 1, at + 5)
    const last = digits.findIndex(byte => byte < 128)
    if (last < 0) return { packets, tooLong: digits.length === 4 }
    const length =
      2 + last + digits.slice(0, last + 1).reduce((sum, byte, i) => sum + (byte & 127) * 128 ** i, 0)
    if (length > MAX_PACKET) return { packets, tooLong: true }
    if (at + length > bytes.length) break
    packets.push(bytes.slice(at, at + length))
    at += length
  }
  return { packets, tooLong: false }
}

/** Frames behind lengths of 4 bytes, as the relay of a TAP device and QEMU send them. */
export const stream: Input<Message> = {
  name: 'frame-stream',
  round: 120,
  show: messages => messages.map(hexOf).join(' '),

  draw: dice =>
    times(dice.between(1, 8), () => {
      const frame = noise(dice, dice.one([0, 1, 14, 60, 1_514]))
      return [...u32(dice.below(8) === 0 ? edge(dice, frame.length) : frame.length, false), ...frame]
    }),

  async fault(pieces) {
    const socket = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })
    const frames: string[] = []
    let ended = 0
    let why: string | undefined
    new FrameStream(
      socket as never,
      frame => frames.push(hexOf([...frame])) > 0,
      wrong => {
        ended++
        why = wrong
      },
    )
    const bytes = pieces.flat()
    for (let at = 0; at < bytes.length; at += 777) socket.push(Uint8Array.from(bytes.slice(at, at + 777)))
    socket.push(null)
    await new Promise(resolve => setImmediate(resolve))
    socket.destroy()
    await new Promise(resolve => setImmediate(resolve))
    const right = streamed(bytes)
    if (frames.join() !== right.frames.map(hexOf).join())
      return `${frames.length} frames come, by a second reader ${right.frames.length}`
    if (ended !== 1) return `its end is told ${ended} times`
    return right.broken === (why !== undefined) ? undefined : `it ends with '${why}'`
  },
}

function streamed(bytes: readonly number[]): { frames: number[][]; broken: boolean } {
  const frames: number[][] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.slice(at, at + 4).reduce((sum, byte) => sum * 256 + byte, 0)
    if (length > 65_549) return { frames, broken: true }
    const frame = bytes.slice(at + 4, at + 4 + length)
    if (frame.length < length) break
    frames.push(frame)
    at += 4 + length
  }
  return { frames, broken: false }
}
