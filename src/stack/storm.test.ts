/**
 * Storms: whatever programs call and whatever a wire brings, in any order, at any level of memory, nothing throws, the
 * arena is sound at every step, and at the end everything is given back. Seeded: a storm that fails can be had again.
 */
import { expect, test } from 'vitest'
import { createStack } from './profiles/full.ts'
import { Protocol, type Socket, type Stack } from './stack.ts'
import { expectSound } from './testing/invariants.ts'
import { ethernet, ipv4, readTcp, tcp } from './testing/raw.ts'
import { environment, seededRandom } from './testing/simulation.ts'

const MACS = [
  [2, 0, 0, 0, 0, 1],
  [2, 0, 0, 0, 0, 2],
]
const IPS = [
  [10, 0, 0, 1],
  [10, 0, 0, 2],
]
const ADDRESSES = [0x0a000001, 0x0a000002]

interface Host {
  readonly stack: Stack
  readonly sockets: Socket[]
}

/** Whether a frame holds a part of a datagram. */
const isFragment = (bytes: Uint8Array): boolean =>
  bytes[12] === 8 && bytes[13] === 0 && (((bytes[20] ?? 0) & 0x3f) | (bytes[21] ?? 0)) !== 0

class Storm {
  now = 0
  readonly hosts: Host[]
  private readonly wire: { to: number; bytes: Uint8Array }[] = []
  private readonly random: () => number

  constructor(seed: number, memory: number) {
    this.random = seededRandom(seed)
    this.hosts = [0, 1].map(i => ({
      stack: createStack(
        { memory, mac: Uint8Array.from(MACS[i] ?? []), address: `10.0.0.${i + 1}/24` },
        environment(seed + i),
      ),
      sockets: [],
    }))
    for (let i = 0; i < 40; i++) this.pass(100)
  }

  below(n: number): number {
    return this.random() % n
  }

  /** Time passes, timers fire, what is on the wire arrives, for better or worse. */
  pass(ms: number): void {
    this.now += ms
    this.hosts.forEach((host, i) => {
      host.stack.poll(this.now)
      host.stack.output(frame => {
        if (this.below(20) === 0) return false
        this.wire.push({ to: 1 - i, bytes: frame.slice() })
        return true
      })
      host.stack.events(socket => {
        if (this.below(2) === 0) this.act(i, socket)
      })
    })
    for (const { to, bytes } of this.wire.splice(0)) {
      const stack = this.hosts[to]?.stack
      const fate = this.below(20)
      if (fate === 0) continue
      if (fate === 1) this.wire.push({ to, bytes })
      if (fate === 2) stack?.input(this.twisted(bytes, to), this.now)
      else stack?.input(bytes, this.now)
      if (fate === 3) stack?.input(bytes, this.now)
    }
  }

  /** A segment with some of its fields changed, its checksums right: it reaches the rules behind them. */
  private twisted(bytes: Uint8Array, to: number): Uint8Array {
    const segment = readTcp(bytes)
    if (segment === undefined && isFragment(bytes)) {
      const field = [0x2000, 0x2001, 0, 1, 92, 0x205c, 185, 0x20b9, 0x1fff, 0x3fff][this.below(10)] ?? 0
      const payload = [...bytes.slice(34, 34 + 8 * this.below(186) + this.below(2))]
      const protocol = [1, 6, 17, 99][this.below(4)] ?? 1
      const id = this.below(2) === 0 ? (bytes[18] ?? 0) * 256 + (bytes[19] ?? 0) : this.below(4)
      const fields = { id, fragment: field, from: IPS[1 - to] ?? [], to: IPS[to] ?? [] }
      return ethernet(MACS[to] ?? [], MACS[1 - to] ?? [], 0x0800, ipv4(protocol, payload, fields))
    }
    if (segment === undefined) {
      const copy = bytes.slice(0, 1 + this.below(bytes.length))
      copy[this.below(copy.length)] = this.below(256)
      return copy
    }
    const near = (n: number) =>
      (n + ([0, 0, 0, 1, -1, 100, -100, 1460, -1460, 65535, 0x7fffffff][this.below(11)] ?? 0)) >>> 0
    const changed = {
      ...segment,
      seq: near(segment.seq),
      ack: near(segment.ack),
      flags: this.below(2) === 0 ? segment.flags : this.below(64),
      window: [segment.window, 0, 1, 65535][this.below(4)] ?? 0,
      data: this.below(2) === 0 ? segment.data : segment.data.slice(this.below(segment.data.length + 1)),
    }
    const from = 1 - to
    return ethernet(
      MACS[to] ?? [],
      MACS[from] ?? [],
      0x0800,
      ipv4(6, tcp(changed, IPS[from], IPS[to]), { from: IPS[from] ?? [], to: IPS[to] ?? [] }),
    )
  }

  /** A program does something, sensible or not, with one of its sockets or with one that it has no more. */
  act(i: number, given?: Socket): void {
    const { stack, sockets } = this.hosts[i] as Host
    const socket =
      given ?? sockets[this.below(Math.max(1, sockets.length))] ?? (this.below(1 << 30) as Socket)
    const bytes = new Uint8Array(this.below(4000))
    const peer = ADDRESSES[1 - i] ?? 0
    const keep = (made: number) => {
      if (made > 0) sockets.push(made as Socket)
    }
    /** A new socket, put to its use at once: at random one would seldom get that far. */
    const begin = (use: (made: Socket) => void) => {
      const made = stack.socket(Protocol.Tcp)
      keep(made)
      if (made > 0) use(made as Socket)
    }
    const calls = [
      () => keep(stack.socket(this.below(2) === 0 ? Protocol.Udp : Protocol.Icmp)),
      () => {
        const made = stack.socket(this.below(2) === 0 ? Protocol.Udp : Protocol.Icmp)
        keep(made)
        stack.bind(made as Socket, 0, 1 + this.below(2))
        for (let n = this.below(4); n > 0; n--) stack.sendTo(made as Socket, bytes, peer, 1 + this.below(2))
      },
      () =>
        begin(made => {
          stack.bind(made, 0, 1 + this.below(2))
          stack.listen(made, 1 + this.below(3))
        }),
      () => begin(made => stack.connect(made, peer, 1 + this.below(2))),
      () => begin(made => stack.connect(made, peer, 1 + this.below(2))),
      () => begin(() => {}),
      () => stack.bind(socket, 0, this.below(3)),
      () => stack.listen(socket, 1 + this.below(3)),
      () => keep(stack.accept(socket)),
      () => stack.connect(socket, this.below(10) === 0 ? this.below(2 ** 32) : peer, 1 + this.below(2)),
      () => stack.send(socket, bytes),
      () => stack.send(socket, bytes),
      () => stack.recv(socket, bytes),
      () => stack.recv(socket, bytes),
      () => stack.sendTo(socket, bytes, peer, 1 + this.below(2)),
      () => stack.recvFrom(socket, bytes, { address: 0, port: 0 }),
      () => stack.shutdown(socket),
      () => (this.below(2) === 0 ? stack.close(socket) : stack.error(socket)),
      () => (this.below(4) === 0 ? stack.abort(socket) : 0),
      () => (this.below(50) === 0 ? stack.hostGone(peer) : 0),
    ]
    calls[this.below(calls.length)]?.()
    if (sockets.length > 30) for (const old of sockets.splice(0, 1 + this.below(3))) stack.close(old)
  }

  /** All handles are given back, the wire falls silent. */
  end(): void {
    for (const [i, { stack, sockets }] of this.hosts.entries()) {
      for (const socket of sockets) {
        stack.abort(socket)
        stack.close(socket)
      }
      stack.hostGone(ADDRESSES[1 - i] ?? 0)
    }
    for (let i = 0; i < 500; i++) {
      this.now += 1000
      for (const host of this.hosts) {
        host.stack.poll(this.now)
        host.stack.output(() => true)
        host.stack.events(() => {})
      }
    }
  }
}

for (const [seed, memory] of [
  [1, 17 * 1024],
  [2, 24 * 1024],
  [3, 64 * 1024],
  [4, 32 * 1024],
  [5, 256 * 1024],
] as const) {
  test(`a storm of calls and frames in ${memory / 1024} KiB, seed ${seed}`, () => {
    const storm = new Storm(seed, memory)
    const baseline = storm.hosts.map(host => host.stack.memory.used)
    for (let step = 0; step < 4_000; step++) {
      for (let i = storm.below(6); i > 0; i--) storm.act(storm.below(2))
      storm.pass([0, 1, 1, 5, 5, 20, 50, 50, 500, 5_000][storm.below(10)] ?? 0)
      if (step % 10 === 0) for (const host of storm.hosts) expectSound(host.stack)
    }
    for (const { stack } of storm.hosts) {
      expect(stack.counters['tcpPassiveOpens']).toBeGreaterThan(50)
      // The smallest arena never has the pages that a large datagram needs on its way out.
      if (memory > 17 * 1024) expect(stack.counters['ipReasmReqds']).toBeGreaterThan(0)
    }
    storm.end()
    for (const host of storm.hosts) expectSound(host.stack)
    expect(storm.hosts.map(host => host.stack.memory.used)).toEqual(baseline)
  })
}
