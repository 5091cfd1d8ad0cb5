import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EHOSTUNREACH, isErrno } from '../errno.ts'
import { Dialogue } from '../testing/dialogue.ts'
import { ALL_NODES, bytes, Dialogue6, PEER6, ROUTER, ROUTER_MAC } from '../testing/dialogue6.ts'
import { ethernet, PEER_MAC } from '../testing/raw.ts'
import {
  advertisement,
  fragment6,
  groupMac,
  icmp6,
  ip6,
  ipv6,
  macOption,
  prefixOption,
  solicitedNode,
  tcp6,
  text6,
} from '../testing/raw6.ts'

const NONE = ip6('::')

/** The peer asks who has `target`. */
const solicit = (d: Dialogue6, target = d.linkLocal, fields = {}, options = macOption(1, PEER_MAC)) =>
  d.icmp(135, 0, [0, 0, 0, 0, ...target, ...options], { to: solicitedNode(target), ...fields })

/** The host sends a datagram of a byte, and what it sent then. */
function send(d: Dialogue6, to: number[], size = 1) {
  const socket = d.socket(17)
  const result = d.stack.sendTo(socket, new Uint8Array(size), bytes(to), 9)
  return { result, sent: d.take() }
}

describe('an address of one’s own', () => {
  test('is asked for before it is used: a report for its group, a solicitation from nobody, then a second of silence', () => {
    const d = new Dialogue6(false)
    expect(d.addresses).toEqual([expect.stringMatching(/^fe80:0:0:0:.* tentative$/)])
    d.wait(1_000)
    const report = d.next(131)
    const probe = d.next(135)
    const group = solicitedNode(d.linkLocal)
    expect([report.to, report.from, report.hops, report.next]).toEqual([text6(group), text6(NONE), 1, 0])
    expect([probe.from, probe.to, probe.hops, probe.mac]).toEqual([
      text6(NONE),
      text6(group),
      255,
      groupMac(group),
    ])
    // No source link-layer address goes with it.
    expect(probe.message.slice(8)).toEqual(d.linkLocal)
    d.wait(1_000)
    expect(d.addresses).toEqual([expect.stringMatching(/ preferred$/)])
    d.wait(30_000).sent.length = 0
  })

  test('is another when somebody answers, and none after four', () => {
    const d = new Dialogue6(false)
    const tried = new Set<string>()
    for (let i = 0; i < 4; i++) {
      d.wait(1_000)
      tried.add(text6(d.linkLocal))
      expect(d.answer(d.linkLocal, PEER_MAC, 0x20)).toBe(Drop.AddressConflict)
    }
    expect(tried.size).toBe(4)
    expect(d.addresses).toEqual([expect.stringMatching(/ duplicate$/)])
    d.wait(10_000)
    expect(d.take().filter(({ type }) => type === 133)).toEqual([])
  })

  test('is another when somebody else tests it at the same time', () => {
    const d = new Dialogue6(false)
    d.wait(1_000)
    const first = d.linkLocal
    expect(solicit(d, first, { from: NONE }, [])).toBe(Drop.AddressConflict)
    expect(d.linkLocal).not.toEqual(first)
  })

  test('that is tentative takes no packets, and answers nobody', () => {
    const d = new Dialogue6(false)
    d.wait(1_000)
    d.take()
    expect(solicit(d)).toBe(Drop.None)
    expect(d.icmp(128, 0, [0, 1, 0, 1])).toBe(Drop.NoAddress)
    d.quiet()
  })

  test('is the same on the same host in the same network, and another in another', () => {
    const [one, two] = [new Dialogue6(), new Dialogue6()]
    expect(one.linkLocal).toEqual(two.linkLocal)
    for (const d of [one, two])
      d.advertise(
        advertisement([
          ...prefixOption({ prefix: '2001:db8::' }),
          ...prefixOption({ prefix: '2001:db8:1::' }),
        ]),
      )
    expect(one.addressOf('2001:db8::')).toEqual(two.addressOf('2001:db8::'))
    expect(one.addressOf('2001:db8::').slice(8)).not.toEqual(one.addressOf('2001:db8:1::').slice(8))
    expect(one.addressOf('2001:db8::').slice(8)).not.toEqual(one.linkLocal.slice(8))
    for (const d of [one, two])
      for (const prefix of ['2001:db8::', '2001:db8:1::']) d.stack.removeAddress6(bytes(d.addressOf(prefix)))
    for (const d of [one, two])
      d.advertise(
        advertisement(
          ['2001:db8::', '2001:db8:1::'].flatMap(prefix => prefixOption({ prefix, valid: 0, preferred: 0 })),
          { lifetime: 0 },
        ),
      )
  })
})

describe('a solicitation', () => {
  test('for an address of ours is answered, solicited and overriding, and whoever asks is noted', () => {
    const d = new Dialogue6()
    expect(solicit(d)).toBe(Drop.None)
    const answer = d.next(136)
    expect([answer.to, answer.from, answer.hops, answer.mac]).toEqual([
      text6(PEER6),
      text6(d.linkLocal),
      255,
      PEER_MAC,
    ])
    expect(answer.message.slice(4)).toEqual([0x60, 0, 0, 0, ...d.linkLocal, 2, 1, 2, 0, 0, 0, 0, 1])
    expect(send(d, PEER6).sent.map(({ mac }) => mac)).toEqual([PEER_MAC])
  })

  test('from nobody is answered to all', () => {
    const d = new Dialogue6()
    expect(solicit(d, d.linkLocal, { from: NONE }, [])).toBe(Drop.None)
    const answer = d.next(136)
    expect([answer.to, answer.message[4]]).toEqual([text6(ALL_NODES), 0x20])
  })

  const wrong: readonly [string, Drop, (d: Dialogue6) => Drop][] = [
    ['that came from afar', Drop.BadHopLimit, d => solicit(d, d.linkLocal, { hops: 254 })],
    ['with a code', Drop.BadDiscovery, d => d.icmp(135, 1, [0, 0, 0, 0, ...d.linkLocal])],
    ['that is cut short', Drop.BadDiscovery, d => d.icmp(135, 0, [0, 0, 0, 0, ...d.linkLocal.slice(0, 12)])],
    ['for a group', Drop.BadDiscovery, d => d.icmp(135, 0, [0, 0, 0, 0, ...ALL_NODES])],
    [
      'with an option of length 0',
      Drop.BadDiscovery,
      d => solicit(d, d.linkLocal, {}, [1, 0, 0, 0, 0, 0, 0, 0]),
    ],
    [
      'with an option beyond the end',
      Drop.BadDiscovery,
      d => solicit(d, d.linkLocal, {}, [1, 2, 0, 0, 0, 0, 0, 0]),
    ],
    [
      'from nobody with a link-layer address',
      Drop.BadDiscovery,
      d => solicit(d, d.linkLocal, { from: NONE }),
    ],
    [
      'from nobody to one host',
      Drop.BadDiscovery,
      d => solicit(d, d.linkLocal, { from: NONE, to: d.linkLocal }, []),
    ],
    [
      'with a wrong checksum',
      Drop.BadIcmpChecksum,
      d => {
        const packet = ipv6(58, icmp6(135, 0, [0, 0, 0, 0, ...d.linkLocal], PEER6, d.linkLocal), {
          from: PEER6,
          to: d.linkLocal,
          hops: 255,
        })
        packet[44] = 1
        return d.in(packet)
      },
    ],
    [
      'in a fragment, though it is whole (RFC 6980)',
      Drop.BadDiscovery,
      d => {
        const message = icmp6(135, 0, [0, 0, 0, 0, ...d.linkLocal], PEER6, d.linkLocal)
        return d.in(
          ipv6(44, fragment6(58, 0, false, 1, message), { from: PEER6, to: d.linkLocal, hops: 255 }),
        )
      },
    ],
  ]
  test.each(wrong)('%s is dropped', (_, drop, say) => {
    const d = new Dialogue6()
    expect(say(d)).toBe(drop)
    d.quiet()
  })
})

describe('a neighbour', () => {
  test('is asked for three times, a second apart; what waits goes when it answers, the newest alone', () => {
    const d = new Dialogue6()
    const socket = d.socket(17)
    for (const size of [1, 2]) d.stack.sendTo(socket, new Uint8Array(size), bytes(PEER6), 9)
    const question = d.next(135)
    expect([question.to, question.mac]).toEqual([text6(solicitedNode(PEER6)), groupMac(solicitedNode(PEER6))])
    expect(question.message.slice(8)).toEqual([...PEER6, ...macOption(1, [2, 0, 0, 0, 0, 1])])
    d.quiet().wait(999).quiet().wait(1).next(135)
    expect(d.answer()).toBe(Drop.None)
    expect(d.take().map(({ mac, payload }) => [mac, payload.length])).toEqual([[PEER_MAC, 10]])
  })

  test('that never answers is given up after three seconds; who wants to connect is told', () => {
    const d = new Dialogue6()
    const socket = d.socket(6)
    expect(d.stack.connect(socket, bytes(PEER6), 80)).toBe(0)
    d.wait(2_999)
    expect(d.take().map(({ type }) => type)).toEqual([135, 135, 135])
    expect(d.stack.error(socket)).toBe(0)
    d.wait(1)
    expect(d.stack.error(socket)).toBe(EHOSTUNREACH)
  })

  test('goes from REACHABLE to STALE, and when it is used again is asked whether it is there', () => {
    const d = new Dialogue6()
    send(d, PEER6)
    d.answer()
    d.take()
    d.wait(50_000).quiet()
    const { sent } = send(d, PEER6)
    expect(sent.map(({ mac }) => mac)).toEqual([PEER_MAC])
    d.wait(4_999).quiet().wait(1)
    const probe = d.next(135)
    expect([probe.to, probe.mac]).toEqual([text6(PEER6), PEER_MAC])
    d.wait(1_000).next(135)
    expect(d.answer()).toBe(Drop.None)
    d.wait(10_000).quiet()
  })

  test('that is asked in vain is forgotten, and looked for anew', () => {
    const d = new Dialogue6()
    send(d, PEER6)
    d.answer()
    d.wait(50_000)
    send(d, PEER6)
    d.wait(8_000)
    d.take()
    expect(send(d, PEER6).sent.map(({ type, to }) => [type, to])).toEqual([
      [135, text6(solicitedNode(PEER6))],
    ])
  })

  test('that moves says so with the override bit; without it, it is only asked', () => {
    const d = new Dialogue6()
    send(d, PEER6)
    d.answer()
    d.take()
    const other = [2, 0, 0, 0, 0, 7]
    d.answer(PEER6, other, 0)
    expect(send(d, PEER6).sent[0]?.mac).toEqual(PEER_MAC)
    d.wait(5_000).next(135)
    d.answer(PEER6, other, 0x60)
    expect(send(d, PEER6).sent[0]?.mac).toEqual(other)
  })

  test('is not made by an advertisement that nobody asked for', () => {
    const d = new Dialogue6()
    expect(d.answer()).toBe(Drop.None)
    expect(send(d, PEER6).sent.map(({ type }) => type)).toEqual([135])
  })

  test('cannot be a group, nor be told to all as asked for', () => {
    const d = new Dialogue6()
    expect(d.icmp(136, 0, [0x60, 0, 0, 0, ...ALL_NODES])).toBe(Drop.BadDiscovery)
    expect(d.icmp(136, 0, [0x60, 0, 0, 0, ...PEER6], { to: ALL_NODES })).toBe(Drop.BadDiscovery)
  })

  test('a flood of strangers fills no more than an eighth of the pages, and leaves', () => {
    const d = new Dialogue6()
    for (let i = 0; i < 1_000; i++) {
      solicit(d, d.linkLocal, { from: ip6(`fe80::5:${i.toString(16)}`) })
      d.take()
    }
    const { size, pools } = d.stack.memory
    expect(pools.find(({ name }) => name === 'ipv6')?.peak).toBeLessThan(size / 7)
    d.wait(120_000)
    d.take()
    expect(send(d, PEER6).sent.map(({ type }) => type)).toEqual([135])
  })

  test('is found also while strangers who are not there fill the table', () => {
    const d = new Dialogue6()
    for (let i = 0; i < 1_000; i++) {
      const from = ip6(`fe80::5:${i.toString(16)}`)
      const tcp = { from: 9, to: 9, seq: 1, ack: 0, flags: 2, window: 0, options: [], data: [] }
      d.in(ipv6(6, tcp6(tcp, from, d.linkLocal), { from, to: d.linkLocal }))
    }
    d.take()
    const { result, sent } = send(d, PEER6)
    expect(result).toBe(1)
    expect(sent.map(({ type }) => type)).toEqual([135])
    d.answer()
    expect(d.take().at(-1)?.next).toBe(17)
    d.wait(10_000).take()
  })

  test('what waits for strangers, whose packets are refused, takes no more than an eighth of the pages', () => {
    const d = new Dialogue6()
    for (let i = 0; i < 200; i++) {
      const from = ip6(`fe80::5:${i.toString(16)}`)
      const tcp = { from: 9, to: 9, seq: 1, ack: 0, flags: 2, window: 0, options: [], data: [] }
      d.in(ipv6(6, tcp6(tcp, from, d.linkLocal), { from, to: d.linkLocal }))
    }
    const { size, pools } = d.stack.memory
    expect(pools.find(({ name }) => name === 'frames')?.peak).toBeLessThan(size / 7)
    d.take()
    d.wait(10_000).take()
  })
})

describe('routers', () => {
  test('are asked for three times, four seconds apart, until one answers', () => {
    const d = new Dialogue6(false)
    d.wait(2_000)
    const asked = d.take().filter(({ type }) => type === 133)
    expect(asked.map(({ to, hops }) => [to, hops])).toEqual([[text6(ip6('ff02::2')), 255]])
    d.wait(4_000)
    expect(d.take().filter(({ type }) => type === 133).length).toBe(1)
    d.advertise(advertisement([]))
    d.wait(20_000)
    expect(d.take().filter(({ type }) => type === 133)).toEqual([])
    d.advertise(advertisement([], { lifetime: 0 }))
  })

  test('tell of prefixes: an address of each is made, tested, and what is on the link is sent to straight', () => {
    const d = new Dialogue6()
    d.advertise(
      advertisement(
        [...macOption(1, ROUTER_MAC), ...prefixOption({ prefix: '2001:db8::', valid: 40, preferred: 20 })],
        { lifetime: 40 },
      ),
    )
    d.wait(2_000)
    d.take()
    expect(d.addresses[1]).toMatch(/^2001:db8:0:0:.* preferred$/)
    const near = send(d, ip6('2001:db8::5')).sent[0]
    expect([near?.type, near?.to]).toEqual([135, text6(solicitedNode(ip6('2001:db8::5')))])
    const far = send(d, ip6('2001:db8:5::5')).sent[0]
    expect([far?.mac, far?.from]).toEqual([ROUTER_MAC, text6(d.addressOf('2001:db8::'))])
    d.wait(18_000)
    expect(d.addresses[1]).toMatch(/ deprecated$/)
    d.wait(20_000)
    expect(d.addresses.length).toBe(1)
    expect(d.stack.ipv6?.routers).toEqual([])
    expect(send(d, ip6('2001:db8::5')).result).toBeLessThan(0)
  })

  test('cannot make an address end within two hours that had longer; RFC 4862, 5.5.3 (e)', () => {
    const d = new Dialogue6()
    const say = (valid: number) =>
      d.advertise(advertisement(prefixOption({ prefix: '2001:db8::', valid, preferred: 0 }), { lifetime: 0 }))
    const left = () => Math.round(((d.stack.ipv6?.addresses[1]?.validUntil ?? 0) - d.now) / 1000)
    say(86_400)
    expect(left()).toBe(86_400)
    say(10)
    expect(left()).toBe(7_200)
    d.wait(200_000)
    say(10)
    expect(left()).toBe(7_000)
    say(7_100)
    expect(left()).toBe(7_100)
    d.stack.removeAddress6(bytes(d.addressOf('2001:db8::')))
    d.advertise(
      advertisement(prefixOption({ prefix: '2001:db8::', valid: 0, preferred: 0 }), { lifetime: 0 }),
    )
  })

  test.each([
    ['a prefix of another length', { prefix: '2001:db8::', bits: 48 }],
    ['the link-local prefix', { prefix: 'fe80::' }],
    ['a group', { prefix: 'ff05::' }],
    ['one that is preferred for longer than it is valid', { prefix: '2001:db8::', valid: 10, preferred: 20 }],
    ['one without the A flag', { prefix: '2001:db8::', flags: 0x80 }],
  ])('no address is made of %s', (_, option) => {
    const d = new Dialogue6()
    expect(
      d.advertise(advertisement(prefixOption({ valid: 20, preferred: 10, ...option }), { lifetime: 0 })),
    ).toBe(Drop.None)
    expect(d.addresses.length).toBe(1)
  })

  test('must speak from a link-local address', () => {
    const d = new Dialogue6()
    expect(d.advertise(advertisement([]), ip6('2001:db8::99'))).toBe(Drop.BadDiscovery)
    expect(d.stack.ipv6?.routers).toEqual([])
  })

  test('set hop limit, MTU and timers; an MTU below 1,280 or above the link’s is passed over', () => {
    const d = new Dialogue6()
    const mtu = (value: number) => [5, 1, 0, 0, 0, 0, value >> 8, value & 255]
    d.advertise(advertisement([...mtu(1400), ...macOption(1, ROUTER_MAC)], { hops: 17, retrans: 200 }))
    for (const other of [1279, 1501]) d.advertise(advertisement(mtu(other)))
    const far = send(d, ip6('2001:db8::5'), 1400)
    expect(far.sent.map(({ hops, next }) => [hops, next])).toEqual([
      [17, 44],
      [17, 44],
    ])
    send(d, PEER6)
    d.wait(200).next(135)
    d.wait(1_000)
    d.advertise(advertisement([...mtu(1500)], { lifetime: 0, hops: 64, retrans: 1000 }))
    d.take()
  })

  test('that are reachable are preferred; one that fails gives way to the next', () => {
    const d = new Dialogue6()
    const second = ip6('fe80::98')
    d.advertise(advertisement(macOption(1, ROUTER_MAC), { lifetime: 100 }))
    d.advertise(advertisement(macOption(1, [2, 0, 0, 0, 0, 0x98]), { lifetime: 100 }), second)
    const to = ip6('2001:db8:9::9')
    expect(send(d, to).sent[0]?.mac).toEqual(ROUTER_MAC)
    // It is not confirmed: probed after five seconds, and given up three later.
    d.wait(8_100)
    d.take()
    expect(send(d, to).sent[0]?.mac).toEqual([2, 0, 0, 0, 0, 0x98])
  })

  test('are no routers any more when they say so of themselves', () => {
    const d = new Dialogue6()
    d.advertise(advertisement(macOption(1, ROUTER_MAC), { lifetime: 100 }))
    expect(d.stack.ipv6?.routers.length).toBe(1)
    d.answer(ROUTER, ROUTER_MAC, 0x60)
    expect(d.stack.ipv6?.routers.length).toBe(0)
  })

  test('tell of name servers, for as long as they say', () => {
    const d = new Dialogue6()
    const server = ip6('2001:db8::53')
    const rdnss = (seconds: number) => [25, 3, 0, 0, 0, 0, 0, seconds, ...server]
    d.advertise(advertisement(rdnss(60), { lifetime: 0 }))
    expect(d.stack.ipv6?.nameServers.map(text6)).toEqual([text6(server)])
    d.wait(59_000)
    expect(d.stack.ipv6?.nameServers.length).toBe(1)
    d.wait(2_000)
    expect(d.stack.ipv6?.nameServers.length).toBe(0)
  })

  test('a hundred that advertise take four places, and their prefixes sixteen', () => {
    const d = new Dialogue6()
    for (let i = 0; i < 100; i++)
      d.advertise(
        advertisement(prefixOption({ prefix: `2001:db8:${i.toString(16)}::`, valid: 30, preferred: 30 }), {
          lifetime: 30,
        }),
        ip6(`fe80::${(i + 0x100).toString(16)}`),
      )
    expect([d.stack.ipv6?.routers.length, d.addresses.length]).toEqual([4, 16])
    d.wait(40_000)
    expect([d.stack.ipv6?.routers.length, d.addresses.length]).toEqual([0, 1])
    d.wait(70_000)
    d.take()
  })
})

describe('a redirect', () => {
  const FAR = ip6('2001:db8:9::9')
  const redirect = (target: number[], to: number[]) => [
    0,
    0,
    0,
    0,
    ...target,
    ...to,
    ...macOption(2, PEER_MAC),
  ]
  const routed = () => {
    const d = new Dialogue6()
    d.advertise(advertisement(macOption(1, ROUTER_MAC), { lifetime: 100 }))
    expect(send(d, FAR).sent[0]?.mac).toEqual(ROUTER_MAC)
    return d
  }

  test('from the first hop is followed', () => {
    const d = routed()
    expect(d.icmp(137, 0, redirect(PEER6, FAR), { from: ROUTER })).toBe(Drop.None)
    expect(send(d, FAR).sent[0]?.mac).toEqual(PEER_MAC)
  })

  const refused: readonly [string, number[], number[], { from?: number[]; hops?: number }, Drop][] = [
    ['from another', PEER6, FAR, { from: ip6('fe80::66') }, Drop.BadDiscovery],
    ['from afar', PEER6, FAR, { from: ROUTER, hops: 64 }, Drop.BadHopLimit],
    [
      'to what is neither link-local nor the destination',
      ip6('2001:db8::1'),
      FAR,
      { from: ROUTER },
      Drop.BadDiscovery,
    ],
    ['for a group', PEER6, ALL_NODES, { from: ROUTER }, Drop.BadDiscovery],
    [
      'for a destination that nobody sends to',
      PEER6,
      ip6('2001:db8:9::8'),
      { from: ROUTER },
      Drop.BadDiscovery,
    ],
  ]
  test.each(refused)('%s is not', (_, target, to, fields, drop) => {
    const d = routed()
    expect(d.icmp(137, 0, redirect(target, to), fields)).toBe(drop)
    expect(send(d, FAR).sent[0]?.mac).toEqual(ROUTER_MAC)
  })
})

test('a link that carries less than 1,280 bytes, or a memory of few pages, has no IPv6 and says why', () => {
  for (const [config, why] of [
    [{ mtu: 1279 }, /this one carries 1279/],
    [{ memory: 20 * 1024 }, /needs 16 pages/],
  ] as const) {
    const d = new Dialogue6(true, config)
    expect(d.stack.ipv6?.off).toMatch(why)
    expect(d.in(ipv6(58, [], { from: PEER6, to: ALL_NODES }))).toBe(Drop.UnknownEtherType)
    expect(isErrno(d.stack.connect(d.socket(6), bytes(PEER6), 7))).toBe(true)
    expect(d.stack.addAddress6(bytes(PEER6), 64)).toBeLessThan(0)
  }
})

test('an address that its owner gives is tested, used, and given up with its connections', () => {
  const d = new Dialogue6()
  const own = ip6('2001:db8::1')
  expect(d.stack.addAddress6(bytes(own), 64)).toBe(0)
  expect(d.stack.addAddress6(bytes(own), 64)).toBeLessThan(0)
  for (const none of [ip6('::'), ip6('::1'), ALL_NODES, ip6('::ffff:a00:1')])
    expect(d.stack.addAddress6(bytes(none), 64)).toBeLessThan(0)
  d.wait(2_000)
  expect(d.addresses[1]).toBe(`${text6(own)} preferred`)
  const { sent } = send(d, ip6('2001:db8::2'))
  expect([sent[2]?.type ?? sent.at(-1)?.type, sent.at(-1)?.from]).toEqual([135, text6(own)])
  expect(d.stack.removeAddress6(bytes(own))).toBe(0)
  expect(d.stack.removeAddress6(bytes(own))).toBeLessThan(0)
  expect(d.addresses.length).toBe(1)
  d.advertise(advertisement(prefixOption({ prefix: '2001:db8::', valid: 0, preferred: 0 }), { lifetime: 0 }))
})

test('a host that was made without IPv6 says nothing in it, takes nothing, and says why', () => {
  const d = new Dialogue({ ipv6: false })
  const solicitation = ethernet([0x33, 0x33, 0, 0, 0, 1], PEER_MAC, 0x86dd, [0x60, ...Array(39).fill(0)])
  expect(d.inFrame(solicitation)).not.toBe(Drop.None)
  d.wait(10_000)
  expect(d.others).toEqual([])
  expect(d.stack.ipv6?.off).toBe('It was not asked for when this host was made.')
})
