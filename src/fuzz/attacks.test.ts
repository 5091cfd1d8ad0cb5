/**
 * Attacks with figures, beside a transfer whose every byte is checked: the attacker knows addresses and ports, and not the
 * sequence numbers (RFC 5961, 1). All in virtual time.
 */
import { describe, expect, test } from 'vitest'
import { Dice } from '../simulate/dice.ts'
import { createStack } from '../stack/profiles/full.ts'
import { Protocol, type Socket } from '../stack/stack.ts'
import { expectSound } from '../stack/testing/invariants.ts'
import { ethernet, HOST_IP, ipv4, PEER_IP, readTcp, tcp, u32 } from '../stack/testing/raw.ts'
import { connectPair, environment, type SimulatedHost, Simulation } from '../stack/testing/simulation.ts'

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

test('a SYN flood of 10,000 a second leaves a transfer four fifths of its speed', () => {
  const carried = (flood: boolean): number => {
    const scene = new Scene(3)
    const { dice, simulation, server } = scene
    for (let ms = 0; ms < 3_000; ms++) {
      for (let n = 0; flood && n < 10; n++) {
        const from = [10, 0, 0, 20 + dice.below(200)]
        const fields = { from: dice.between(1_024, 65_535), to: 7, seq: dice.word(), ack: 0, flags: SYN }
        const syn = tcp({ ...fields, window: 1_000, options: [2, 4, 5, 180], data: [] }, from, PEER_IP)
        server.stack.input(
          ethernet(MACS[1] ?? [], STRANGER, 0x0800, ipv4(6, syn, { from, to: PEER_IP })),
          simulation.now,
        )
      }
      scene.step()
    }
    expectSound(server.stack)
    return scene.received
  }
  const [quiet, flooded] = [carried(false), carried(true)]
  expect(flooded / quiet).toBeGreaterThanOrEqual(0.8)
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

describe('initial sequence numbers, RFC 6528', () => {
  /** The numbers of SYNs to ports from `first` on, all sent at one time. */
  const numbers = (count: number): number[] => {
    const found: number[] = []
    const stack = createStack(
      { memory: 262_144, mac: Uint8Array.from(MACS[0] ?? []), address: '10.0.0.1/24' },
      environment(5),
    )
    let now = 0
    const drain = () => {
      stack.output(bytes => {
        const segment = readTcp(bytes)
        if (segment !== undefined) found.push(segment.seq)
        return true
      })
    }
    for (; now < 15_000; now += 100) {
      stack.poll(now)
      drain()
    }
    const claim = [0, 1, 8, 0, 6, 4, 0, 2, ...(MACS[1] ?? []), ...PEER_IP, ...(MACS[0] ?? []), ...HOST_IP]
    for (let i = 0; found.length < count; i++) {
      if (i % 20 === 0) stack.input(ethernet(MACS[0] ?? [], MACS[1] ?? [], 0x0806, claim), now)
      const socket = stack.socket(Protocol.Tcp) as Socket
      stack.connect(socket, 0x0a000002, 1 + (i % 60_000))
      drain()
      stack.abort(socket)
      stack.events(() => {})
      if (i > count * 2 + 100) throw new Error(`only ${found.length} SYNs were sent`)
    }
    return found
  }

  test('of 20,000 connections at one moment are spread evenly, and so are the differences of neighbours', () => {
    const found = numbers(20_000)
    const chiSquare = (values: readonly number[]): number => {
      const bins = new Array<number>(256).fill(0)
      for (const value of values) bins[value >>> 24] = (bins[value >>> 24] ?? 0) + 1
      const expected = values.length / 256
      return bins.reduce((sum, bin) => sum + (bin - expected) ** 2 / expected, 0)
    }
    // 255 degrees of freedom: 341 is exceeded once in 5,000 times by chance.
    expect(chiSquare(found)).toBeLessThan(341)
    expect(chiSquare(found.slice(1).map((value, i) => (value - (found[i] ?? 0)) >>> 0))).toBeLessThan(341)
  })
})
