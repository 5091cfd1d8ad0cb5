/**
 * A second opinion on the codecs: what they read is read again, and what they write is read back, by code of the tests
 * that goes byte by byte through plain arrays (testing/raw.ts), on generated input, most of it nearly right.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Core } from '../core.ts'
import { Drop } from '../drop.ts'
import { fibList } from '../ip/fib-list.ts'
import { Arena } from '../memory/arena.ts'
import { reno } from '../tcp/reno.ts'
import { emptySegment, readSegment } from '../tcp/segment.ts'
import { timestamps } from '../tcp/timestamps.ts'
import { windowScale } from '../tcp/window-scale.ts'
import { Dialogue } from '../testing/dialogue.ts'
import {
  type Arp,
  arp,
  BROADCAST_MAC,
  checksum,
  ethernet,
  HOST_IP,
  HOST_MAC,
  ipv4,
  PEER_IP,
  PEER_MAC,
  readArp,
  type Tcp,
  tcp,
  u16,
  u32,
  udp,
} from '../testing/raw.ts'
import { ARP_SENDER_IP, ARP_SENDER_MAC, ARP_TARGET_IP, ARP_TARGET_MAC, arpIsValid, putArp } from './arp.ts'
import { complement, pseudoSum, sumBytes } from './checksum.ts'
import { dissect, type Field } from './dissect.ts'
import { putIpv4 } from './ipv4.ts'
import { putTcp, TCP_CHECKSUM } from './tcp.ts'

const RUNS = 5_000

const octet = fc.nat(255)
const word16 = fc.nat(0xffff)
const word32 = fc.nat(0xffffffff)
const bytes = (max: number) => fc.array(octet, { maxLength: max })

/** An option as the RFCs write it, or nearly so: now and then its length is another. */
const option = fc.oneof(
  { weight: 3, arbitrary: fc.constant([1]) },
  { weight: 1, arbitrary: fc.constant([0]) },
  { weight: 3, arbitrary: word16.map(mss => [2, 4, ...u16(mss)]) },
  { weight: 3, arbitrary: octet.map(shift => [3, 3, shift]) },
  { weight: 3, arbitrary: fc.tuple(word32, word32).map(([a, b]) => [8, 10, ...u32(a), ...u32(b)]) },
  { weight: 1, arbitrary: bytes(8).map(data => [254, data.length + 2, ...data]) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(2, 3, 8, 77), fc.nat(12)).map(pair => [...pair]) },
)

/** Up to 40 bytes of options, cut where they are more. */
const options = fc.array(option, { maxLength: 7 }).map(list => {
  const all = list.flat().slice(0, 40)
  while (all.length % 4 !== 0) all.push(0)
  return all
})

const segment: fc.Arbitrary<Tcp> = fc.record({
  from: word16,
  to: word16,
  seq: word32,
  ack: word32,
  flags: octet,
  window: word16,
  options,
  data: bytes(40),
})

interface Read {
  readonly mss: number
  readonly shift: number
  readonly stamps: readonly [number, number] | undefined
}

/** RFC 9293, 3.1's options; undefined when one is malformed. */
function readOptions(list: readonly number[]): Read | undefined {
  let read: Read = { mss: 0, shift: -1, stamps: undefined }
  let rest = [...list]
  while (rest.length > 0) {
    const kind = rest[0] ?? 0
    if (kind === 0) return read
    if (kind === 1) {
      rest = rest.slice(1)
      continue
    }
    const length = rest[1] ?? 0
    if (length < 2 || length > rest.length) return undefined
    const data = rest.slice(2, length)
    const expected = new Map([
      [2, 2],
      [3, 1],
      [8, 8],
    ]).get(kind)
    if (expected !== undefined && data.length !== expected) return undefined
    const number = (from: number, to: number) => data.slice(from, to).reduce((n, b) => n * 256 + b, 0)
    if (kind === 2) read = { ...read, mss: number(0, 2) }
    if (kind === 3) read = { ...read, shift: Math.min(14, number(0, 1)) }
    if (kind === 8) read = { ...read, stamps: [number(0, 4), number(4, 8)] }
    rest = rest.slice(length)
  }
  return read
}

/** A core with an arena and nothing in it. */
function emptyCore(): Core {
  return {
    m: new Arena(new ArrayBuffer(8192)),
    features: { congestion: reno, fib: fibList, timestamps, windowScale },
    random32: () => 0,
    options: [windowScale, timestamps],
    lastingOptions: [windowScale, timestamps],
    services: [],
    segment: emptySegment(),
    link: 0,
  }
}

describe('TCP', () => {
  const s = emptyCore()
  const IP = 1024
  const read = (packet: readonly number[]): Drop => {
    s.m.bytes.fill(0xee)
    s.m.bytes.set(ipv4(6, [...packet]), IP)
    // The fixed area's counters stand at 0: this core keeps none.
    s.m.bytes.fill(0, 0, 512)
    return readSegment(s, 0, 0, IP + 20, packet.length, pseudoSum(s.m, IP + 12, 6, packet.length))
  }

  test('a segment is read as it was written, and a malformed option is found wherever it stands', () => {
    let refused = 0
    fc.assert(
      fc.property(segment, t => {
        const drop = read(tcp(t))
        const expected = readOptions(t.options)
        if (expected === undefined) {
          refused++
          expect(drop).toBe(Drop.BadTcpOptions)
          return
        }
        expect(drop).toBe(Drop.None)
        const g = s.segment
        expect({
          from: g.sourcePort,
          to: g.destinationPort,
          seq: g.seq >>> 0,
          ack: g.ack >>> 0,
          flags: g.flags,
          window: g.window,
          data: [...s.m.bytes.slice(g.at, g.at + g.length)],
        }).toEqual({
          from: t.from,
          to: t.to,
          seq: t.seq,
          ack: t.ack,
          flags: t.flags,
          window: t.window,
          data: t.data,
        })
        expect({
          mss: g.mss,
          shift: g.shift,
          stamps: g.stamped ? [g.tsval >>> 0, g.tsecr >>> 0] : undefined,
        }).toEqual({ ...expected })
      }),
      { numRuns: RUNS },
    )
    expect(refused).toBeGreaterThan(RUNS / 20)
  })

  test('of a damaged segment the length, the data offset and the checksum are refused as RFC 9293, 3.1 has them', () => {
    fc.assert(
      fc.property(segment, fc.nat(200), octet, fc.nat(70), (t, place, value, length) => {
        const packet = tcp(t).slice(0, Math.max(1, Math.min(length, tcp(t).length)))
        packet[place % packet.length] = value
        const header = ((packet[12] ?? 0) >> 4) * 4
        const pseudo = [...PEER_IP, ...HOST_IP, 0, 6, ...u16(packet.length)]
        const expected =
          packet.length < 20 || header < 20 || header > packet.length
            ? Drop.BadTcpLength
            : checksum([...pseudo, ...packet]) !== 0
              ? Drop.BadTcpChecksum
              : readOptions(packet.slice(20, header)) === undefined
                ? Drop.BadTcpOptions
                : Drop.None
        expect(read(packet)).toBe(expected)
      }),
      { numRuns: RUNS },
    )
  })

  test('a header that is written reads back, checksum and all', () => {
    const { m } = s
    fc.assert(
      fc.property(segment, t => {
        m.bytes.fill(0xee, 512)
        m.bytes.set([...PEER_IP, ...HOST_IP], 512)
        putTcp(m.view, 520, t.from, t.to, t.seq | 0, t.ack | 0, 20 + t.options.length, t.flags, t.window)
        m.bytes.set([...t.options, ...t.data], 540)
        const length = 20 + t.options.length + t.data.length
        m.put16(520 + TCP_CHECKSUM, complement(pseudoSum(m, 512, 6, length) + sumBytes(m, 520, length)))
        expect([...m.bytes.slice(520, 520 + length)]).toEqual(tcp(t))
      }),
      { numRuns: RUNS },
    )
  })
})

describe('IPv4', () => {
  const someIps = fc.constantFrom(
    HOST_IP,
    PEER_IP,
    [10, 0, 0, 9],
    [10, 0, 0, 255],
    [255, 255, 255, 255],
    [0, 0, 0, 0],
    [127, 0, 0, 1],
    [192, 0, 2, 1],
  )

  /** RFC 1122, 3.2.1's checks in their order, for a datagram of an unknown protocol that came to our MAC. */
  function verdict(packet: readonly number[]): Drop {
    const at = (i: number) => packet[i] ?? 0
    if (packet.length < 20) return Drop.Truncated
    if (at(0) >> 4 !== 4) return Drop.BadIpVersion
    const header = (at(0) & 15) * 4
    if (header < 20 || header > packet.length) return Drop.BadIpHeaderLength
    const total = at(2) * 256 + at(3)
    if (total < header || total > packet.length) return Drop.BadIpLength
    if (checksum(packet.slice(0, header)) !== 0) return Drop.BadIpChecksum
    const source = packet.slice(12, 16).join('.')
    const destination = packet.slice(16, 20).join('.')
    const bad = ['10.0.0.1', '10.0.0.255', '255.255.255.255', '0.0.0.0', '127.0.0.1']
    // 3.2.1.3 (a): who has no address yet speaks from 0.0.0.0, to all.
    const nameless = source === '0.0.0.0' && destination === '255.255.255.255'
    if (bad.includes(source) && !nameless) return Drop.BadSource
    if (!['10.0.0.1', '10.0.0.255', '255.255.255.255'].includes(destination)) return Drop.WrongDestination
    return Drop.UnknownProtocol
  }

  test('a datagram, whole or damaged, gets the verdict of RFC 1122, 3.2.1, in its order', () => {
    const seen = new Set<Drop>()
    fc.assert(
      fc.property(
        someIps,
        someIps,
        bytes(30),
        fc.option(fc.tuple(fc.constantFrom(0, 0, 1, 2, 3, 3, 4, 5, 8, 10), octet), { freq: 3 }),
        fc.boolean(),
        fc.nat(60),
        (from, to, data, damage, mended, cut) => {
          const packet = ipv4(253, data, { from, to })
          const [place, value] = damage ?? [0, 0x45]
          // Protocol, fragment and addresses are not damaged: what follows from them is asked elsewhere.
          packet[place] = value
          if (mended)
            packet.splice(10, 2, ...u16(checksum([...packet.slice(0, 10), 0, 0, ...packet.slice(12, 20)])))
          const short = cut < 20 ? packet.slice(0, packet.length - (cut % packet.length)) : packet
          const d = new Dialogue()
          const drop = d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, short))
          seen.add(drop)
          expect(drop).toBe(verdict(short))
        },
      ),
      // All verdicts are to be seen, so the draw is always the same.
      { numRuns: 2_000, seed: 1122 },
    )
    for (const drop of [
      Drop.Truncated,
      Drop.BadIpVersion,
      Drop.BadIpHeaderLength,
      Drop.BadIpLength,
      Drop.BadIpChecksum,
      Drop.BadSource,
      Drop.WrongDestination,
      Drop.UnknownProtocol,
    ])
      expect(seen, String(drop)).toContain(drop)
  })

  test('a header that is written is the one that was meant', () => {
    const m = new Arena(new ArrayBuffer(256))
    fc.assert(
      fc.property(bytes(40), word16, octet, (data, id, protocol) => {
        m.bytes.fill(0xee)
        putIpv4(m.view, 64, 20 + data.length, id, protocol, 64)
        m.bytes.set([...PEER_IP, ...HOST_IP, ...data], 76)
        m.put16(74, 0)
        m.put16(74, complement(sumBytes(m, 64, 20)))
        const fragment = ((m.bytes[70] ?? 0) << 8) | (m.bytes[71] ?? 0)
        expect([...m.bytes.slice(64, 84 + data.length)]).toEqual(ipv4(protocol, data, { id, fragment }))
      }),
    )
  })
})

describe('ARP', () => {
  const mac = fc.array(octet, { minLength: 6, maxLength: 6 })
  const ip = fc.array(octet, { minLength: 4, maxLength: 4 })
  const packet: fc.Arbitrary<Arp> = fc.record({
    operation: fc.constantFrom(1, 2),
    senderMac: mac,
    senderIp: ip,
    targetMac: mac,
    targetIp: ip,
  })

  test('what is written reads back', () => {
    const view = new DataView(new ArrayBuffer(42))
    const frame = new Uint8Array(view.buffer)
    fc.assert(
      fc.property(packet, a => {
        frame.set([...BROADCAST_MAC, ...PEER_MAC, 8, 6])
        putArp(view, 14, a.operation)
        frame.set(a.senderMac, 14 + ARP_SENDER_MAC)
        frame.set(a.senderIp, 14 + ARP_SENDER_IP)
        frame.set(a.targetMac, 14 + ARP_TARGET_MAC)
        frame.set(a.targetIp, 14 + ARP_TARGET_IP)
        expect(readArp(frame)).toEqual(a)
      }),
    )
  })

  test('one whose fixed fields differ in one bit, or that is too short, is none', () => {
    fc.assert(
      fc.property(packet, fc.nat(7), fc.nat(7), fc.nat(40), (a, place, bit, length) => {
        const whole = arp(a)
        const damaged = Uint8Array.from(whole)
        damaged[place] = (damaged[place] ?? 0) ^ (1 << bit)
        const operation = (damaged[6] ?? 0) * 256 + (damaged[7] ?? 0)
        const stillOne = place >= 6 && (operation === 1 || operation === 2)
        expect(arpIsValid(new DataView(damaged.buffer), 0, 28)).toBe(stillOne)
        expect(arpIsValid(new DataView(Uint8Array.from(whole).buffer), 0, length)).toBe(length >= 28)
      }),
    )
  })
})

describe('the readable form', () => {
  const valueNamed = (fields: readonly Field[], name: string): string | undefined =>
    fields.find(field => field.name === name)?.value

  test('of a TCP segment names the numbers that are in it, and finds nothing wrong with it', () => {
    fc.assert(
      fc.property(segment, word16, (t, id) => {
        fc.pre(readOptions(t.options) !== undefined)
        const layers = dissect(ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(6, tcp(t), { id })))
        const [, ip, transport] = layers
        const said = (n: number) => String(n).replace(/\B(?=(\d{3})+$)/g, '\u00a0')
        expect(valueNamed(ip?.fields ?? [], 'Identification')).toBe(`0x${id.toString(16).padStart(4, '0')}`)
        const fields = transport?.fields ?? []
        expect(valueNamed(fields, 'Source port')).toBe(String(t.from))
        expect(valueNamed(fields, 'Destination port')).toBe(String(t.to))
        expect(valueNamed(fields, 'Sequence number')).toBe(said(t.seq))
        expect(valueNamed(fields, 'Acknowledgment number')).toBe(said(t.ack))
        expect(ip?.fields.concat(fields).filter(field => field.wrong !== undefined)).toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })

  test('of a datagram with one wrong byte says that a checksum is wrong', () => {
    fc.assert(
      fc.property(bytes(30), fc.nat(100), fc.integer({ min: 1, max: 255 }), (data, place, change) => {
        const packet = ipv4(17, udp(5000, 7, data))
        // Where it stands in the addresses both checksums tell; the length fields are asked elsewhere.
        const at = 28 + (place % Math.max(1, data.length))
        fc.pre(data.length > 0)
        packet[at] = (packet[at] ?? 0) ^ change
        const faults = dissect(ethernet(HOST_MAC, PEER_MAC, 0x0800, packet)).flatMap(({ fields }) =>
          fields.filter(field => field.wrong !== undefined).map(field => field.name),
        )
        expect(faults).toEqual(['Checksum'])
      }),
      { numRuns: 500 },
    )
  })
})
