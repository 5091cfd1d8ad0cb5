/**
 * Numbers that wrap in the midst of a transfer: sequence numbers (RFC 9293, 3.4) and timestamps (RFC 7323, 5), with loss and
 * disorder on the way, segments from before that come once more, and an attacker who guesses, or who knows.
 */
import { expect, test } from 'vitest'
import { Dice } from '../simulate/dice.ts'
import { createStack } from '../stack/profiles/full.ts'
import type { Socket, StackConfig } from '../stack/stack.ts'
import { expectSound } from '../stack/testing/invariants.ts'
import { ethernet, HOST_IP, ipv4, PEER_IP, readTcp, type Tcp, tcp, u32 } from '../stack/testing/raw.ts'
import { environment, type Sent, type SimulatedHost, Simulation } from '../stack/testing/simulation.ts'

const [RST, ACK] = [4, 16]
const [CLIENT_PORT, SERVER_PORT] = [5_000, 7]
const BYTES = 300_000

const byteAt = (i: number): number => (i * 31 + (i >>> 8) * 17) & 255

interface Ends {
  readonly simulation: Simulation
  readonly client: SimulatedHost
  readonly server: SimulatedHost
  readonly listener: Socket
}

/** Two hosts, the timestamps of which begin at `stamp` before they wrap (ms). */
function ends(stamp?: number): Ends {
  const simulation = new Simulation()
  const secret = Uint8Array.from({ length: 16 }, (_, i) => i * 11)
  if (stamp !== undefined) new DataView(secret.buffer).setUint32(4, -stamp >>> 0, true)
  const profile = (config: StackConfig) => createStack(config, { ...environment(9), secret })
  const client = simulation.add('client', { profile })
  const server = simulation.add('server', { profile })
  simulation.start()
  const listener = server.stack.socket(6) as Socket
  server.stack.bind(listener, 0, SERVER_PORT)
  server.stack.listen(listener, 8)
  return { simulation, client, server, listener }
}

function connect({ simulation, client, server, listener }: Ends): { near: Socket; far: Socket } {
  const near = client.stack.socket(6) as Socket
  client.stack.bind(near, 0, CLIENT_PORT)
  client.stack.connect(near, server.stack.address, SERVER_PORT)
  simulation.run(100)
  return { near, far: server.stack.accept(listener) as Socket }
}

/** The first sequence number that a host says. */
const issOf = ({ wire }: Simulation, from: string): number => {
  for (const sent of wire) {
    const segment = sent.from === from ? readTcp(sent.bytes) : undefined
    if (segment !== undefined) return segment.seq
  }
  throw new Error(`${from} has not spoken`)
}

/** Lets time pass until this host would begin the connection with a number so far before the wrap. */
function awaitIss(all: Ends, from: 'client' | 'server', before: number): void {
  const { simulation, client, server } = all
  simulation.wire.length = 0
  const began = simulation.now
  const { near, far } = connect(all)
  const iss = issOf(simulation, from)
  client.stack.abort(near)
  simulation.run(100)
  server.stack.close(far)
  // RFC 6528, 3: 250 to a millisecond.
  simulation.runUntil(began + ((-before - iss) >>> 0) / 250)
  simulation.wire.length = 0
}

/** Sends all bytes from one end to the other and checks each; what the wire does, and what happens each millisecond, is the test's. */
function transfer(
  simulation: Simulation,
  [from, out]: readonly [SimulatedHost, Socket],
  [to, into]: readonly [SimulatedHost, Socket],
  each: () => void = () => {},
): void {
  let [sent, received] = [0, 0]
  const room = new Uint8Array(8_000)
  for (let ms = 0; received < BYTES; ms++) {
    if (ms > 120_000) throw new Error(`${received} bytes of ${sent} have come in two minutes`)
    const text = Uint8Array.from({ length: Math.min(2_000, BYTES - sent) }, (_, i) => byteAt(sent + i))
    if (text.length > 0) sent += Math.max(0, from.stack.send(out, text))
    simulation.run(1)
    each()
    for (let n = to.stack.recv(into, room); n > 0; n = to.stack.recv(into, room))
      for (let i = 0; i < n; i++, received++)
        if (room[i] !== byteAt(received)) throw new Error(`byte ${received} is ${room[i]}`)
  }
}

const forged = (fields: Tcp, to: SimulatedHost): Uint8Array => {
  const toServer = to.name === 'server'
  const [source, destination] = toServer ? [HOST_IP, PEER_IP] : [PEER_IP, HOST_IP]
  const packet = ipv4(6, tcp(fields, source, destination), { from: source, to: destination })
  return ethernet([2, 0, 0, 0, 0, toServer ? 2 : 1], [2, 0, 0, 0, 9, 9], 0x0800, packet)
}

/** A wire that loses one frame in fifty, delays some, and carries old segments once more; what was said last is remembered. */
class RoughWire {
  readonly seqs: number[] = []
  last: Tcp | undefined
  readonly #old: Sent[] = []
  readonly dice = new Dice(17)

  constructor({ simulation }: Ends, from: string) {
    simulation.fault = sent => {
      const segment = readTcp(sent.bytes)
      if (segment === undefined) return 0
      if (sent.from === from) {
        this.seqs.push(segment.seq)
        this.last = segment
        if (this.dice.chance(0.1)) this.#old.push(sent)
        if (this.#old.length > 60) simulation.repeat({ ...(this.#old.shift() as Sent), at: simulation.now })
      }
      return this.dice.chance(0.02) ? 'lose' : this.dice.chance(0.05) ? this.dice.below(6) : 0
    }
  }
}

/** Guesses at all numbers, and segments that lie a little beside those that were heard. */
function attack(wire: RoughWire, to: SimulatedHost, now: number): void {
  const { dice, last } = wire
  const [from, at] = to.name === 'server' ? [CLIENT_PORT, SERVER_PORT] : [SERVER_PORT, CLIENT_PORT]
  const options = [1, 1, 8, 10, ...u32(dice.word()), ...u32(dice.word())]
  const guess = {
    from,
    to: at,
    seq: dice.word(),
    ack: dice.word(),
    flags: dice.one([RST, ACK, 2, 24]),
    window: 100,
    options,
    data: [],
  }
  to.stack.input(forged({ ...guess, data: Array.from({ length: dice.below(40) }, () => 0xee) }, to), now)
  // It knows the numbers: a reset that is in the window and not at its edge, a SYN, an ACK of what was never sent.
  if (last === undefined) return
  const near = { ...last, seq: (last.seq + dice.between(2_000, 4_000)) >>> 0, data: [] }
  to.stack.input(forged({ ...near, flags: dice.one([RST, 2]) }, to), now)
  to.stack.input(forged({ ...near, flags: ACK, ack: (last.ack + 1_000_000) >>> 0 }, to), now)
}

test.each(['client', 'server'] as const)(
  'the sequence numbers of a %s wrap in mid-transfer, with loss, old segments and an attacker: every byte is right',
  from => {
    const all = ends()
    const { simulation, client, server } = all
    awaitIss(all, from, 100_000)
    const { near, far } = connect(all)
    const wire = new RoughWire(all, from)
    const said = [client, near] as const
    const heard = [server, far] as const
    const [sender, receiver] = from === 'client' ? [said, heard] : [heard, said]
    let attacks = 0
    transfer(simulation, sender, receiver, () => {
      attack(wire, receiver[0], simulation.now)
      attacks++
    })
    expect(wire.seqs.some(seq => seq > 0xffff0000)).toBe(true)
    expect(wire.seqs.some(seq => seq < 0x00010000)).toBe(true)
    expect(receiver[0].stack.error(receiver[1])).toBe(0)
    expect(attacks).toBeGreaterThan(150)
    for (const { stack } of [client, server]) expectSound(stack)
  },
)

test('the timestamps of both ends wrap in mid-transfer: what was stamped before and comes late is old, and nothing is lost', () => {
  // 15 s until addresses are claimed, then a tenth of a second for the handshake.
  const all = ends(15_250)
  const { simulation, client, server } = all
  const { near, far } = connect(all)
  const wire = new RoughWire(all, 'client')
  const stamps: number[] = []
  const { fault } = simulation
  simulation.fault = (sent, index) => {
    const segment = readTcp(sent.bytes)
    const bytes = Uint8Array.from(segment?.options ?? [])
    if (sent.from === 'client' && bytes[2] === 8) stamps.push(new DataView(bytes.buffer).getUint32(4))
    return fault(sent, index)
  }
  transfer(simulation, [client, near], [server, far])
  expect(stamps.some(stamp => stamp > 0xffffff00)).toBe(true)
  expect(stamps.some(stamp => stamp < 0x100)).toBe(true)
  // RFC 7323, 5.3, R1: the segments that came once more carried stamps from before the last in order, over the wrap as well.
  expect(server.stack.counters['drop.OldTimestamp']).toBeGreaterThan(0)
  expect(server.stack.error(far)).toBe(0)
  expect(wire.seqs.length).toBeGreaterThan(100)
  for (const { stack } of [client, server]) expectSound(stack)
})
