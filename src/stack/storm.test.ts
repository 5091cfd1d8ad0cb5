/**
 * Storms: whatever programs call and whatever a wire brings, in any order, at any level of memory, nothing throws, the
 * arena is sound at every step, and at the end everything is given back. Seeded: a storm that fails can be had again.
 */
import { expect, test } from 'vitest'
import { createStack } from './profiles/full.ts'
import { Option, Protocol, type Socket, type Stack } from './stack.ts'
import { assemble } from './testing/bpf.ts'
import { expectSound } from './testing/invariants.ts'
import { ethernet, ipv4, readTcp, tcp, u16, udp } from './testing/raw.ts'
import { dhcpBytes, TYPES } from './testing/raw-dhcp.ts'
import { dnsBytes } from './testing/raw-dns.ts'
import { frame6, icmp6, ip6, ipv6, udp6 } from './testing/raw6.ts'
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

/** What a program sends by a raw socket of TCP's number is no segment: it has zeroes where TCP has a port. */
const isRaw = (bytes: Uint8Array): boolean => bytes[34] === 0 && bytes[35] === 0

class Storm {
  now = 0
  readonly hosts: Host[]
  private readonly wire: { to: number; bytes: Uint8Array }[] = []
  private readonly random: () => number

  constructor(
    seed: number,
    memory: number,
    readonly mixed = false,
  ) {
    this.random = seededRandom(seed)
    this.hosts = [0, 1].map(i => ({
      stack: createStack(
        {
          memory,
          mac: Uint8Array.from(MACS[i] ?? []),
          address: `10.0.0.${i + 1}/24`,
          ...(mixed && {
            name: 'storm',
            dns: [`10.0.0.${2 - i}`],
            largestFrame: i === 0 ? 9014 : 1514,
            links: [{ mac: Uint8Array.from([2, 0, 0, 0, 1, i]), address: `10.1.${i}.1/24`, mtu: 600 }],
            forward: true,
            ...(i === 0 && { dhcpServer: { first: '10.0.0.100', last: '10.0.0.120', lease: 60 } }),
          }),
        },
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
      host.stack.output((frame, link) => {
        if (this.below(20) === 0) return false
        if (link === 0) this.wire.push({ to: 1 - i, bytes: frame.slice() })
        return true
      })
      host.stack.events(socket => {
        if (this.below(2) === 0) this.act(i, socket)
      })
    })
    if (this.mixed) this.strange(this.below(2))
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

  /** A frame of another protocol, well made, from nobody in particular; now and then by link 1. */
  private strange(to: number): void {
    const one = <T>(of: readonly T[]): T => of[this.below(of.length)] as T
    const words = (n: number) => Array.from({ length: n }, () => this.below(256))
    const source = one([[10, 0, 0, 9], [10, 1, to, 7], IPS[1 - to] ?? [], [0, 0, 0, 0]])
    const target = one([
      IPS[to] ?? [],
      [10, 0, 0, 255],
      [255, 255, 255, 255],
      [224, 0, 0, 251],
      [10, 1, to, 9],
      [10, 0, 0, 77],
    ])
    const name = one(['storm.local', 'a.example', 'b.local', 'c.example'])
    const record = () => ({
      name,
      type: one([1, 12, 28, 5, 33]),
      class: one([1, 0x8001]),
      ttl: one([0, 1, 100]),
      data: one<number[] | string>([words(4), words(16), 'x.example', 'storm.local', words(3)]),
    })
    const dns = () =>
      dnsBytes(
        {
          id: this.below(4) === 0 ? this.below(65_536) : 0,
          flags: one([0, 0x8400, 0x8180]),
          questions: this.below(2) === 0 ? [{ name, type: one([1, 12, 28, 255]) }] : [],
          answers: Array.from({ length: this.below(3) }, record),
          authorities: Array.from({ length: this.below(2) }, record),
        },
        this.below(2) === 0,
      )
    const dhcp = () =>
      dhcpBytes({
        op: 1 + this.below(2),
        type: TYPES[1 + this.below(8)] ?? 'ACK',
        xid: this.below(3),
        yiaddr: one(['10.0.0.101', '0.1.2.3', '0.0.0.0']),
        ciaddr: one(['10.0.0.101', '0.0.0.0']),
        chaddr: [2, 0, 0, 0, 3, this.below(40)],
        options: one([
          [],
          [[50, [10, 0, 0, 100 + this.below(25)]]],
          [[54, IPS[to] ?? []]],
          [
            [54, IPS[to] ?? []],
            [50, [10, 0, 0, 100 + this.below(25)]],
          ],
        ]),
      })
    const datagram = one<() => Uint8Array>([
      () => {
        const ports = one([
          [53, 49_152 + this.below(100)],
          [5353, 5353],
          [68, 67],
          [67, 68],
          [1, 1],
        ] as const)
        const data = one([dns, dhcp, () => words(this.below(900))])()
        const [from, at] = this.below(3) === 0 && ports[0] === 1 ? [1, 2] : ports
        const payload = udp(from, at, [67, 68].includes(at) ? dhcp() : data, source, target)
        const fields = { from: source, to: target, id: this.below(65_536) }
        return ethernet(this.macFor(to, target), MACS[1 - to] ?? [], 0x0800, ipv4(17, payload, fields))
      },
      () => {
        const fields = {
          from: source,
          to: target,
          id: this.below(3),
          fragment: one([0, 0x2000, 185, 0x20b9, 0x4000]),
        }
        const packet = ipv4(one([99, 2, 1, 17]), words(8 * this.below(180)), fields)
        return ethernet(this.macFor(to, target), MACS[1 - to] ?? [], 0x0800, packet)
      },
      () => {
        const from = one([ip6('fe80::2'), ip6('fe80::99'), ip6('2001:db8::9'), ip6('::')])
        const at = one([ip6('ff02::1'), ip6('fe80::ff:fe00:1'), ip6('fe80::ff:fe00:2')])
        const payload = one([
          () => icmp6(128, 0, words(8), from, at),
          () => icmp6(135, 0, [0, 0, 0, 0, ...at], from, at),
          () => icmp6(134, 0, [64, 0, ...u16(one([0, 60])), ...words(8)], from, at),
          () => icmp6(this.below(256), 0, words(this.below(100)), from, at),
        ])()
        return this.below(3) === 0
          ? frame6(ipv6(17, udp6(9, 1, words(this.below(800)), from, at), { from, to: at }), MACS[to] ?? [])
          : frame6(ipv6(58, payload, { from, to: at, hops: 255 }), MACS[to] ?? [])
      },
    ])()
    const link = this.below(4) === 0 ? 1 : 0
    if (link === 1 && ((datagram[0] ?? 0) & 1) === 0) datagram.set([2, 0, 0, 0, 1, to])
    this.hosts[to]?.stack.input(datagram, this.now, link)
  }

  private macFor(to: number, target: number[]): number[] {
    if (target[0] === 224) return [1, 0, 0x5e, 0, 0, 251]
    return target[3] === 255 ? [255, 255, 255, 255, 255, 255] : (MACS[to] ?? [])
  }

  /** A segment with some of its fields changed, its checksums right: it reaches the rules behind them. */
  private twisted(bytes: Uint8Array, to: number): Uint8Array {
    const segment = isRaw(bytes) ? undefined : readTcp(bytes)
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
    if (this.mixed) calls.push(...this.others(stack, socket, bytes, peer, keep))
    calls[this.below(calls.length)]?.()
    if (sockets.length > 30) for (const old of sockets.splice(0, 1 + this.below(3))) stack.close(old)
  }

  /** What a program does with sockets that are neither TCP's nor plain UDP's, and what the host's owner does. */
  private others(
    stack: Stack,
    socket: Socket,
    bytes: Uint8Array,
    peer: number,
    keep: (made: number) => void,
  ): (() => unknown)[] {
    const one = <T>(of: readonly T[]): T => of[this.below(of.length)] as T
    const six = Uint8Array.from(one([ip6('fe80::2'), ip6('fe80::ff:fe00:1'), ip6('fe80::ff:fe00:2')]))
    const rare = (call: () => unknown) => () => (this.below(30) === 0 ? call() : 0)
    const dump = [20, 0, 0, 0, one([18, 22, 26, 30]), 0, 1, 3, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    return [
      () => keep(stack.socket(Protocol.Raw, one([1, 2, 6, 17, 99, 255]))),
      () => keep(stack.socket(Protocol.Packet, one([0, 0x800, 0x806, 0x86dd]))),
      () => keep(stack.socket(Protocol.Netlink)),
      () => keep(stack.socket(Protocol.Icmp6)),
      () => keep(stack.resolve(one(['a.example', 'b.local', 'c.example', '10.0.0.9']), one([1, 12, 28]))),
      () => stack.resolved(socket, bytes),
      () => stack.peek(socket, { type: 0, link: 0, etherType: 0, length: 0, at: 0 }),
      () => stack.lost(socket),
      () => stack.bind(socket, one([0, 0x51]), this.below(3)),
      () => stack.send(socket, Uint8Array.from(dump)),
      () => stack.setOption(socket, one(Object.values(Option)), one([0, 1, 1, 4, 60])),
      () => stack.attachFilter(socket, assemble(one(['ret #20', 'ret #0', 'ret #65535', 'ldh [2]; ret a']))),
      () => stack.attachFilter(socket, []),
      () => stack.sendTo(socket, bytes, one([peer, 0xe0000007, 0xffffffff, 0x0a010009, 0x01234]), 1),
      () => stack.sendTo(socket, bytes, six, 1),
      () => stack.connect(socket, six, 1),
      () => stack.connect(socket, one([0, peer]), 1),
      () => stack.joinGroup(socket, 0xe0000007 + this.below(3), this.below(2)),
      () => stack.leaveGroup(socket, 0xe0000007 + this.below(3), this.below(2)),
      rare(() => stack.addAddress(this.below(2), 0x0a010000 + this.below(4), 24)),
      rare(() => stack.removeAddress(0x0a010000 + this.below(4))),
      rare(() =>
        stack.addRoute({
          destination: 0x0a020000,
          prefixLength: 16,
          gateway: peer,
          link: 0,
          metric: this.below(3),
        }),
      ),
      rare(() => stack.removeRoute(0x0a020000, 16, this.below(3))),
      rare(() => stack.linkUp(this.now)),
      rare(() => stack.hostGone(six)),
    ]
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

for (const [seed, memory] of [
  [11, 40 * 1024],
  [12, 64 * 1024],
  [13, 128 * 1024],
  [14, 512 * 1024],
] as const) {
  test(`a storm of everything that a host speaks in ${memory / 1024} KiB, seed ${seed}`, () => {
    const storm = new Storm(seed, memory, true)
    for (let step = 0; step < 3_000; step++) {
      for (let i = storm.below(6); i > 0; i--) storm.act(storm.below(2))
      storm.pass([0, 1, 1, 5, 5, 20, 50, 50, 500, 5_000][storm.below(10)] ?? 0)
      if (step % 10 === 0) for (const host of storm.hosts) expectSound(host.stack)
    }
    storm.end()
    for (const host of storm.hosts) expectSound(host.stack)
    // The responder's own socket and its group are among what lasts.
    const lasting = ['fixed', 'sockets', 'routes', 'groups', 'names', 'standing', 'ipv6', 'free']
    for (const { stack } of storm.hosts)
      expect(stack.memory.pools.filter(pool => pool.used > 0).map(pool => pool.name)).toEqual(lasting)
  }, 60_000)
}
