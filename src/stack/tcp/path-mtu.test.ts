import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { createStack } from '../profiles/full.ts'
import { createStack as minimal } from '../profiles/minimal.ts'
import { type Dialogue, established, HOST_PORT } from '../testing/dialogue.ts'
import { expectSound } from '../testing/invariants.ts'
import { ethernet, HOST_IP, HOST_MAC, icmp, ipv4, PEER_IP, PEER_MAC, u16, u32 } from '../testing/raw.ts'
import { SACK_PERMITTED } from '../testing/sacking.ts'

/** A router says that the segment with this number, of a datagram of `length` bytes, did not fit where `mtu` do. */
function tooBig(d: Dialogue, seq: number, mtu: number, length = 1500): Drop {
  const { iss, remotePort } = d.connection
  const header = [...u16(HOST_PORT), ...u16(remotePort), ...u32(iss + seq)]
  const original = ipv4(6, header, { from: HOST_IP, to: PEER_IP })
  original.splice(2, 2, ...u16(length))
  const message = icmp(3, 4, [0, 0, ...u16(mtu), ...original])
  return d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(1, message)))
}

/** Four segments of 1,460 bytes are on their way, the first ones of the connection. */
function fourOut(): Dialogue {
  const d = established({}, 8192, 1460)
  d.send(5840)
  for (let at = 1; at < 5841; at += 1460) d.out(`${at === 4381 ? 'PSH,' : ''}ACK ${at}:${at + 1460} ack 1`)
  return d
}

describe('fragmentation needed', () => {
  test('about a first segment cuts all that is in flight anew at once, and tells no congestion', () => {
    const d = fourOut()
    const { cwnd } = d.connection
    expect(tooBig(d, 1, 1040)).toBe(Drop.None)
    for (let at = 1; at < 5001; at += 1000) d.out(`ACK ${at}:${at + 1000} ack 1`)
    d.out('PSH,ACK 5001:5841 ack 1').quiet()
    expect(d.connection.mss).toBe(1000)
    expect(d.connection.cwnd).toBe(cwnd)
    d.in('ACK 1:1 ack 5841')
    expect(d.connection.sendQueued).toBe(0)
  })

  test('brings the same bytes, however they are cut', () => {
    const d = fourOut()
    expect(tooBig(d, 1, 340)).toBe(Drop.None)
    const { heard } = d as unknown as { heard: { segment: { data: number[] } }[] }
    const cut = heard.map(({ segment }) => segment.data)
    expect(cut.map(({ length }) => length)).toEqual([...Array(19).fill(300), 140])
    expect(cut.flat()).toEqual(Array.from({ length: 5840 }, (_, i) => i & 255))
    d.skip()
  })

  test('leaves no mark on the text of a cut page that was not sent yet', () => {
    const d = established({}, 8192, 1460, createStack, SACK_PERMITTED)
    d.send(100)
    // Nagle's algorithm holds this back; it stands in the same page.
    d.send(1360)
    d.out('PSH,ACK 1:101 ack 1')
    d.hold(true).wait(5000)
    tooBig(d, 1, 1040)
    expectSound(d.stack)
    d.hold(false).skip()
    d.in('ACK 1:1 ack 101')
    d.skip()
    expectSound(d.stack)
    d.in('ACK 1:1 ack 1101')
    d.skip()
    expectSound(d.stack)
    d.in('ACK 1:1 ack 1461')
    expect(d.connection.sendQueued).toBe(0)
    d.skip()
  })

  test('about each of the segments is taken once', () => {
    const d = fourOut()
    expect([1, 1461, 2921, 4381].map(seq => tooBig(d, seq, 1040))).toEqual([
      Drop.None,
      Drop.BadPathMtu,
      Drop.BadPathMtu,
      Drop.BadPathMtu,
    ])
    expect(d.skip()).toBe(6)
  })

  test('of a router that does not say how much means the next plateau (RFC 1191, 7)', () => {
    const d = fourOut()
    tooBig(d, 1, 0, 1500)
    expect(d.connection.mss).toBe(1492 - 40)
    tooBig(d, 1, 0, 1492)
    expect(d.connection.mss).toBe(1006 - 40)
    d.skip()
  })

  test.each([
    ['more than was sent', 1, 1500],
    ['less than any link carries', 1, 67],
  ])('that claims %s is dropped', (_what, seq, mtu) => {
    const d = fourOut()
    expect(tooBig(d, seq, mtu)).toBe(Drop.BadPathMtu)
    d.quiet()
    expect(d.connection.mss).toBe(1460)
  })

  test.each([0, 5841, -1])('about %i, which is not in flight, is dropped (RFC 5927, 4.1)', seq => {
    const d = fourOut()
    expect(tooBig(d, seq, 1040)).toBe(Drop.OutsideWindow)
    expect(d.connection.mss).toBe(1460)
    d.quiet()
  })

  test('where larger segments arrived before waits for the timeout (RFC 5927, 7.2)', () => {
    const d = fourOut()
    d.in('ACK 1:1 ack 5841')
    d.send(1460)
    d.out('PSH,ACK 5841:7301 ack 1')
    expect(tooBig(d, 5841, 1040)).toBe(Drop.None)
    expect(d.connection.mss).toBe(1460)
    d.quiet()
    d.wait(d.connection.rto).out('ACK 5841:6841 ack 1')
    expect(d.connection.mss).toBe(1000)
  })

  test('is forgotten when the segment that it speaks of arrives', () => {
    const d = fourOut()
    d.in('ACK 1:1 ack 5841')
    d.send(1460)
    d.out('PSH,ACK 5841:7301 ack 1')
    tooBig(d, 5841, 300)
    d.in('ACK 1:1 ack 7301')
    d.send(1460)
    d.out('PSH,ACK 7301:8761 ack 1')
    d.wait(d.connection.rto).out('PSH,ACK 7301:8761 ack 1')
    expect(d.connection.mss).toBe(1460)
  })
})

describe('what was learnt of a path', () => {
  test('holds for a connection that begins within ten minutes, and no longer for any after that', () => {
    const d = fourOut()
    tooBig(d, 1, 1040)
    d.skip()
    d.in('ACK 1:1 ack 5841')
    const first = d.socket
    d.wait(300_000).connect().out('SYN 0:0 mss 1460')
    d.in('SYN,ACK 0:0 ack 1 mss 1460')
    d.out('ACK 1:1 ack 1')
    expect(d.connection.mss).toBe(1000)
    d.wait(299_999)
    expect(d.connection.mss).toBe(1000)
    d.wait(1)
    expect(d.connection.mss).toBe(1460)
    d.socket = first
    expect(d.connection.mss).toBe(1460)
  })
})

test('a path of tiny segments does not cost a page for each', () => {
  const d = fourOut()
  d.in('ACK 1:1 ack 5841')
  d.send(1460)
  tooBig(d, 5841, 68)
  d.wait(d.connection.rto).skip()
  expect(d.connection.mss).toBe(28)
  d.send(10_720)
  const pages = (d.stack.memory.pools.find(({ name }) => name === 'send')?.used ?? 0) / 1600
  expect(pages).toBeLessThanOrEqual(23)
  d.skip()
})

describe('a black hole (RFC 4821, 7.7)', () => {
  test('that swallows full segments without a word gets smaller ones after three retransmissions, then smaller ones still', () => {
    const d = established({}, 8192, 1460)
    d.send(2920)
    d.skip()
    const sizes: number[] = []
    for (let i = 0; i < 6; i++) {
      d.wait(d.connection.rto)
      sizes.push(d.connection.mss)
    }
    expect(sizes).toEqual([1460, 1460, 1460, 1024, 536, 536])
    d.skip()
    d.in('ACK 1:1 ack 537')
    d.out('ACK 537:1073 ack 1')
    d.skip()
    d.in('ACK 1:1 ack 2921')
    d.wait(600_000)
    expect(d.connection.mss).toBe(1460)
  })

  test('is not suspected where short segments are lost', () => {
    const d = established({}, 8192, 1460)
    d.send(100)
    for (let i = 0; i < 5; i++) d.wait(d.connection.rto)
    expect(d.connection.mss).toBe(1460)
    d.skip()
  })
})

test('segments carry DF where the answer is acted on, and none where it is not', () => {
  const flagsOf = (d: Dialogue) => {
    let flags = -1
    d.hold(true).send(10)
    d.stack.output(frame => {
      if (frame[23] === 6) flags = frame[20] ?? 0
      return true
    })
    d.hold(false)
    return flags & 0x40
  }
  expect(flagsOf(established())).toBe(0x40)
  expect(flagsOf(established({}, 8192, 1000, minimal))).toBe(0)
})
