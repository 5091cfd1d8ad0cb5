import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { formatIpv4 } from '../ip/addresses.ts'
import { DNS_SERVERS, MTU } from '../memory/layout.ts'
import type { StackConfig } from '../stack.ts'
import { Correspondence } from '../testing/correspondence.ts'
import { arp, ethernet, HOST_MAC, PEER_MAC } from '../testing/raw.ts'
import { type DhcpFields, dhcpBytes, octets, readDhcp } from '../testing/raw-dhcp.ts'
import { seededRandom } from '../testing/simulation.ts'

const SERVER = '10.0.0.2'
const ALL = '255.255.255.255'
const OFFERED = '10.0.0.9'
const LEASE = 1200
const T1 = 600_000
const T2 = 1_050_000
const lease = (seconds = LEASE) => [51, [0, 0, seconds >> 8, seconds & 255]] as const
const server = (address = SERVER) => [54, octets(address)] as const
const MASK = [1, [255, 255, 255, 0]] as const

/** A host that asks, and its messages as the tests read them. */
class Client extends Correspondence {
  xid = 0

  constructor(config: Partial<StackConfig> = {}) {
    super({ address: 'dhcp', ...config })
    this.present.add(SERVER)
  }

  /** The next message: what, from where to where, and when. */
  heard() {
    const letter = this.next()
    const message = readDhcp(letter.frame)
    if (message === undefined) throw new Error('The host said something else.')
    this.xid = message.xid
    return { at: letter.at, ...message }
  }

  answer(fields: DhcpFields, from = SERVER, to = ALL): Drop {
    const options = fields.options ?? [lease(), server(), MASK]
    return this.say(from, 67, to, 68, dhcpBytes({ xid: this.xid, yiaddr: OFFERED, ...fields, options }))
  }

  get address(): string {
    return formatIpv4(this.stack.address)
  }
}

/** A client that has its lease, in use since just now. */
function bound(
  options: DhcpFields['options'] = [lease(), server(), MASK],
  config: Partial<StackConfig> = {},
) {
  const d = new Client(config)
  d.wait(600)
  expect(d.heard().type).toBe('DISCOVER')
  d.answer({ type: 'OFFER' })
  expect(d.heard().type).toBe('REQUEST')
  const since = d.now
  d.answer({ type: 'ACK', options })
  d.wait(2_000)
  expect(d.address).toBe(OFFERED)
  return { d, since }
}

describe('getting an address', () => {
  test('DISCOVER goes to all from nobody, and says who asks and what for', () => {
    const d = new Client({ name: 'alice' }).wait(600)
    const { type, op, flags, ciaddr, chaddr, options, from, to } = d.heard()
    expect({ type, op, flags, ciaddr, chaddr, from, to }).toEqual({
      type: 'DISCOVER',
      op: 1,
      flags: 0x8000,
      ciaddr: '0.0.0.0',
      chaddr: HOST_MAC,
      from: '0.0.0.0',
      to: ALL,
    })
    expect(options.get(61)).toEqual([1, ...HOST_MAC])
    expect(options.get(55)).toEqual([1, 3, 6, 15, 26, 58, 59])
    expect(String.fromCharCode(...(options.get(12) ?? []))).toBe('alice')
    expect(options.has(50) || options.has(54)).toBe(false)
  })

  test('REQUEST names the offer and the server; the address is tested, then used', () => {
    const d = new Client().wait(600)
    d.heard()
    expect(d.answer({ type: 'OFFER' })).toBe(Drop.None)
    const { type, ciaddr, options, from, to } = d.heard()
    expect({ type, ciaddr, from, to }).toEqual({
      type: 'REQUEST',
      ciaddr: '0.0.0.0',
      from: '0.0.0.0',
      to: ALL,
    })
    expect([options.get(50), options.get(54)]).toEqual([octets(OFFERED), octets(SERVER)])
    expect(d.answer({ type: 'ACK' })).toBe(Drop.None)
    expect(d.address).toBe('0.0.0.0')
    d.wait(1_000)
    expect(d.address).toBe(OFFERED)
  })

  test('DISCOVER is repeated after 4, 8, 16, 32, 64 and again 64 seconds, each give or take one', () => {
    const d = new Client().wait(400_000)
    const at = d.letters.splice(0).map(letter => letter.at)
    const gaps = at.slice(1).map((time, i) => time - (at[i] ?? 0))
    expect(gaps.length).toBeGreaterThan(6)
    for (const [i, gap] of gaps.entries())
      expect(Math.abs(gap - Math.min(64_000, 4_000 * 2 ** i))).toBeLessThanOrEqual(1_000)
    expect(new Set(gaps.map(gap => gap % 1000)).size).toBeGreaterThan(3)
  })

  test('after two that nobody answers the host has a link-local address, and moves when there is a lease', () => {
    const d = new Client().wait(20_000)
    expect(d.address).toMatch(/^169\.254\./)
    d.letters.splice(0, d.letters.length - 1)
    const { from, to } = d.heard()
    expect([from, to]).toEqual(['0.0.0.0', ALL])
    d.answer({ type: 'OFFER' })
    d.heard()
    d.answer({ type: 'ACK' })
    d.wait(2_000)
    expect(d.address).toBe(OFFERED)
  })

  test('REQUEST that is not answered is repeated four times in all; then it begins anew', () => {
    const d = new Client().wait(600)
    d.heard()
    d.answer({ type: 'OFFER' })
    d.wait(70_000)
    const said = d.letters.splice(0).map(({ frame }) => readDhcp(frame)?.type)
    expect(said.slice(0, 5)).toEqual(['REQUEST', 'REQUEST', 'REQUEST', 'REQUEST', 'DISCOVER'])
  })

  test('NAK: it begins anew', () => {
    const d = new Client().wait(600)
    d.heard()
    d.answer({ type: 'OFFER' })
    const { xid } = d.heard()
    expect(d.answer({ type: 'NAK', options: [server()] })).toBe(Drop.None)
    d.wait(600)
    const again = d.heard()
    expect([again.type, again.xid === xid]).toEqual(['DISCOVER', false])
  })

  test('another station has the address: DECLINE to all, and ten seconds of patience', () => {
    const d = new Client().wait(600)
    d.heard()
    d.answer({ type: 'OFFER' })
    d.heard()
    d.answer({ type: 'ACK' })
    d.wait(100)
    const other = {
      operation: 2,
      senderMac: PEER_MAC,
      senderIp: octets(OFFERED),
      targetMac: HOST_MAC,
      targetIp: [0, 0, 0, 0],
    }
    expect(d.frame(ethernet(HOST_MAC, PEER_MAC, 0x0806, arp(other)))).toBe(Drop.AddressConflict)
    const { at, type, options, ciaddr, from, to } = d.heard()
    expect({ type, ciaddr, from, to }).toEqual({
      type: 'DECLINE',
      ciaddr: '0.0.0.0',
      from: '0.0.0.0',
      to: ALL,
    })
    expect([options.get(50), options.get(54)]).toEqual([octets(OFFERED), octets(SERVER)])
    d.wait(12_000)
    const again = d.heard()
    expect([again.type, again.at - at, again.options.has(50)]).toEqual(['DISCOVER', 10_000, false])
    expect(d.address).toBe('0.0.0.0')
  })
})

describe('what is not believed', () => {
  test('another transaction, another station, a request, an offer without a server or of an impossible address', () => {
    const d = new Client().wait(600)
    d.heard()
    expect(d.answer({ type: 'OFFER', xid: d.xid ^ 1 })).toBe(Drop.UnexpectedDhcp)
    expect(d.answer({ type: 'OFFER', chaddr: PEER_MAC })).toBe(Drop.UnexpectedDhcp)
    expect(d.answer({ type: 'OFFER', op: 1 })).toBe(Drop.UnexpectedDhcp)
    expect(d.answer({ type: 'OFFER', options: [lease()] })).toBe(Drop.UnexpectedDhcp)
    for (const yiaddr of ['0.0.0.0', '127.0.0.1', '224.0.0.1', '169.254.1.1', ALL])
      expect([yiaddr, d.answer({ type: 'OFFER', yiaddr })]).toEqual([yiaddr, Drop.UnexpectedDhcp])
    for (const type of ['ACK', 'NAK', 'DISCOVER', 'INFORM'])
      expect(d.answer({ type })).toBe(Drop.UnexpectedDhcp)
    d.quiet()
  })

  test('an ACK of another server than was chosen, or without a lease', () => {
    const d = new Client().wait(600)
    d.heard()
    d.answer({ type: 'OFFER' })
    d.heard()
    expect(d.answer({ type: 'ACK', options: [lease(), server('10.0.0.3')] })).toBe(Drop.UnexpectedDhcp)
    expect(d.answer({ type: 'NAK', options: [server('10.0.0.3')] })).toBe(Drop.UnexpectedDhcp)
    expect(d.answer({ type: 'ACK', options: [server()] })).toBe(Drop.UnexpectedDhcp)
    expect(d.answer({ type: 'ACK' })).toBe(Drop.None)
    expect(d.answer({ type: 'NAK', options: [server()] })).toBe(Drop.UnexpectedDhcp)
  })

  test('options that do not end, or are longer than the message', () => {
    const d = new Client().wait(600)
    d.heard()
    const whole = dhcpBytes({ type: 'OFFER', xid: d.xid, yiaddr: OFFERED, options: [server()] })
    const say = (bytes: number[]) => d.say(SERVER, 67, ALL, 68, bytes)
    expect(say(whole.slice(0, -1))).toBe(Drop.BadDhcp)
    expect(say(whole.slice(0, -3))).toBe(Drop.BadDhcp)
    expect(say(whole.slice(0, 240))).toBe(Drop.BadDhcp)
    expect(say(whole.slice(0, 100))).toBe(Drop.BadDhcp)
    expect(say(whole.with(236, 0))).toBe(Drop.BadDhcp)
    expect(say(whole.with(1, 6))).toBe(Drop.BadDhcp)
    expect(say(whole.with(0, 3))).toBe(Drop.BadDhcp)
    expect(say(whole)).toBe(Drop.None)
  })
})

describe('what a lease tells', () => {
  const view = (d: Client) => new DataView(d.stack.arena)

  test('mask, router, servers for names, and an MTU no larger than the link’s', () => {
    const { d } = bound([
      lease(),
      server(),
      [1, [255, 255, 0, 0]],
      [3, [10, 0, 0, 254, 10, 0, 0, 253]],
      [6, [10, 0, 0, 53, 10, 0, 0, 54]],
      [15, [104, 111, 109, 101]],
      [26, [5, 0]],
    ])
    expect(d.stack.addresses).toEqual([{ address: 0x0a000009, prefixLength: 16, link: 0 }])
    expect(d.stack.routes.map(({ gateway }) => formatIpv4(gateway))).toContain('10.0.0.254')
    expect([0, 4, 8].map(i => view(d).getUint32(DNS_SERVERS + i, true))).toEqual([0x0a000035, 0x0a000036, 0])
    expect(view(d).getUint16(MTU, true)).toBe(1280)
    const { d: large } = bound([lease(), server(), [26, [35, 40]]])
    expect(view(large).getUint16(MTU, true)).toBe(1500)
    const { d: small } = bound([lease(), server(), [26, [0, 67]]])
    expect(view(small).getUint16(MTU, true)).toBe(1500)
  })

  test('without a mask the one of the address’s class; an impossible mask is none', () => {
    for (const mask of [undefined, [1, [255, 0, 255, 0]], [1, [0, 0, 0, 0]], [1, [255]]] as const) {
      const { d } = bound(mask === undefined ? [lease(), server()] : [lease(), server(), mask])
      expect(d.stack.addresses[0]?.prefixLength).toBe(8)
    }
  })

  test('options in several parts, and in the fields for names (RFC 3396; option 52)', () => {
    const d = new Client().wait(600)
    d.heard()
    d.answer({ type: 'OFFER' })
    d.heard()
    d.answer({
      type: 'ACK',
      options: [lease(), server(), MASK, [52, [3]], [6, [10, 0, 0]]],
      file: [0, 6, 2, 53, 10, 255],
      sname: [6, 3, 0, 0, 54, 255],
    })
    d.wait(2_000)
    expect(d.address).toBe(OFFERED)
    expect([0, 4].map(i => view(d).getUint32(DNS_SERVERS + i, true))).toEqual([0x0a000035, 0x0a000036])
  })
})

describe('keeping it', () => {
  test('at T1 the server alone is asked, from the address; its ACK makes the lease whole again', () => {
    const { d, since } = bound()
    d.wait(since + T1 + 5 - d.now)
    const { at, type, ciaddr, options, from, to } = d.heard()
    expect({ at: at - since, type, ciaddr, from, to }).toEqual({
      at: T1,
      type: 'REQUEST',
      ciaddr: OFFERED,
      from: OFFERED,
      to: SERVER,
    })
    expect(options.has(50) || options.has(54)).toBe(false)
    d.answer({ type: 'ACK', ciaddr: OFFERED }, SERVER, OFFERED)
    d.wait(T1 - 100).quiet()
    d.wait(200)
    expect(d.heard().at - at).toBe(T1)
  })

  test('T1 and T2 are the server’s when it tells them in order', () => {
    const { d, since } = bound([lease(), server(), MASK, [58, [0, 0, 0, 100]], [59, [0, 0, 0, 150]]])
    d.wait(120_000)
    expect(d.heard().at - since).toBe(100_000)
    const { d: odd, since: begun } = bound([
      lease(),
      server(),
      MASK,
      [58, [0, 0, 0, 200]],
      [59, [0, 0, 0, 150]],
    ])
    odd.wait(T1)
    expect(odd.heard().at - begun).toBe(T1)
  })

  test('unanswered it asks at half of the time that is left, a minute at least; at T2 all servers; at the end it is gone', () => {
    const { d, since } = bound()
    d.wait(LEASE * 1000)
    const asked = d.letters
      .splice(0)
      .map(({ at, to, frame }) => `${at - since} ${to} ${readDhcp(frame)?.type}`)
    expect(asked.slice(0, -1)).toEqual([
      `${T1} ${SERVER} REQUEST`,
      `${T1 + 225_000} ${SERVER} REQUEST`,
      `${T1 + 337_500} ${SERVER} REQUEST`,
      `${T1 + 397_500} ${SERVER} REQUEST`,
      `${T2} ${ALL} REQUEST`,
      `${T2 + 75_000} ${ALL} REQUEST`,
      `${T2 + 135_000} ${ALL} REQUEST`,
    ])
    expect(asked.at(-1)).toMatch(/ DISCOVER$/)
    expect(d.address).toBe('0.0.0.0')
  })

  test('another server may answer at T2, and is asked from then on', () => {
    const { d, since } = bound()
    d.wait(since + T2 + 5 - d.now)
    d.letters.splice(0, d.letters.length - 1)
    const at = d.heard().at
    d.present.add('10.0.0.3')
    d.answer({ type: 'ACK', options: [lease(), server('10.0.0.3'), MASK] }, '10.0.0.3', OFFERED)
    d.wait(T1 + 5)
    const { to, at: next } = d.heard()
    expect([to, next - at]).toEqual(['10.0.0.3', T1])
  })

  test('NAK while renewing: the address is given up at once', () => {
    const { d } = bound()
    d.wait(T1)
    d.heard()
    d.answer({ type: 'NAK', options: [server()] })
    expect(d.address).toBe('0.0.0.0')
    d.wait(600)
    expect(d.heard().type).toBe('DISCOVER')
  })

  test('a lease without end is never renewed', () => {
    const { d } = bound([[51, [255, 255, 255, 255]], server(), MASK])
    d.wait(100 * 24 * 3600 * 1000).quiet()
    expect(d.address).toBe(OFFERED)
  })

  test('a lease of 40 days ends in 40 days', () => {
    const { d, since } = bound([[51, [0, 0x34, 0xbc, 0]], server(), MASK])
    d.wait(20 * 24 * 3600 * 1000)
    expect(d.heard().at - since).toBe((0x34bc00 * 1000) / 2)
    expect(d.address).toBe(OFFERED)
    d.wait(21 * 24 * 3600 * 1000)
    expect(d.address).toMatch(/^169\.254\./)
  })
})

describe('INIT-REBOOT', () => {
  test('when the link came up the lease is confirmed: asked of all, with the address and without a server', () => {
    const { d } = bound()
    d.stack.linkUp(d.now)
    d.wait(0)
    const { type, ciaddr, options, from, to } = d.heard()
    expect({ type, ciaddr, from, to }).toEqual({
      type: 'REQUEST',
      ciaddr: '0.0.0.0',
      from: '0.0.0.0',
      to: ALL,
    })
    expect([options.get(50), options.has(54)]).toEqual([octets(OFFERED), false])
    d.answer({ type: 'ACK' })
    d.wait(100_000).quiet()
    expect(d.address).toBe(OFFERED)
  })

  test('refused, it is given up; unanswered, the rest of the lease is used', () => {
    const { d } = bound()
    d.stack.linkUp(d.now)
    d.wait(0)
    d.heard()
    d.answer({ type: 'NAK', options: [server()] })
    expect(d.address).toBe('0.0.0.0')
    const { d: alone, since } = bound()
    alone.stack.linkUp(alone.now)
    alone.wait(30_000)
    expect(alone.letters.splice(0)).toHaveLength(2)
    expect(alone.address).toBe(OFFERED)
    alone.wait(since + T1 - alone.now)
    expect(alone.heard().to).toBe(SERVER)
  })

  test('a copied host goes on with its lease', () => {
    const { d, since } = bound()
    const copy = new Client({ memory: d.stack.arena.slice(0) } as Partial<StackConfig>)
    copy.now = d.now
    copy.wait(since + T1 - d.now)
    expect(copy.heard().to).toBe(SERVER)
  })
})

test('leaving gives the lease back to its server', () => {
  const { d } = bound()
  d.stack.leave()
  d.wait(0)
  const { type, ciaddr, options, from, to } = d.heard()
  expect({ type, ciaddr, from, to }).toEqual({ type: 'RELEASE', ciaddr: OFFERED, from: OFFERED, to: SERVER })
  expect(options.get(54)).toEqual(octets(SERVER))
  expect(d.address).toBe('0.0.0.0')
  d.wait(3_600_000).quiet()
})

test('an address that its owner gives ends the lease', () => {
  const { d } = bound()
  const used = d.stack.memory.used
  d.stack.setAddress(0x0a000007, 24, 0)
  d.wait(3_600_000).quiet()
  expect(d.address).toBe('10.0.0.7')
  expect(d.stack.memory.used).toBeLessThan(used)
})

test('bits flipped, ends cut off, and junk, in every state: nothing throws, memory is the same', () => {
  const random = seededRandom(11)
  const d = new Client().wait(600)
  for (let turn = 0; turn < 3_000; turn++) {
    const last = d.letters.at(-1)
    if (last !== undefined) d.xid = readDhcp(last.frame)?.xid ?? 0
    d.letters.length = 0
    const type = ['OFFER', 'ACK', 'NAK'][random() % 3] ?? ''
    const options = [
      lease(),
      server(),
      MASK,
      [52, [3]],
      [6, [1, 2, 3, 4]],
      [15, [97, 98]],
      [26, [2, 0]],
    ] as const
    const bytes = dhcpBytes({
      type,
      xid: d.xid,
      yiaddr: OFFERED,
      options,
      file: [6, 2, 1, 1, 255],
      sname: [255],
    })
    for (let flips = random() % 5; flips > 0; flips--) {
      const at = random() % 2 === 0 ? 240 + (random() % (bytes.length - 240)) : random() % bytes.length
      bytes[at] = random() & 255
    }
    d.say(SERVER, 67, ALL, 68, random() % 5 === 0 ? bytes.slice(0, random() % bytes.length) : bytes)
    if (turn % 5 === 0) d.wait(random() % 20_000)
  }
  expect(d.stack.memory.pools.find(({ name }) => name === 'names')?.used).toBe(1600)
})
