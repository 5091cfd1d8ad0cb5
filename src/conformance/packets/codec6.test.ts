/** The scripts' codec of IPv6: against the stack's readers of frames, and against itself. */
import { describe, expect, test } from 'vitest'
import { readIpv6 } from '../../stack/testing/raw6.ts'
import { dissect } from '../../stack/wire/dissect.ts'
import { address6Bytes, address6Text, solicitedNode } from './address6.ts'
import { decodePacket, encodePacket } from './codec.ts'
import { formatPacket, parsePacket } from './packet.ts'
import { Pieces } from './pieces.ts'

const ends = {
  hostMac: '02:00:00:00:00:01',
  peerMac: '02:00:00:00:00:02',
  host: '192.0.2.1',
  peer: '2001:db8::2',
  host6: '2001:db8::1',
  linkLocal: 'fe80::1',
  router: 'fe80::99',
  routerMac: '02:00:00:00:00:99',
}
const numbers = { peerAddress: '2001:db8::2', peerPort: 4000, hostPort: 7, hostIss: 0, peerIss: 0, stamp: 0 }
const bytesOf = (line: string): Uint8Array => encodePacket(parsePacket(line), ends, numbers, 8192)
const seen = (line: string): string => {
  const named = parsePacket(line)
  return formatPacket(
    decodePacket(bytesOf(line), () => numbers),
    named.fields.keys(),
  )
}

/** Every message that the notation has, in the words and the order in which it is printed. */
const LINES = [
  '@[2001:db8::1]:7>4000 S 0:0(0) win 5 class 2 label 77 hops 3 <mss 1440>',
  'udp 4000>9 (20) hops 9 {destination option 1e 0102}',
  'udp 4000>9 (20) {hop-by-hop option 3e 00000000 option 1e -} {fragment} {destination option 1e 00} id 9',
  'icmp6 echo request (8) id 1 seq 2',
  'icmp6 unreachable port (48) [udp 9>7]',
  'icmp6 too-big (48) [tcp 7>4000] mtu 1280',
  'icmp6 parameter option (48) [icmp6] pointer 42',
  'icmp6 type 200 code 3 (4)',
  'nd router-solicit <source 02:00:00:00:00:01>',
  'nd router-advertise lifetime 600 <prefix 2001:db8:1::/64 LA valid 7200 preferred 600,mtu 1400>',
  'nd solicit fe80::1 from :: hops 255 <>',
  'nd advertise fe80::2 RSO to fe80::1 <target 02:00:00:00:00:02,raw 0e01000000000000>',
  'nd redirect 2001:db8:9::9 to fe80::98 code 0 <target 02:00:00:00:00:98>',
  'mld query :: max 1000 hops 1 {hop-by-hop alert 0}',
  'mld done ff02::1234 to ff02::2',
]

describe('what is sent is read again as it was written', () => {
  test.each(LINES)('%s', line => {
    expect(seen(line)).toBe(line)
    expect(formatPacket(parsePacket(line))).toBe(line)
  })
})

test('other readers of frames understand all of it, lengths and checksums too', () => {
  for (const line of LINES) {
    const frame = bytesOf(line)
    expect(readIpv6(frame)?.hops).toBeGreaterThan(0)
    const layers = JSON.stringify(dissect(frame)).replace(/"note":"[^"]*"/g, '')
    expect([line, /should be|malformed/i.exec(layers)?.[0]]).toEqual([line, undefined])
  }
})

test('a message goes to whom its protocol has it go', () => {
  const endsOf = (line: string): string[] => {
    const frame = bytesOf(line)
    const packet = decodePacket(frame, () => numbers)
    return ['from', 'to', 'hops', 'link-to'].map(word => packet.fields.get(word) ?? '')
  }
  const toHost = '02:00:00:00:00:01'
  expect(endsOf('udp 4000>9 (1)')).toEqual(['2001:db8::2', '2001:db8::1', '64', toHost])
  expect(endsOf('udp 4000>9 (1) from fe80::7')).toEqual(['fe80::7', 'fe80::1', '64', toHost])
  expect(endsOf('nd solicit 2001:db8::1')).toEqual([
    '2001:db8::2',
    'ff02::1:ff00:1',
    '255',
    '33:33:ff:00:00:01',
  ])
  expect(endsOf('nd advertise 2001:db8::7 O')).toEqual(['2001:db8::7', 'ff02::1', '255', '33:33:00:00:00:01'])
  expect(endsOf('nd redirect 2001:db8::7 to fe80::3')).toEqual(['fe80::99', 'fe80::1', '255', toHost])
  expect(endsOf('mld query ff02::5')).toEqual(['fe80::99', 'ff02::5', '1', '33:33:00:00:00:05'])
})

test('fragments of a packet are its parts, of what stands behind the fragment header', () => {
  const part = (span: string): number[] => [...bytesOf(`udp 4000>9 (24) fragment ${span} id 7`).slice(54)]
  expect(part('0:16').slice(0, 8)).toEqual([17, 0, 0, 1, 0, 0, 0, 7])
  expect(part('16:32').slice(0, 8)).toEqual([17, 0, 0, 16, 0, 0, 0, 7])
  const whole = [...bytesOf('udp 4000>9 (24)').slice(54)]
  expect([...part('0:16').slice(8), ...part('16:32').slice(8)]).toEqual(whole)
  expect(seen('udp 4000>9 (24) fragment 16:32 id 7')).toContain('fragment udp 16:32 last')
  expect(part('0:16 last').slice(0, 4)).toEqual([17, 0, 0, 0])
})

test("the host's fragments are looked at together, in whatever order they come", () => {
  const read = (pieces: Pieces, span: string, bits = 0): void => {
    const frame = bytesOf(`udp 4000>9 (24) fragment ${span} id 7`)
    frame[65] = (frame[65] ?? 0) ^ bits
    decodePacket(frame, () => numbers, pieces)
  }
  const pieces = new Pieces()
  read(pieces, '16:32')
  read(pieces, '0:16')
  read(pieces, '0:16', 1)
  expect(() => read(pieces, '16:32')).toThrow('in fragments has a wrong checksum')
})

test('what the host has wrong is found out', () => {
  const spoilt = (line: string, at: number, bits = 1): (() => unknown) => {
    const frame = bytesOf(line)
    frame[at] = (frame[at] ?? 0) ^ bits
    return () => decodePacket(frame, () => numbers)
  }
  expect(spoilt('udp 9>4000 (20)', 70)).toThrow('The host sent a wrong checksum.')
  expect(spoilt('udp 9>4000 (20)', 19)).toThrow('IPv6 says 29 bytes, the frame has 28.')
  expect(spoilt('mld done ff02::5', 55, 8)).toThrow('The hop-by-hop header ends behind the packet')
})

test('addresses are written in the one form of RFC 5952, 4', () => {
  for (const text of ['::', '::1', '2001:db8::', '2001:db8::1:0:0:1', 'fe80::1:2:3:4', '1:0:2:3:4:5:6:7'])
    expect(address6Text(address6Bytes(text))).toBe(text)
  expect(address6Text(address6Bytes('2001:0db8:0:0:1:0:0:1'))).toBe('2001:db8::1:0:0:1')
  expect(solicitedNode('2001:db8::12:3456')).toBe('ff02::1:ff12:3456')
  for (const text of ['1:2', ':::', '1::2::3', 'fe80::g', '1:2:3:4:5:6:7:8:9'])
    expect(() => address6Bytes(text)).toThrow('is not an IPv6 address')
})
