import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ethernet, HOST_MAC, ipv4, PEER_MAC, udp } from '../testing/raw.ts'
import { dhcpFrame } from '../testing/raw-dhcp.ts'
import { dnsBytes } from '../testing/raw-dns.ts'
import { dissect, type Layer, summarise } from './dissect.ts'

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replace(/\s/g, '').match(/../g) ?? [], octet => Number.parseInt(octet, 16))

const value = (layers: readonly Layer[], layer: string, field: string): string | undefined =>
  layers.find(({ name }) => name.startsWith(layer))?.fields.find(({ name }) => name === field)?.value

const faults = (layers: readonly Layer[]): string[] =>
  layers.flatMap(({ fields }) => fields.flatMap(({ wrong }) => (wrong === undefined ? [] : [wrong])))

const at = (layers: readonly Layer[], layer: string, field: string) => {
  const found = layers.find(({ name }) => name.startsWith(layer))?.fields.find(({ name }) => name === field)
  return found && [found.offset, found.length]
}

// Written by hand from the figures of RFC 826, 791, 792, 768 and 9293; the checksums are tshark's.
const ETHERNET = '0200 0000 000b 0200 0000 000a'
const ARP_REQUEST = bytes(`ffff ffff ffff 0200 0000 000a 0806
  0001 0800 06 04 0001 0200 0000 000a a9fe 071f 0000 0000 0000 a9fe 0902`)
const IP = (total: string, protocol: string, sum: string) =>
  `0800 45 00 ${total} 0001 4000 40 ${protocol} ${sum} a9fe 071f a9fe 0902`
const SYN = bytes(
  `${ETHERNET} ${IP('002c', '06', 'd6ad')} c000 0017 0000 03e8 0000 0000 60 02 2000 0000 0000 0204 05b4`,
)

describe('ARP', () => {
  test('a request says who is asked for and who asks', () => {
    expect(summarise(ARP_REQUEST)).toEqual({
      protocol: 'ARP',
      info: 'Who has 169.254.9.2? Tell 169.254.7.31',
    })
    const layers = dissect(ARP_REQUEST)
    expect(layers.map(({ name }) => name)).toEqual(['Ethernet II', 'Address Resolution Protocol'])
    expect(value(layers, 'Ethernet', 'Destination')).toBe('ff:ff:ff:ff:ff:ff (broadcast)')
    expect(value(layers, 'Address', 'Operation')).toBe('request (1)')
    expect(at(layers, 'Address', 'Target IP')).toEqual([38, 4])
    expect(faults(layers)).toEqual([])
  })

  test('a probe is told from a request by its empty sender (RFC 5227, 1.1)', () => {
    const probe = ARP_REQUEST.slice()
    probe.fill(0, 28, 32)
    expect(summarise(probe).info).toBe('Who has 169.254.9.2? (probe)')
  })

  test('a wrong hardware type is said to be wrong', () => {
    const odd = ARP_REQUEST.slice()
    odd[15] = 6
    expect(faults(dissect(odd))).toEqual(['It should be 1, Ethernet.'])
  })
})

describe('TCP', () => {
  test('a SYN shows its numbers from zero and its MSS', () => {
    expect(summarise(SYN, { sequence: 1000, acknowledgment: 0 }).info).toBe(
      '49152 → 23 [SYN] Seq=0 MSS=1460 Win=8192',
    )
    const layers = dissect(SYN, { sequence: 1000, acknowledgment: 0 })
    expect(value(layers, 'Transmission', 'Sequence number')).toBe('1\u00a0000 (0)')
    expect(value(layers, 'Transmission', 'Maximum segment size')).toBe('1460')
    expect(at(layers, 'Transmission', 'Maximum segment size')).toEqual([54, 4])
    expect(value(layers, 'Transmission', 'Data offset')).toBe('24 bytes')
  })

  test('a wrong checksum is said, with what it should be, and the right one is silent', () => {
    expect(faults(dissect(SYN))).toEqual(['Checksum is 0x0000, should be 0x5009.'])
    const mended = SYN.slice()
    mended.set([0x50, 0x09], 50)
    expect(faults(dissect(mended))).toEqual([])
  })

  test('sequence numbers wrap: 0xffffffff + 2 is 1', () => {
    const layers = dissect(SYN, { sequence: 1001, acknowledgment: 0 })
    expect(value(layers, 'Transmission', 'Sequence number')).toBe('1\u00a0000 (4294967295)')
  })

  test('an option that runs out of the header is malformed, and what follows is not read', () => {
    const odd = SYN.slice()
    odd[55] = 9
    expect(faults(dissect(odd))).toContain(
      'An option’s length should be at least 2 and end inside the header.',
    )
    expect(value(dissect(odd), 'Transmission', 'Maximum segment size')).toBeUndefined()
  })

  test('a data offset below five words is wrong', () => {
    const odd = SYN.slice()
    odd[46] = 0x40
    expect(faults(dissect(odd))).toContain('It should be at least 20 bytes, five words.')
  })
})

describe('IPv4', () => {
  test('a wrong header checksum says what is right', () => {
    const odd = SYN.slice()
    odd[24] = 0
    expect(faults(dissect(odd))).toContain('Checksum is 0x00ad, should be 0xd6ad.')
  })

  test('a total length beyond the frame is wrong', () => {
    const odd = SYN.slice()
    odd[16] = 0x05
    expect(faults(dissect(odd)).join()).toContain('Only 44 bytes are there')
  })

  test('bytes behind the total length are padding, and TCP does not see them', () => {
    const padded = new Uint8Array(64)
    padded.set(SYN)
    const layers = dissect(padded)
    expect(layers.at(-1)).toMatchObject({ name: 'Padding', offset: 58, length: 6 })
    expect(summarise(padded).info).not.toContain('Len=')
  })

  test('a later fragment has no transport header', () => {
    const fragment = SYN.slice()
    fragment.set([0, 5], 20)
    expect(dissect(fragment).map(({ name }) => name)).toContain('Fragment')
    expect(summarise(fragment).protocol).toBe('IPv4')
  })
})

describe('ICMP and UDP', () => {
  const ping = bytes(`${ETHERNET} ${IP('0020', '01', 'd6be')} 08 00 8581 0007 0001 6869 0a0d`)

  test('an echo request says its number', () => {
    expect(summarise(ping)).toEqual({ protocol: 'ICMP', info: 'Echo request id=0x0007 seq=1' })
    expect(faults(dissect(ping))).toEqual([])
    expect(value(dissect(ping), 'Data', 'Data')).toBe('hi⏎·')
  })

  test('an unreachable message quotes the datagram that caused it, whose checksum cannot be checked', () => {
    const quoted = SYN.slice(14, 42)
    const icmp = bytes(`${ETHERNET} ${IP('0038', '01', 'd6a6')} 03 03 0000 0000 0000`)
    const whole = new Uint8Array(icmp.length + quoted.length)
    whole.set(icmp)
    whole.set(quoted, icmp.length)
    const layers = dissect(whole)
    expect(summarise(whole).info).toBe('Destination unreachable: port')
    expect(layers.map(({ name }) => name)).toEqual([
      'Ethernet II',
      'Internet Protocol version 4',
      'Internet Control Message Protocol',
      'Internet Protocol version 4',
      'Transmission Control Protocol',
    ])
    const tcp = layers.at(-1)
    expect(tcp?.fields.find(({ name }) => name === 'Checksum')).toBeUndefined()
  })

  test('UDP without a checksum is not wrong (RFC 768)', () => {
    const udp = bytes(`${ETHERNET} ${IP('001e', '11', 'd6b0')} 2328 2329 000a 0000 6869`)
    expect(faults(dissect(udp))).toEqual([])
    expect(value(dissect(udp), 'User', 'Checksum')).toBe('none')
    expect(summarise(udp).info).toBe('9000 → 9001 Len=2')
  })

  test('a UDP length below its header is wrong', () => {
    const udp = bytes(`${ETHERNET} ${IP('001e', '11', 'd6b0')} 2328 2329 0007 0000 6869`)
    expect(faults(dissect(udp))).toEqual(['It should be at least 8, the header itself.'])
  })
})

describe('whatever arrives', () => {
  test('a frame cut anywhere says that bytes are missing, or that a length is wrong', () => {
    for (let length = 0; length < SYN.length; length++) {
      const layers = dissect(SYN.subarray(0, length))
      if (length > 0 && length !== 14) expect(faults(layers).length, `${length} bytes`).toBeGreaterThan(0)
    }
  })

  test('no bytes make it throw, and every field lies inside the frame', () => {
    const start = fc.constantFrom(SYN, ARP_REQUEST, bytes(`${ETHERNET} 88cc 0207 04`), new Uint8Array(0))
    fc.assert(
      fc.property(
        start,
        fc.uint8Array({ maxLength: 80 }),
        fc.nat(60),
        fc.nat(80),
        (frame, noise, from, cut) => {
          const whole = new Uint8Array(Math.max(frame.length, from + noise.length))
          whole.set(frame)
          whole.set(noise, from)
          const mixed = whole.subarray(0, cut)
          for (const { fields } of dissect(mixed))
            for (const field of fields) {
              expect(field.length).toBeGreaterThanOrEqual(1)
              expect(field.offset + field.length).toBeLessThanOrEqual(mixed.length)
            }
          expect(summarise(mixed).info).toBeTypeOf('string')
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('DHCP', () => {
  const offer = dhcpFrame({
    type: 'OFFER',
    xid: 0x1234,
    yiaddr: '10.0.0.9',
    options: [
      [51, [0, 0, 0x0e, 0x10]],
      [54, [10, 0, 0, 2]],
      [6, [10, 0, 0, 53, 10, 0, 0, 54]],
      [15, [104, 111, 109, 101]],
      [99, [1, 2]],
    ],
  })

  test('an offer says which address, from whom, for how long', () => {
    expect(summarise(offer)).toEqual({ protocol: 'DHCP', info: '67 → 68 Offer: 10.0.0.9' })
    const layers = dissect(offer)
    expect(layers.map(({ name }) => name).at(-1)).toBe('Dynamic Host Configuration Protocol')
    expect(value(layers, 'Dynamic', 'Message type')).toBe('Offer (2)')
    expect(value(layers, 'Dynamic', 'Your address')).toBe('10.0.0.9')
    expect(value(layers, 'Dynamic', 'Lease time')).toBe('3600 seconds')
    expect(value(layers, 'Dynamic', 'Server')).toBe('10.0.0.2')
    expect(value(layers, 'Dynamic', 'DNS servers')).toBe('10.0.0.53, 10.0.0.54')
    expect(value(layers, 'Dynamic', 'Domain')).toBe('home')
    expect(value(layers, 'Dynamic', 'Option 99')).toBe('2 bytes')
    expect(at(layers, 'Dynamic', 'Message type')).toEqual([42 + 240, 3])
    expect(faults(layers)).toEqual([])
  })

  test('a wrong cookie is said to be wrong', () => {
    const odd = offer.slice()
    odd[42 + 236] = 0
    expect(faults(dissect(odd))).toContain('It should be 0x63825363.')
  })
})

describe('DNS', () => {
  const frame = (message: Parameters<typeof dnsBytes>[0], from = 53, to = 50000): Uint8Array =>
    ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(17, udp(from, to, dnsBytes(message, true))))
  const questions = [{ name: 'www.example.com', type: 1 }]
  const answers = [
    { name: 'www.example.com', type: 5, ttl: 60, data: 'a.example.com' },
    { name: 'a.example.com', type: 1, ttl: 60, data: [1, 2, 3, 4] },
  ]

  test('a query and its answer say what is asked and what comes of it', () => {
    expect(summarise(frame({ flags: 0x0100, questions }, 50000, 53))).toEqual({
      protocol: 'DNS',
      info: '50000 → 53 Query A www.example.com',
    })
    const answer = frame({ id: 7, flags: 0x8180, questions, answers })
    expect(summarise(answer).info).toBe('53 → 50000 Answer CNAME www.example.com a.example.com and 1 more')
    const layers = dissect(answer)
    expect(value(layers, 'Domain', 'Flags')).toBe('answer, recursion desired, no error')
    expect(value(layers, 'Domain', 'Question')).toBe('A www.example.com')
    expect(
      layers
        .at(-1)
        ?.fields.filter(({ name }) => name === 'Answer')
        .map(f => f.value),
    ).toEqual(['CNAME www.example.com a.example.com, 60 seconds', 'A a.example.com 1.2.3.4, 60 seconds'])
    expect(faults(layers)).toEqual([])
    expect(summarise(frame({ flags: 0x8183, questions })).info).toBe('53 → 50000 Answer: no such name')
  })

  test('a probe, an announcement and a goodbye on port 5353 are told apart', () => {
    const record = { name: 'alice.local', type: 1, class: 0x8001, ttl: 120, data: [10, 0, 0, 1] }
    const probe = { questions: [{ name: 'alice.local', type: 255, class: 0x8001 }], authorities: [record] }
    expect(summarise(frame(probe, 5353, 5353))).toEqual({
      protocol: 'mDNS',
      info: '5353 → 5353 Probe any alice.local',
    })
    const told = (ttl: number) => frame({ flags: 0x8400, answers: [{ ...record, ttl }] }, 5353, 5353)
    expect(summarise(told(0)).info).toBe('5353 → 5353 Answer A alice.local 10.0.0.1 (goodbye)')
    expect(value(dissect(told(120)), 'Multicast', 'Answer')).toBe(
      'A alice.local 10.0.0.1, 120 seconds, replaces what was known',
    )
    expect(value(dissect(frame(probe, 5353, 5353)), 'Multicast', 'Question')).toBe(
      'any alice.local, unicast will do',
    )
  })

  test('a record that does not fit is said to be malformed', () => {
    const cut = dnsBytes({ flags: 0x8180, questions, answers }).slice(0, -2)
    const odd = ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(17, udp(53, 50000, cut)))
    expect(faults(dissect(odd))).toEqual(['A name or a record does not fit in the message.'])
    expect(summarise(odd).info).toBe('53 → 50000 Malformed answer')
  })

  test('junk behind these ports is shown, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(53, 67, 5353), (data, port) => {
        const odd = ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(17, udp(port, port, [...data])))
        for (const { fields } of dissect(odd))
          for (const field of fields) expect(field.offset + field.length).toBeLessThanOrEqual(odd.length)
        summarise(odd)
      }),
    )
  })
})
