import { describe, expect, test } from 'vitest'
import { createStack as createClient } from '../profiles/client.ts'
import { Dialogue } from '../testing/dialogue.ts'
import { ethernet, HOST_MAC, ipv4, PEER_MAC, tcp } from '../testing/raw.ts'
import { blocks, SACK_PERMITTED } from '../testing/sacking.ts'

const CE = { tos: 3 }
const win = 'win 60000'

const showing = (d: Dialogue): Dialogue => Object.assign(d, { showEcn: true })

/** A connection that the peer opened with these flags; the host's answer to its SYN. */
function opened(
  flags: string,
  answer: string,
  profile?: typeof createClient,
  options: number[] = [],
): Dialogue {
  const d = showing(new Dialogue({ memory: 1 << 20 }, profile))
  const listener = d.listen()
  d.in(`${flags} 0:0 ${win}`, { options: [2, 4, 3, 232, ...options] })
  expect(d.lastEcn).toBe(0)
  d.out(`${answer} 0:0 ack 1`)
  d.in(`ACK 1:1 ack 1 ${win}`)
  d.accept(listener)
  d.stack.close(listener)
  return d
}
const agreed = (options: number[] = []) => opened('SYN,ECE,CWR', 'SYN,ACK,ECE', undefined, options)
/** Sends, and says what ECN field the text has. */
const ecnOf = (d: Dialogue, bytes = 100): number => {
  d.send(bytes)
  return d.lastEcn
}

/** A host that asks for ECN, which none does by default. */
function asking(): Dialogue {
  const d = showing(new Dialogue())
  d.stack.setSysctl('net.ipv4.tcp_ecn', 1)
  return d
}

describe('the handshake, RFC 3168, 6.1.1', () => {
  test('an ECN-setup SYN is answered with an ECN-setup SYN-ACK, and new text is ECT(0)', () => {
    const d = agreed()
    expect(ecnOf(d)).toBe(2)
    d.skip()
  })

  test.each(['SYN', 'SYN,ECE', 'SYN,CWR'])('%s is answered without, and no text is ECT', flags => {
    const d = opened(flags, 'SYN,ACK')
    expect(ecnOf(d)).toBe(0)
    d.skip()
  })

  test('our SYN asks for it; a SYN-ACK with ECE agrees', () => {
    const d = asking().connect()
    expect(d.lastEcn).toBe(0)
    d.out('SYN,ECE,CWR 0:0')
    d.in('SYN,ACK,ECE 0:0 ack 1 win 8192 mss 1000')
    d.out('ACK 1:1 ack 1')
    expect(ecnOf(d)).toBe(2)
    d.skip()
  })

  test('by default our SYN does not ask, and a SYN-ACK that agrees to what was not asked means nothing', () => {
    const d = showing(new Dialogue()).connect()
    d.out('SYN 0:0')
    d.in('SYN,ACK,ECE 0:0 ack 1 win 8192 mss 1000')
    d.out('ACK 1:1 ack 1')
    expect(ecnOf(d)).toBe(0)
    d.skip()
  })

  test('a host that is told so never agrees', () => {
    const d = showing(new Dialogue())
    d.stack.setSysctl('net.ipv4.tcp_ecn', 0)
    d.listen()
    d.in('SYN,ECE,CWR 0:0 win 8192 mss 1000')
    d.out('SYN,ACK 0:0 ack 1')
  })

  test.each(['SYN,ACK', 'SYN,ACK,CWR', 'SYN,ACK,ECE,CWR'])('%s does not: a mirror is no answer', flags => {
    const d = asking().connect()
    d.skip()
    d.in(`${flags} 0:0 ack 1 win 8192 mss 1000`)
    d.skip()
    expect(ecnOf(d)).toBe(0)
    d.skip()
  })

  test('a SYN that gets no answer goes again without, and then nothing is ECT', () => {
    const d = asking().connect()
    d.skip()
    d.wait(1000).out('SYN 0:0')
    d.in('SYN,ACK,ECE 0:0 ack 1 win 8192 mss 1000')
    d.skip()
    expect(ecnOf(d)).toBe(0)
    d.skip()
  })

  test('a profile without it asks for nothing and agrees to nothing', () => {
    const d = opened('SYN,ECE,CWR', 'SYN,ACK', createClient)
    d.in('PSH,ACK 1:11 ack 1', CE)
    d.wait(40).out('ACK 1:1 ack 11')
  })
})

describe('the receiver, 6.1.3', () => {
  test('CE in text makes every ACK carry ECE until text with CWR comes', () => {
    const d = agreed()
    d.in('ACK 1:1001 ack 1', CE)
    d.in('ACK 1001:2001 ack 1')
    d.out('ACK,ECE 1:1 ack 2001')
    d.in('ACK 2001:3001 ack 1')
    d.in('ACK 3001:4001 ack 1')
    d.out('ACK,ECE 1:1 ack 4001')
    d.in('ACK,CWR 4001:5001 ack 1')
    d.in('ACK 5001:6001 ack 1')
    d.out('ACK 1:1 ack 6001')
  })

  test('text with CWR and CE brings the next ECE', () => {
    const d = agreed()
    d.in('ACK,CWR 1:1001 ack 1', CE)
    d.in('ACK 1001:2001 ack 1')
    d.out('ACK,ECE 1:1 ack 2001')
  })

  test('CE in what lies outside the window, or in a bare ACK, is not looked at', () => {
    const d = agreed()
    d.in('ACK 1:1 ack 1', CE)
    d.in('ACK 1:1001 ack 1')
    d.in('ACK 1001:2001 ack 1')
    d.skip()
    d.in('ACK 1:1001 ack 1', CE)
    d.out('ACK 1:1 ack 2001')
  })

  test('without an agreement CE means nothing', () => {
    const d = opened('SYN', 'SYN,ACK')
    d.in('ACK 1:1001 ack 1', CE)
    d.in('ACK 1001:2001 ack 1')
    d.out('ACK 1:1 ack 2001')
  })
})

describe('the sender, 6.1.2', () => {
  const flying = (options: number[] = []) => {
    const d = agreed(options)
    d.wait(20)
    d.send(12_000)
    expect(d.skip()).toBe(10)
    return d
  }

  test('ECE reduces the window as a loss would, and the next new text says CWR, once', () => {
    const d = flying()
    d.in(`ACK,ECE 1:1 ack 8001 ${win}`)
    // CUBIC: 0.7 of the ten segments in flight.
    expect(d.connection.cwnd).toBe(7000)
    expect(d.connection.ssthresh).toBe(7000)
    d.out('ACK,CWR 10001:11001 ack 1').out('PSH,ACK 11001:12001 ack 1').quiet()
  })

  test('once a window: until what was in flight then is acknowledged', () => {
    const d = flying()
    for (const to of [1001, 2001, 3001, 4001, 10_001]) d.in(`ACK,ECE 1:1 ack ${to} ${win}`)
    expect(d.connection.cwnd).toBe(7000)
    d.skip()
    d.in(`ACK,ECE 1:1 ack 12001 ${win}`)
    expect(d.connection.cwnd).toBeLessThan(7000)
  })

  test('with ECE the window does not grow', () => {
    const d = flying()
    d.in(`ACK,ECE 1:1 ack 9001 ${win}`)
    d.send(20_000)
    d.skip()
    d.in(`ACK,ECE 1:1 ack 10001 ${win}`)
    expect(d.connection.cwnd).toBe(7000)
    d.skip()
  })

  test('a loss in a window that ECE has reduced is repaired, and reduces no more', () => {
    const d = flying(SACK_PERMITTED)
    d.wait(20)
    d.in(`ACK,ECE 1:1 ack 1001 ${win}`)
    d.skip()
    d.in(`ACK,ECE 1:1 ack 1001 ${win}`, blocks(d, [2001, 6001]))
    d.out('ACK 1001:2001 ack 1')
    expect(d.connection.recovering).toBe(true)
    expect(d.connection.ssthresh).toBe(7000)
    d.skip()
  })

  test('what is sent again is not ECT and has no CWR; the next new text has', () => {
    const d = flying(SACK_PERMITTED)
    d.wait(20)
    // The tail loss probe was new text.
    d.skip()
    d.in(`ACK 1:1 ack 1 ${win}`, blocks(d, [1001, 5001]))
    expect(d.lastEcn).toBe(0)
    d.out('ACK 1:1001 ack 1').quiet()
    d.in(`ACK 1:1 ack 11001 ${win}`)
    expect(d.lastEcn).toBe(2)
    d.out('PSH,ACK,CWR 11001:12001 ack 1').quiet()
  })

  test('a timeout is a reduction too', () => {
    const d = flying()
    d.wait(d.connection.rto)
    expect(d.lastEcn).toBe(0)
    d.out('ACK 1:1001 ack 1').quiet()
    d.in(`ACK 1:1 ack 10001 ${win}`)
    d.out('ACK,CWR 10001:11001 ack 1')
    d.skip()
  })

  test('a mark on one fragment is the segment’s, unless another is not ECN-capable (RFC 3168, 5.3)', () => {
    const d = agreed()
    const inTwo = (from: number, tosOfFirst: number, tosOfSecond: number) => {
      const { iss, irs } = d.connection
      const data = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
      const numbers = { from: 4000, to: 7, seq: (irs + from) >>> 0, ack: (iss + 1) >>> 0 }
      const segment = tcp({ ...numbers, flags: 16, window: 60_000, options: [], data })
      const frame = (packet: number[]) => ethernet(HOST_MAC, PEER_MAC, 0x0800, packet)
      const id = from
      d.inFrame(frame(ipv4(6, segment.slice(0, 24), { id, fragment: 0x2000, tos: tosOfFirst })))
      d.inFrame(frame(ipv4(6, segment.slice(24), { id, fragment: 3, tos: tosOfSecond })))
      d.wait(40)
    }
    inTwo(1, 2, 2)
    d.out('ACK 1:1 ack 13')
    inTwo(13, 0, 3)
    d.out('ACK 1:1 ack 25')
    inTwo(25, 2, 3)
    d.out('ACK,ECE 1:1 ack 37')
  })

  test('ACKs are not ECT', () => {
    const d = agreed()
    d.in('ACK 1:1001 ack 1')
    d.in('ACK 1001:2001 ack 1')
    expect(d.lastEcn).toBe(0)
    d.skip()
  })
})
