/**
 * A storm of packets at one host: made at random of what is right and what is nearly right, with checksums that are right, so
 * that they reach the rules behind them. Nothing throws, the arena is sound at every step, and at the end it is as it was.
 */
import { expect, test } from 'vitest'
import { createStack } from '../profiles/full.ts'
import { Protocol, type Socket } from '../stack.ts'
import { expectSound } from '../testing/invariants.ts'
import { HOST_MAC, u16, u32 } from '../testing/raw.ts'
import {
  fragment6,
  frame6,
  icmp6,
  ip6,
  ipv6,
  macOption,
  prefixOption,
  readIpv6,
  solicitedNode,
  tcp6,
  udp6,
} from '../testing/raw6.ts'
import { environment, seededRandom } from '../testing/simulation.ts'

for (const [seed, memory] of [
  [1, 32 * 1024],
  [2, 48 * 1024],
  [3, 128 * 1024],
  [4, 512 * 1024],
] as const) {
  test(`a storm of packets in ${memory / 1024} KiB, seed ${seed}`, () => {
    const random = seededRandom(seed)
    const below = (n: number) => random() % n
    const one = <T>(of: readonly T[]): T => of[below(of.length)] as T
    const stack = createStack(
      { memory, mac: Uint8Array.from(HOST_MAC), address: '10.0.0.1/24' },
      environment(seed),
    )
    const baseline = stack.memory.used
    let now = 0
    const sent: Uint8Array[] = []
    const pass = (ms: number) => {
      now += ms
      stack.poll(now)
      stack.output(frame => {
        if (below(30) === 0) return false
        if (frame[12] === 0x86) {
          readIpv6(frame)
          sent.push(frame.slice())
          if (sent.length > 20) sent.shift()
        }
        return true
      })
      stack.events(() => {})
    }
    for (let i = 0; i < 100; i++) pass(100)
    const own = () => one(stack.ipv6?.addresses ?? [])?.address ?? new Uint8Array(ip6('fe80::1'))
    const strangers = ['fe80::2', 'fe80::3', '2001:db8::2', '2001:db8:9::1', '::', 'ff02::1', 'fe80::99'].map(
      ip6,
    )
    const stranger = () => (below(6) === 0 ? ip6(`fe80::6:${below(500).toString(16)}`) : one(strangers))
    const words = (count: number) => Array.from({ length: count }, () => below(256))
    const options = () =>
      Array.from({ length: below(4) }, () =>
        one([
          () => macOption(1 + below(2), [2, 0, 0, 0, 0, below(4)]),
          () =>
            prefixOption({
              prefix: `2001:db8:${below(20).toString(16)}::`,
              valid: below(100),
              preferred: below(100),
              flags: below(256),
            }),
          () => [5, 1, 0, 0, ...u32(one([1280, 1400, 1500, 9000, 0]))],
          () => [25, 3, 0, 0, ...u32(below(100)), ...ip6('2001:db8::53')],
          () => [below(40), below(3), ...words(below(14))],
        ])(),
      ).flat()

    /** A message of ICMPv6, in its right place. */
    const message = (from: number[], to: number[]): number[] => {
      const type = one([
        1,
        2,
        3,
        4,
        128,
        129,
        130,
        131,
        132,
        133,
        134,
        134,
        135,
        135,
        136,
        136,
        137,
        below(256),
      ])
      const quoted = sent.length > 0 ? [...one(sent)].slice(14) : words(48)
      const target = one([[...own()], stranger(), ip6('2001:db8:9::1')])
      const body: Record<number, () => number[]> = {
        1: () => [...u32(0), ...quoted],
        2: () => [...u32(one([0, 1279, 1280, 1300, 1499, 1500])), ...quoted],
        3: () => [...u32(0), ...quoted],
        4: () => [...u32(below(100)), ...quoted],
        128: () => words(4 + below(1000)),
        129: () => words(4 + below(100)),
        130: () => [...u16(below(2000)), 0, 0, ...one([ip6('::'), ip6('ff02::77')])],
        131: () => [...u32(0), ...one([ip6('ff02::77'), solicitedNode([...own()])])],
        133: () => [...u32(0), ...options()],
        134: () => [
          below(256),
          below(256),
          ...u16(below(200)),
          ...u32(one([0, 1, 30_000])),
          ...u32(one([0, 0, 500])),
          ...options(),
        ],
        135: () => [...u32(0), ...target, ...options()],
        136: () => [below(256), 0, 0, 0, ...target, ...options()],
        137: () => [...u32(0), ...target, ...stranger(), ...options()],
      }
      return icmp6(
        type,
        below(20) === 0 ? below(5) : type === 1 ? 4 : 0,
        body[type]?.() ?? words(below(40)),
        from,
        to,
      )
    }
    const upper = (from: number[], to: number[]): readonly [number, number[]] =>
      one([
        () => [58, message(from, to)] as const,
        () => [58, message(from, to)] as const,
        () => [17, udp6(9, one([5, 6, 99]), words(below(1200)), from, to)] as const,
        () =>
          [
            6,
            tcp6(
              {
                from: 1 + below(5),
                to: one([7, 7, 99]),
                seq: one([0, 1000, 1001, random()]),
                ack: random(),
                flags: one([2, 2, 16, 4, 17, below(64)]),
                window: below(65_536),
                options: [],
                data: words(below(100)),
              },
              from,
              to,
            ),
          ] as const,
        () => [below(256), words(below(60))] as const,
      ])()
    /** Extension headers in front of it, mostly none. */
    const chained = ([next, payload]: readonly [number, number[]]): readonly [number, number[]] => {
      if (below(3) !== 0) return [next, payload]
      const kind = one([0, 43, 44, 60])
      if (kind === 44) {
        const [from, to] = [below(3) * 8, 8 * below(200)]
        return [44, fragment6(next, from, below(2) === 0, below(4), payload.slice(from, from + to))]
      }
      return chained([
        kind,
        [
          next,
          below(20) === 0 ? below(9) : 0,
          below(256),
          one([0, 0, 4, below(20)]),
          ...words(4),
          ...payload,
        ],
      ])
    }

    const sockets: Socket[] = []
    const act = () => {
      const to = one([...strangers, ip6('2001:db8:9::1')])
      const socket = one(sockets) ?? (0 as Socket)
      one([
        () => {
          const made = stack.socket(one([Protocol.Udp, Protocol.Tcp, Protocol.Icmp6]))
          if (made > 0) sockets.push(made as Socket)
        },
        () => stack.bind(socket, one([new Uint8Array(16), own()]), one([0, 5, 6, 7])),
        () => stack.listen(socket, 3),
        () => {
          const child = stack.accept(socket)
          if (child > 0) sockets.push(child as Socket)
        },
        () => stack.connect(socket, Uint8Array.from(to), 80),
        () => stack.sendTo(socket, new Uint8Array(below(5000)), Uint8Array.from(to), 9),
        () =>
          stack.recvFrom(socket, new Uint8Array(2000), { address: 0, port: 0, address6: new Uint8Array(16) }),
        () =>
          stack.name(socket, one(['local', 'remote'] as const), {
            address: 0,
            port: 0,
            address6: new Uint8Array(16),
          }),
        () => stack.send(socket, new Uint8Array(below(3000))),
        () => stack.recv(socket, new Uint8Array(3000)),
        () => stack.close(socket),
        () => stack.joinGroup6(Uint8Array.from(ip6('ff02::77'))),
        () => stack.leaveGroup6(Uint8Array.from(ip6('ff02::77'))),
        () =>
          below(20) === 0 ? stack.addAddress6(Uint8Array.from(ip6(`2001:db8:aa::${1 + below(3)}`)), 64) : 0,
        () => (below(20) === 0 ? stack.removeAddress6(own()) : 0),
        () => (below(20) === 0 ? stack.hostGone(Uint8Array.from(to)) : 0),
        () => stack.sortDestinations([Uint8Array.from(to), 0x0a000002, own()]),
      ])()
      if (sockets.length > 20) {
        const oldest = sockets.shift() as Socket
        stack.abort(oldest)
        stack.close(oldest)
      }
    }

    for (let step = 0; step < 3_000; step++) {
      const from = stranger()
      const to = one([
        [...own()],
        [...own()],
        ip6('ff02::1'),
        solicitedNode([...own()]),
        ip6('fe80::2'),
        ip6('ff02::77'),
      ])
      const [next, payload] = chained(upper(from, to))
      const frame = frame6(ipv6(next, payload, { from, to, hops: one([255, 255, 255, 1, 64]) }))
      if (frame.length <= 1514)
        stack.input(below(20) === 0 ? frame.slice(0, below(frame.length)) : frame, now)
      if (below(3) === 0) act()
      pass(one([0, 0, 1, 20, 200, 1_500]))
      if (step % 20 === 0) expectSound(stack)
    }
    expect(stack.counters['ip6InDelivers']).toBeGreaterThan(500)
    for (const socket of sockets) {
      stack.abort(socket)
      stack.close(socket)
    }
    for (let i = 0; i < 40; i++) stack.leaveGroup6(Uint8Array.from(ip6('ff02::77')))
    while (stack.leaveGroup6(Uint8Array.from(ip6('ff02::77'))) === 0) {
      // As often as it was joined.
    }
    for (let last = 3; last > 0; last--) stack.removeAddress6(Uint8Array.from(ip6(`2001:db8:aa::${last}`)))
    for (let i = 0; i < 8_000; i++) pass(1_000)
    expectSound(stack)
    // A prefix and a link-local address may be gone, or stay for ever where the owner gave them: the page that holds them is one.
    expect(stack.memory.used).toBe(baseline)
  }, 60_000)
}
