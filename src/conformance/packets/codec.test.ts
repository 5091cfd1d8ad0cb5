/** The scripts' codec against the stack's reader of frames, which has nothing in common with it. */
import { expect, test } from 'vitest'
import { readTcp } from '../../stack/testing/raw.ts'
import { dissect } from '../../stack/wire/dissect.ts'
import { decodePacket, encodePacket } from './codec.ts'
import { formatPacket, parsePacket } from './packet.ts'

const ends = {
  hostMac: '02:00:00:00:00:01',
  peerMac: '02:00:00:00:00:02',
  host: '192.0.2.1',
  peer: '192.0.2.2',
  host6: '2001:db8::1',
  linkLocal: 'fe80::1',
  router: 'fe80::99',
  routerMac: '02:00:00:00:00:99',
}
const numbers = {
  peerAddress: '192.0.2.2',
  peerPort: 4000,
  hostPort: 7,
  hostIss: 5000,
  peerIss: 1000,
  stamp: 77,
}
const bytesOf = (line: string): Uint8Array => encodePacket(parsePacket(line), ends, numbers, 8192)

test('a segment has the numbers, the flags and the options that its line names', () => {
  const segment = readTcp(bytesOf('SEW 0:0(0) <mss 1460,sackOK,TS val 1 ecr last+3,nop,wscale 7>'))
  expect(segment).toMatchObject({ from: 4000, to: 7, seq: 1000, ack: 0, flags: 0xc2, window: 8192 })
  expect(segment?.options).toEqual([2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 80, 1, 3, 3, 7])
  expect(readTcp(bytesOf('FP. 1:11(10) ack 21 win 5'))).toMatchObject({
    seq: 1001,
    ack: 5021,
    flags: 25,
    window: 5,
  })
})

test('every packet that is sent is one that other readers of frames understand', () => {
  for (const line of [
    'udp 4000>9 (20)',
    'icmp echo request id 1 seq 2 (8)',
    'arp who-has 192.0.2.1 tell 192.0.2.2',
  ])
    expect(dissect(bytesOf(line)).every(layer => !/wrong|malformed/i.test(JSON.stringify(layer)))).toBe(true)
})

test('what is written like a packet is printed as it was written', () => {
  for (const line of [
    'S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 1 ecr last-5,nop,wscale 7>',
    '@192.0.2.3:4001>8 P. 1:11(10) ack 1 <nop,nop,sack 21:31 41:51>',
    'udp 4000>9 (20) no-checksum',
    'icmp unreachable fragmentation-needed [tcp 7>4000 seq 1] mtu 1400',
    'arp 192.0.2.2 is-at 02:00:00:00:00:02 to 192.0.2.1',
    'fragment udp 0:1480 more id 5',
    'raw 86dd 6000',
  ])
    expect(formatPacket(parsePacket(line))).toBe(line)
})

test('a checksum that the host has wrong is found out', () => {
  const frame = bytesOf('udp 9>4000 (20)')
  expect(decodePacket(frame, () => numbers).kind).toBe('udp')
  frame[45] = (frame[45] ?? 0) ^ 1
  expect(() => decodePacket(frame, () => numbers)).toThrow('The host sent a wrong checksum.')
  frame[8 + 14] = 3
  expect(() => decodePacket(frame, () => numbers)).toThrow('wrong IP checksum')
})
