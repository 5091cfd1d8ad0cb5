/**
 * Attacks with figures, beside a transfer whose every byte is checked: the attacker knows addresses and ports, and not the
 * sequence numbers (RFC 5961, 1). All in virtual time.
 */
import { describe, expect, test } from 'vitest'
import { Dice } from '../simulate/dice.ts'
import type { Socket } from '../stack/stack.ts'
import { expectSound } from '../stack/testing/invariants.ts'
import { ethernet, HOST_IP, ipv4, PEER_IP, readTcp, tcp, u32 } from '../stack/testing/raw.ts'
import { connectPair, type SimulatedHost, Simulation } from '../stack/testing/simulation.ts'

const MACS = [
  [2, 0, 0, 0, 0, 1],
  [2, 0, 0, 0, 0, 2],
]
const [FIN, SYN, RST, PSH, ACK] = [1, 2, 4, 8, 16]
const STRANGER = [2, 0, 0, 0, 9, 9]

const byteAt = (i: number): number => (i * 31 + (i >>> 8)) & 255

/** A host that sends to another over a link of 1,000 bytes a millisecond, and an attacker. */
class Scene {
  readonly simulation = new Simulation()
  readonly client: SimulatedHost
  readonly server: SimulatedHost
  readonly near: Socket
  readonly far: Socket
  /** What the ends call themselves on the wire. */
  readonly port: number
  readonly dice: Dice
  sent = 0
  received = 0

  constructor(seed: number) {
    this.dice = new Dice(seed)
    this.client = this.simulation.add('client')
    this.server = this.simulation.add('server')
    this.simulation.start()
    const { near, far } = connectPair(this.simulation, this.client, this.server)
    this.near = near
    this.far = far
    const local = { address: 0, port: 0 }
    this.client.stack.name(near, 'local', local)
    this.port = local.port
  }

  /** One millisecond: 1,000 bytes more are written, all that has come is read and checked. */
  step(): void {
    const text = Uint8Array.from({ length: 1_000 }, (_, i) => byteAt(this.sent + i))
    const taken = this.client.stack.send(this.near, text)
    if (taken > 0) this.sent += taken
    this.simulation.run(1)
    const into = new Uint8Array(4_000)
    for (let n = this.server.stack.recv(this.far, into); n > 0; n = this.server.stack.recv(this.far, into)) {
      for (let i = 0; i < n; i++)
        if (into[i] !== byteAt(this.received + i)) throw new Error(`byte ${this.received + i} is another`)
      this.received += n
    }
  }

  /** A segment to the server, as if from the client, with numbers and times that are guessed, or `seq` known. */
  guess(flags: number, data: number[] = [], seq = this.dice.word()): Uint8Array {
    const time = u32(this.dice.word())
    const options = [1, 1, 8, 10, ...time, ...u32(this.dice.word())]
    const segment = {
      from: this.port,
      to: 7,
      seq,
      ack: this.dice.word(),
      flags,
      window: 500,
      options,
      data,
    }
    return ethernet(
      MACS[1] ?? [],
      STRANGER,
      0x0800,
      ipv4(6, tcp(segment, HOST_IP, PEER_IP), { from: HOST_IP, to: PEER_IP }),
    )
  }
}

describe('a blind attacker', () => {
  test.each([
    ['resets', [RST, RST | ACK], 0],
    ['SYNs', [SYN, SYN | ACK], 0],
    ['text and FINs', [ACK, PSH | ACK, FIN | ACK], 20],
  ] as const)('does not disturb a transfer with 20,000 %s, and draws few answers', (_, flags, length) => {
    const scene = new Scene(1)
    const { simulation, server } = scene
    simulation.wire.length = 0
    let answers = 0
    simulation.fault = ({ from, bytes }) => {
      const said = from === 'server' ? readTcp(bytes) : undefined
      if (said?.to === scene.port && said.data.length === 0) answers++
      return 0
    }
    for (let ms = 0; ms < 2_000; ms++) {
      for (let n = 0; n < 10; n++) {
        const text = Array.from({ length }, () => 0xee)
        server.stack.input(scene.guess(scene.dice.one(flags), text), simulation.now)
      }
      scene.step()
    }
    simulation.run(2_000)
    scene.step()
    expect(scene.received).toBe(scene.sent)
    expect(server.stack.error(scene.far)).toBe(0)
    // RFC 9293, 3.8.6.3: an ACK for at most every second segment, and what a window of RFC 5961, 7 adds to them.
    expect(answers).toBeLessThan(4_500)
    expectSound(server.stack)
  })

  test('who is lucky enough to hit the window with resets is challenged, ten times in five seconds at most', () => {
    const scene = new Scene(6)
    const { simulation, server, dice } = scene
    let next = 0
    simulation.fault = ({ bytes }) => {
      const said = readTcp(bytes)
      if (said?.to === scene.port) next = said.ack
      return 0
    }
    for (let ms = 0; ms < 50; ms++) scene.step()
    simulation.run(1_000)
    const before = simulation.wire.length
    for (let n = 0; n < 2_000; n++) {
      server.stack.input(scene.guess(RST, [], next + dice.between(1, 5_000)), simulation.now)
      simulation.run(1)
    }
    simulation.run(1_000)
    const challenges = simulation.wire.length - before
    expect(challenges).toBeGreaterThanOrEqual(5)
    expect(challenges).toBeLessThanOrEqual(10)
    expect(server.stack.counters['drop.Challenged']).toBe(2_000)
    for (let ms = 0; ms < 50; ms++) scene.step()
    simulation.run(1_000)
    scene.step()
    expect(scene.received).toBeGreaterThan(90_000)
  })

  test('cannot make two hosts answer each other for ever, whatever numbers they hold', () => {
    const scene = new Scene(2)
    const { simulation } = scene
    for (let ms = 0; ms < 50; ms++) scene.step()
    simulation.run(1_000)
    // The server is made to acknowledge what the client never sent, which the client must answer (RFC 9293, 3.10.7.4).
    const last = simulation.wire
      .map(({ bytes }) => readTcp(bytes))
      .findLast(segment => segment?.from === scene.port)
    if (last === undefined) throw new Error('the client has sent nothing')
    const before = simulation.wire.length
    const forged = {
      ...last,
      seq: last.seq + last.data.length,
      ack: last.ack + 1_000,
      flags: ACK,
      data: [],
    }
    for (let n = 0; n < 100; n++) {
      scene.server.stack.input(
        ethernet(
          MACS[1] ?? [],
          STRANGER,
          0x0800,
          ipv4(6, tcp(forged, HOST_IP, PEER_IP), { from: HOST_IP, to: PEER_IP }),
        ),
        simulation.now,
      )
      simulation.run(1)
    }
    simulation.run(5_000)
    expect(simulation.wire.length - before).toBeLessThan(60)
  })
})

test('nor can who knows all their numbers and has put text into both: neither believes the other, and they fall silent', () => {
  const scene = new Scene(8)
  const { simulation, client, server, near, far } = scene
  for (let ms = 0; ms < 50; ms++) scene.step()
  simulation.run(1_000)
  const last = simulation.wire
    .map(({ bytes }) => readTcp(bytes))
    .findLast(segment => segment?.from === scene.port)
  if (last === undefined) throw new Error('the client has sent nothing')
  const seq = last.seq + last.data.length
  const into = new Uint8Array(4_000)
  server.stack.recv(far, into)
  const data = Array.from({ length: 500 }, () => 0xee)
  const time = last.options.slice(0, 8)
  const options = [...time, 0, 0, 0, 0]
  const toServer = { ...last, seq, flags: PSH | ACK, options, data }
  const toClient = { ...toServer, from: 7, to: scene.port, seq: last.ack, ack: seq }
  const frame = (fields: typeof toServer, from: number[], to: number[], mac: number[] = []) =>
    ethernet(mac, STRANGER, 0x0800, ipv4(6, tcp(fields, from, to), { from, to }))
  server.stack.input(frame(toServer, HOST_IP, PEER_IP, MACS[1]), simulation.now)
  client.stack.input(frame(toClient, PEER_IP, HOST_IP, MACS[0]), simulation.now)
  simulation.run(100)
  expect(server.stack.recv(far, into)).toBe(500)
  expect(client.stack.recv(near, into)).toBe(500)
  // Each now acknowledges what the other has never sent, and each must answer that with an ACK (RFC 9293, 3.10.7.4).
  client.stack.send(near, Uint8Array.of(1))
  server.stack.send(far, Uint8Array.of(2))
  const before = simulation.wire.length
  simulation.run(60_000)
  // One answer in half a second from each (tcp/challenge.ts); without that bound they are a million.
  expect(simulation.wire.length - before).toBeLessThan(300)
})

/**
 * A link of 100 Mbit/s that the flood and the transfer share, towards a receiver whose queue holds 128 frames: who comes
 * to find it full is lost. Frames cost their bytes, and the 24 of preamble, check and gap that Ethernet adds (IEEE 802.3, 4.4.2).
 */
class Link {
  static readonly bytesPerMs = 12_500
  static readonly room = 128
  readonly #leaving: number[] = []
  #freeAt = 0
  lost = 0

  /** When a frame that comes now has passed (ms from now), or undefined: it is lost. */
  take(bytes: number, now: number): number | undefined {
    while ((this.#leaving[0] ?? Number.POSITIVE_INFINITY) <= now) this.#leaving.shift()
    if (this.#leaving.length >= Link.room) {
      this.lost++
      return undefined
    }
    this.#freeAt = Math.max(this.#freeAt, now) + (Math.max(60, bytes) + 24) / Link.bytesPerMs
    this.#leaving.push(this.#freeAt)
    return this.#freeAt - now
  }
}

test('a SYN flood of 10,000 a second on the link that it shares with a transfer leaves it four fifths of its speed', () => {
  const carried = (flood: boolean) => {
    const scene = new Scene(3)
    const { dice, simulation, server, client, near, far } = scene
    const link = new Link()
    simulation.fault = ({ from, bytes }) =>
      from === 'client' ? (link.take(bytes.length, simulation.now) ?? 'lose') : 0
    const text = Uint8Array.from({ length: 40_000 }, (_, i) => i)
    const into = new Uint8Array(40_000)
    const waiting: { at: number; bytes: Uint8Array }[] = []
    let [received, syns] = [0, 0]
    for (let ms = 0; ms < 1_500; ms++) {
      for (let n = 0; flood && n < 10; n++) {
        const from = [10, 0, 0, 20 + dice.below(200)]
        const fields = { from: dice.between(1_024, 65_535), to: 7, seq: dice.word(), ack: 0, flags: SYN }
        const syn = tcp({ ...fields, window: 1_000, options: [2, 4, 5, 180], data: [] }, from, PEER_IP)
        const bytes = ethernet(MACS[1] ?? [], STRANGER, 0x0800, ipv4(6, syn, { from, to: PEER_IP }))
        const late = link.take(bytes.length, simulation.now + n / 10)
        if (late !== undefined) waiting.push({ at: simulation.now + n / 10 + late, bytes })
        syns++
      }
      client.stack.send(near, text)
      while (waiting[0] !== undefined && waiting[0].at <= simulation.now + 1) {
        simulation.runUntil(waiting[0].at)
        server.stack.input(waiting.shift()?.bytes ?? new Uint8Array(0), simulation.now)
      }
      simulation.runUntil(Math.floor(simulation.now) + 1)
      for (let n = server.stack.recv(far, into); n > 0; n = server.stack.recv(far, into)) received += n
    }
    expectSound(server.stack)
    return { received, syns }
  }
  const quiet = carried(false)
  const flooded = carried(true)
  expect(flooded.syns).toBe(15_000)
  // What the link carries, less headers and the beginning.
  expect(quiet.received).toBeGreaterThan(1_500 * Link.bytesPerMs * 0.8)
  expect(flooded.received / quiet.received).toBeGreaterThanOrEqual(0.8)
})

test('a flood of fragments that are never whole leaves a transfer four fifths of its speed, and is forgotten', () => {
  const scene = new Scene(4)
  const { dice, simulation, server } = scene
  const used = () => server.stack.memory.pools.find(({ name }) => name === 'fragments')?.used ?? Number.NaN
  for (let ms = 0; ms < 3_000; ms++) {
    for (let n = 0; n < 5; n++) {
      const piece = Array.from({ length: 8 * dice.below(180) }, () => 0)
      const fields = {
        from: [10, 0, 0, 20 + dice.below(200)],
        to: PEER_IP,
        id: dice.below(65_536),
        fragment: 0x2000 | dice.below(500),
      }
      server.stack.input(ethernet(MACS[1] ?? [], STRANGER, 0x0800, ipv4(17, piece, fields)), simulation.now)
    }
    scene.step()
  }
  expect(scene.received).toBeGreaterThanOrEqual(0.8 * 3_000 * 1_000)
  expectSound(server.stack)
  simulation.run(120_000)
  expect(used()).toBe(0)
})
