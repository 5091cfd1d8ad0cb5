/**
 * Hosts on a wire in virtual time, for tests: nothing happens but what a test says, and a second costs nothing.
 *
 * The wire carries each frame after its delay, in order; a fault function may lose, change or delay it further. The
 * random source is seeded, so a run repeats itself byte for byte.
 */
import type { Drop } from '../drop.ts'
import { createStack } from '../profiles/full.ts'
import { type Environment, Event, type Socket, type Stack, type StackConfig } from '../stack.ts'

/** A frame on the wire. */
export interface Sent {
  /** Milliseconds. */
  readonly at: number
  readonly from: string
  readonly bytes: Uint8Array
}

/** What the wire does to a frame: 'lose' it, carry it (a number: this many ms late), or carry these bytes instead. */
export type Fault = (frame: Sent, index: number) => 'lose' | number | Uint8Array

export interface SimulatedHost {
  readonly name: string
  readonly stack: Stack
  /** The bits of `Event` seen on each socket since it was last asked. */
  readonly seen: Map<Socket, number>
  /** Reasons for which frames were not taken, in order. */
  readonly drops: Drop[]
}

export type Profile = (config: StackConfig, environment: Environment) => Stack

/** xorshift32: 0 … 2^32 - 1, by seed. */
export function seededRandom(seed: number): () => number {
  let x = seed | 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}

export function environment(seed: number): Environment {
  const random32 = seededRandom(seed)
  return { random32, secret: Uint8Array.from({ length: 16 }, (_, i) => (seed * 31 + i * 7) & 255) }
}

export class Simulation {
  now = 0
  readonly hosts: SimulatedHost[] = []
  /** Every frame that any host sent. */
  readonly wire: Sent[] = []
  fault: Fault = () => 0
  /** One way, ms. */
  delay = 1
  private readonly underWay: { at: number; order: number; from: SimulatedHost; bytes: Uint8Array }[] = []
  private order = 0

  add(name: string, options: Partial<StackConfig> & { profile?: Profile } = {}): SimulatedHost {
    const index = this.hosts.length + 1
    const { profile = createStack, ...config } = options
    const stack = profile(
      {
        memory: 256 * 1024,
        mac: new Uint8Array([2, 0, 0, 0, 0, index]),
        address: `10.0.0.${index}/24`,
        ...config,
      },
      environment(index * 7919),
    )
    const host = { name, stack, seen: new Map<Socket, number>(), drops: [] }
    this.hosts.push(host)
    return host
  }

  /** Lets the hosts act until nothing is left to do at this time, then jumps to the next deadline, up to `until`. */
  runUntil(until: number, done: () => boolean = () => false): void {
    for (;;) {
      this.settle()
      if (done()) return
      const next = Math.min(this.nextArrival(), ...this.hosts.map(h => h.stack.pollAt()))
      if (!(next <= until)) break
      this.now = Math.max(this.now, next)
      this.deliver()
      for (const host of this.hosts) host.stack.poll(this.now)
    }
    this.now = Math.max(this.now, until)
    // What a test calls next happens now, not when a host last had something to do.
    for (const host of this.hosts) host.stack.poll(this.now)
  }

  run(ms: number, done?: () => boolean): void {
    this.runUntil(this.now + ms, done)
  }

  /** Past the probing of addresses: every host has its own, of both versions, and has told of its groups. */
  start(): void {
    this.run(15_000)
    this.wire.length = 0
    for (const host of this.hosts) host.drops.length = 0
  }

  /** Takes the events seen on a socket since the last call. */
  take(host: SimulatedHost, socket: Socket): number {
    const bits = host.seen.get(socket) ?? 0
    host.seen.delete(socket)
    return bits
  }

  private settle(): void {
    for (const host of this.hosts) {
      host.stack.output(frame => this.send(host, frame))
      host.stack.events((socket, bits) => {
        host.seen.set(socket, (host.seen.get(socket) ?? 0) | bits)
      })
    }
  }

  private send(host: SimulatedHost, frame: Uint8Array): boolean {
    const sent = { at: this.now, from: host.name, bytes: frame.slice() }
    const fate = this.fault(sent, this.wire.length)
    this.wire.push(sent)
    if (fate === 'lose') return true
    const bytes = typeof fate === 'number' ? sent.bytes : fate
    const late = typeof fate === 'number' ? fate : 0
    this.underWay.push({ at: this.now + this.delay + late, order: this.order++, from: host, bytes })
    return true
  }

  /** Carries the frame once more, as it was sent. */
  repeat({ at, from, bytes }: Sent): void {
    const host = this.hosts.find(h => h.name === from)
    if (host !== undefined)
      this.underWay.push({ at: at + this.delay, order: this.order++, from: host, bytes })
  }

  private nextArrival(): number {
    return this.underWay.reduce((least, f) => Math.min(least, f.at), Infinity)
  }

  private deliver(): void {
    const due = this.underWay.filter(f => f.at <= this.now).sort((a, b) => a.at - b.at || a.order - b.order)
    for (const f of due) {
      this.underWay.splice(this.underWay.indexOf(f), 1)
      for (const host of this.hosts) {
        if (host === f.from) continue
        const drop = host.stack.input(f.bytes, this.now)
        if (drop !== 0) host.drops.push(drop)
        this.settle()
      }
    }
  }
}

/** A connected pair on port 7: the client's socket, the server's, and the listener. */
export function connectPair(
  simulation: Simulation,
  client: SimulatedHost,
  server: SimulatedHost,
): { near: Socket; far: Socket; listener: Socket } {
  const listener = server.stack.socket(6) as Socket
  server.stack.bind(listener, 0, 7)
  server.stack.listen(listener, 8)
  const near = client.stack.socket(6) as Socket
  client.stack.connect(near, server.stack.address, 7)
  simulation.run(3_000, () => ((client.seen.get(near) ?? 0) & Event.Connected) !== 0)
  simulation.run(50)
  const far = server.stack.accept(listener) as Socket
  if (far < 0) throw new Error(`accept gave ${far}`)
  return { near, far, listener }
}
