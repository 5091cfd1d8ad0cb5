import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import type { DhcpPool } from '../stack.ts'
import { Correspondence } from '../testing/correspondence.ts'
import { arp, ethernet, HOST_MAC, readArp } from '../testing/raw.ts'
import { type DhcpFields, dhcpBytes, dotted, octets, readDhcp } from '../testing/raw-dhcp.ts'
import { seededRandom } from '../testing/simulation.ts'

const OWN = '10.0.0.1'
const ALL = '255.255.255.255'
const POOL: DhcpPool = { first: '10.0.0.100', last: '10.0.0.102', lease: 600 }
const macOf = (n: number): number[] => [2, 0, 0, 0, n >> 8, n & 255]
const requested = (address: string) => [50, octets(address)] as const
const toServer = (address = OWN) => [54, octets(address)] as const

/** A host that lends addresses, and the messages of its clients. */
class Server extends Correspondence {
  constructor(pool: Partial<DhcpPool> = {}) {
    super({ address: '10.0.0.1/24', dhcpServer: { ...POOL, ...pool } })
    this.wait(2_000)
  }

  /** Client `n` says something, from 0.0.0.0 to all unless it has an address. */
  hear(n: number, type: string, fields: DhcpFields = {}): Drop {
    const mac = fields.chaddr ?? macOf(n)
    const message = dhcpBytes({ op: 1, type, xid: n, chaddr: mac, ...fields })
    const own = fields.ciaddr ?? '0.0.0.0'
    return this.say(own, 68, own === '0.0.0.0' ? ALL : OWN, 67, message, mac)
  }

  /** What it answers; undefined for silence. */
  said() {
    const letter = this.letters.shift()
    const message = letter === undefined ? undefined : readDhcp(letter.frame)
    return message && { ...message, mac: [...(letter?.frame.subarray(0, 6) ?? [])] }
  }

  /** DISCOVER, and after the probe the address that is offered. */
  offers(n: number, fields: DhcpFields = {}): string | undefined {
    this.hear(n, 'DISCOVER', fields)
    this.wait(400)
    return this.said()?.yiaddr
  }

  /** DISCOVER and REQUEST: the address that the client has now. */
  lends(n: number, fields: DhcpFields = {}): string {
    const address = this.offers(n, fields) ?? 'none'
    this.hear(n, 'REQUEST', {
      ...fields,
      options: [...(fields.options ?? []), requested(address), toServer()],
    })
    expect(this.said()).toMatchObject({ type: 'ACK', yiaddr: address })
    return address
  }
}

describe('a lease', () => {
  test('is offered after a probe that nobody answers, with all that the client needs', () => {
    const d = new Server({ router: '10.0.0.254', dns: ['10.0.0.53', '10.0.0.54'], domain: 'home.arpa' })
    const at = d.now
    expect(d.hear(7, 'DISCOVER')).toBe(Drop.None)
    d.wait(299).quiet()
    d.wait(1)
    expect(d.letters[0]?.at).toBe(at + 300)
    const { options, ...offer } = d.said() ?? { options: new Map() }
    expect(offer).toMatchObject({
      type: 'OFFER',
      op: 2,
      xid: 7,
      flags: 0x8000,
      yiaddr: '10.0.0.100',
      ciaddr: '0.0.0.0',
      chaddr: macOf(7),
      from: OWN,
      to: ALL,
    })
    expect([1, 3, 6, 51, 54].map(code => dotted(options.get(code) ?? []))).toEqual([
      '255.255.255.0',
      '10.0.0.254',
      '10.0.0.53.10.0.0.54',
      '0.0.2.88',
      OWN,
    ])
    expect(String.fromCharCode(...(options.get(15) ?? []))).toBe('home.arpa')
  })

  test('is given when it is requested, for the time that the client asks for and no longer than ours', () => {
    const d = new Server()
    const asked = (n: number, seconds: number) => {
      const wish = [51, [0, 0, seconds >> 8, seconds & 255]] as const
      const address = d.offers(n, { options: [wish] }) ?? ''
      d.hear(n, 'REQUEST', { options: [requested(address), toServer(), wish] })
      return d.said()?.options.get(51)
    }
    expect(asked(1, 300)).toEqual([0, 0, 1, 44])
    expect(asked(2, 5000)).toEqual([0, 0, 2, 88])
    expect(asked(3, 1)).toEqual([0, 0, 0, 60])
  })

  test('goes by unicast to a client that can take that, at its hardware address', () => {
    const d = new Server()
    d.hear(7, 'DISCOVER', { flags: 0 })
    d.wait(400)
    expect(d.said()).toMatchObject({ type: 'OFFER', to: '10.0.0.100', mac: macOf(7) })
  })

  test('is of the client’s own address while it is known, else of the one that it asks for, else of any', () => {
    const d = new Server()
    expect(d.lends(1, { options: [requested('10.0.0.102')] })).toBe('10.0.0.102')
    expect(d.lends(2)).toBe('10.0.0.100')
    expect(d.offers(1)).toBe('10.0.0.102')
    expect(d.offers(3, { options: [requested('10.0.0.100')] })).toBe('10.0.0.101')
    expect(d.offers(4, { options: [requested('192.0.2.1')] })).toBe(undefined)
  })

  test('belongs to the client id, not to the hardware', () => {
    const d = new Server()
    const id = (text: string) => ({ options: [[61, [0, ...[...text].map(c => c.charCodeAt(0))]]] as const })
    expect(d.lends(1, id('alice'))).toBe('10.0.0.100')
    expect(d.lends(1, id('bob'))).toBe('10.0.0.101')
    expect(d.lends(2, id('alice'))).toBe('10.0.0.100')
    // Longer than is kept: known by its hardware.
    expect(d.lends(3, id('x'.repeat(60)))).toBe('10.0.0.102')
    expect(d.offers(3)).toBe('10.0.0.102')
  })

  test('is not offered of an address that somebody answers for; the next one is', () => {
    const d = new Server()
    d.hear(1, 'DISCOVER')
    d.wait(10)
    const answer = {
      operation: 2,
      senderMac: macOf(99),
      senderIp: octets('10.0.0.100'),
      targetMac: HOST_MAC,
      targetIp: [0, 0, 0, 0],
    }
    d.frame(ethernet(HOST_MAC, macOf(99), 0x0806, arp(answer)))
    d.wait(500).quiet()
    expect(d.offers(1)).toBe('10.0.0.101')
  })

  test('runs out, is remembered for its client, and goes to another only when there is no other', () => {
    const d = new Server()
    expect([d.lends(1), d.lends(2)]).toEqual(['10.0.0.100', '10.0.0.101'])
    d.wait(700_000)
    expect(d.offers(3)).toBe('10.0.0.102')
    expect(d.offers(1)).toBe('10.0.0.100')
    expect(d.offers(4)).toBe('10.0.0.101')
    expect(d.offers(5)).toBe(undefined)
  })

  test('an offer that is not taken is void after 20 seconds', () => {
    const d = new Server()
    d.offers(1)
    d.wait(21_000)
    d.hear(1, 'REQUEST', { options: [requested('10.0.0.100'), toServer()] })
    expect(d.said()?.type).toBe('NAK')
  })
})

describe('REQUEST (RFC 2131, 4.3.2)', () => {
  test('to another server: our offer is void, and we are silent', () => {
    const d = new Server()
    const address = d.offers(1) ?? ''
    expect(d.hear(1, 'REQUEST', { options: [requested('10.0.0.9'), toServer('10.0.0.2')] })).toBe(
      Drop.UnexpectedDhcp,
    )
    expect(d.said()).toBe(undefined)
    expect(d.offers(2)).toBe(address)
  })

  test('of another address than was offered: NAK to all', () => {
    const d = new Server()
    d.offers(1)
    d.hear(1, 'REQUEST', { options: [requested('10.0.0.102'), toServer()] })
    const nak = d.said()
    expect(nak).toMatchObject({ type: 'NAK', xid: 1, yiaddr: '0.0.0.0', to: ALL })
    expect(nak?.options.get(54)).toEqual(octets(OWN))
    expect(nak?.options.has(51)).toBe(false)
  })

  test('after a restart: ACK for its own address, NAK for another’s or of another link, silence if we know nothing', () => {
    const d = new Server()
    const own = d.lends(1)
    const other = d.lends(2)
    d.hear(1, 'REQUEST', { options: [requested(own)] })
    expect(d.said()).toMatchObject({ type: 'ACK', yiaddr: own, to: ALL })
    d.hear(1, 'REQUEST', { options: [requested(other)] })
    expect(d.said()?.type).toBe('NAK')
    d.hear(3, 'REQUEST', { options: [requested('192.168.1.5')] })
    expect(d.said()?.type).toBe('NAK')
    d.hear(3, 'REQUEST', { options: [requested('10.0.0.102')] })
    expect(d.said()).toBe(undefined)
  })

  test('renewing: ACK to the address; the lease counts from then on', () => {
    const d = new Server()
    const own = d.lends(1)
    d.wait(500_000)
    d.hear(1, 'REQUEST', { ciaddr: own, flags: 0 })
    d.wait(0)
    expect(d.said()).toMatchObject({ type: 'ACK', ciaddr: own, yiaddr: own, to: own, mac: macOf(1) })
    d.wait(500_000)
    expect(d.offers(2, { options: [requested(own)] })).not.toBe(own)
  })
})

describe('other messages', () => {
  test('DECLINE: the address is out of use as long as a lease would last', () => {
    const d = new Server({ last: '10.0.0.100' })
    d.lends(1)
    d.hear(1, 'DECLINE', { options: [requested('10.0.0.100'), toServer()] })
    expect(d.offers(1)).toBe(undefined)
    d.wait(601_000)
    expect(d.offers(1)).toBe('10.0.0.100')
  })

  test('RELEASE: the address is free, and remembered for its client', () => {
    const d = new Server({ last: '10.0.0.100' })
    const own = d.lends(1)
    expect(d.offers(2)).toBe(undefined)
    expect(d.hear(1, 'RELEASE', { ciaddr: '10.0.0.101' })).toBe(Drop.UnexpectedDhcp)
    expect(d.hear(1, 'RELEASE', { ciaddr: own })).toBe(Drop.None)
    expect(d.offers(2)).toBe(own)
  })

  test('INFORM: the parameters alone, to the address that the client has', () => {
    const d = new Server()
    d.present.add('10.0.0.77')
    d.hear(1, 'INFORM', { ciaddr: '10.0.0.77' })
    d.wait(1)
    const ack = d.said()
    expect(ack).toMatchObject({ type: 'ACK', yiaddr: '0.0.0.0', to: '10.0.0.77' })
    expect([ack?.options.has(1), ack?.options.has(51)]).toEqual([true, false])
    expect(d.hear(1, 'INFORM')).toBe(Drop.UnexpectedDhcp)
  })

  test('replies, relayed messages, and what is not DHCP', () => {
    const d = new Server()
    expect(d.hear(1, 'DISCOVER', { op: 2 })).toBe(Drop.UnexpectedDhcp)
    expect(d.hear(1, 'DISCOVER', { giaddr: '10.0.0.9' })).toBe(Drop.UnexpectedDhcp)
    expect(d.hear(1, 'OFFER')).toBe(Drop.UnexpectedDhcp)
    expect(d.say('0.0.0.0', 68, ALL, 67, [1, 2, 3])).toBe(Drop.BadDhcp)
    d.wait(500).quiet()
  })
})

test('a configuration that cannot work is refused in a sentence', () => {
  const server =
    (pool: Partial<DhcpPool>, address: string | undefined = '10.0.0.1/24') =>
    () =>
      new Correspondence({ ...(address === undefined ? {} : { address }), dhcpServer: { ...POOL, ...pool } })
  const pool = (first: string, last: string) =>
    `A pool is 1 to 254 addresses of the server’s own link; ${first} to ${last} is not.`
  expect(server({ first: '10.0.0.9', last: '10.0.0.8' })).toThrow(pool('10.0.0.9', '10.0.0.8'))
  expect(server({ first: '10.0.1.1', last: '10.0.1.9' })).toThrow(pool('10.0.1.1', '10.0.1.9'))
  expect(server({ last: '10.0.0.255' })).toThrow(pool('10.0.0.100', '10.0.0.255'))
  expect(server({ first: 'x' })).toThrow("An address is written like 10.0.0.9; 'x' is not.")
  expect(server({ lease: 5 })).toThrow('A lease is 60 to 1048576 seconds; 5 is not.')
  expect(server({ domain: 'a b' })).toThrow(
    "A domain is up to 63 letters, digits, hyphens and dots; 'a b' is not.",
  )
  expect(server({}, 'dhcp')).toThrow(
    'A DHCP server needs an address of its own: give it one like 10.0.0.1/24.',
  )
})

test('our own address is never lent, though it stands in the pool', () => {
  const d = new Server({ first: '10.0.0.1', last: '10.0.0.2' })
  expect([d.offers(1), d.offers(2)]).toEqual(['10.0.0.2', undefined])
})

test('a storm of clients ends at the pool, and all is given back in the end', () => {
  const d = new Server({ first: '10.0.0.2', last: '10.0.0.254' })
  const used = d.stack.memory.used
  for (let n = 0; n < 2_000; n++) {
    d.hear(n, 'DISCOVER')
    if (n % 20 === 0) d.wait(50)
  }
  expect(d.stack.memory.pools.find(({ name }) => name === 'leases')?.used).toBeLessThanOrEqual(16 * 1600)
  d.letters.length = 0
  d.wait(100_000)
  expect(d.stack.memory.used).toBe(used)
})

test('bits flipped, ends cut off, and junk: nothing throws, nothing stays', () => {
  const random = seededRandom(12)
  const d = new Server()
  const used = d.stack.memory.used
  const types = ['DISCOVER', 'REQUEST', 'DECLINE', 'RELEASE', 'INFORM']
  for (let turn = 0; turn < 4_000; turn++) {
    const n = random() % 6
    const address = `10.0.0.${100 + (random() % 4)}`
    const own = random() % 3 === 0 ? address : '0.0.0.0'
    const options = random() % 2 === 0 ? [requested(address), toServer()] : [requested(address)]
    const bytes = dhcpBytes({
      op: 1,
      type: types[random() % 5] ?? '',
      xid: n,
      chaddr: macOf(n),
      ciaddr: own,
      options,
    })
    for (let flips = random() % 4; flips > 0; flips--) bytes[random() % bytes.length] = random() & 255
    d.say(own, 68, ALL, 67, random() % 6 === 0 ? bytes.slice(0, random() % bytes.length) : bytes, macOf(n))
    if (turn % 10 === 0) d.wait(random() % 1_000)
  }
  d.letters.length = 0
  d.wait(3 * 24 * 3600 * 1000)
  expect(d.stack.memory.used).toBeLessThanOrEqual(used)
  expect(d.others.every(frame => readArp(frame) === undefined)).toBe(true)
})
