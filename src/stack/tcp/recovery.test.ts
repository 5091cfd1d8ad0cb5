import { describe, expect, test } from 'vitest'
import { ETIMEDOUT } from '../errno.ts'
import { Option } from '../stack.ts'
import { established } from '../testing/dialogue.ts'

/** A connection with ten segments in flight, 20 ms of round trip measured. */
function flying() {
  const d = established({ memory: 1 << 20 }, 60_000)
  // The figures here are NewReno's; CUBIC has its own (cubic.test.ts).
  d.stack.setOption(d.socket, Option.Congestion, 0)
  d.send(1000)
  d.out('ACK 1:1001 ack 1'.replace('ACK', 'PSH,ACK'))
  d.wait(20)
  d.in('ACK 1:1 ack 1001 win 60000')
  d.send(10_000)
  expect(d.skip()).toBe(10)
  return d
}

describe('the retransmission timer', () => {
  test('is one second until a round trip was measured', () => {
    expect(established().connection.srtt).toBe(0.001)
  })

  test('takes SRTT and RTTVAR from the first measurement as RFC 6298, 2.2 says', () => {
    const d = established()
    d.send(10)
    d.out('PSH,ACK 1:11 ack 1')
    // The handshake took no time at all: the first sample was the least there is, 1 µs.
    d.wait(100)
    d.in('ACK 1:1 ack 11')
    const { srtt, rttvar, rto } = d.connection
    expect(srtt).toBeCloseTo(0.001 * (7 / 8) + 100 / 8, 2)
    expect(rttvar).toBeCloseTo(0.0005 * (3 / 4) + 100 / 4, 1)
    expect(rto).toBe(200)
  })

  test('sends the earliest segment again, doubles, and begins with one segment', () => {
    const d = flying()
    d.wait(d.connection.rto)
    d.out('ACK 1001:2001 ack 1').quiet()
    expect(d.connection.cwnd).toBe(1000)
    expect(d.connection.ssthresh).toBe(5000)
    d.wait(399).quiet()
    d.wait(1).out('ACK 1001:2001 ack 1').quiet()
    expect(d.connection.ssthresh).toBe(5000)
  })

  test('slow start after a timeout: two segments for the first ACK', () => {
    const d = flying()
    d.wait(d.connection.rto)
    d.out('ACK 1001:2001 ack 1').quiet()
    d.in('ACK 1:1 ack 2001 win 60000')
    d.out('ACK 2001:3001 ack 1')
    d.out('ACK 3001:4001 ack 1').quiet()
  })

  test('an ACK that covers more than what was sent again moves on from there', () => {
    const d = flying()
    d.wait(d.connection.rto)
    d.out('ACK 1001:2001 ack 1').quiet()
    d.in('ACK 1:1 ack 9001 win 60000')
    d.out('ACK 9001:10001 ack 1')
    d.out('PSH,ACK 10001:11001 ack 1').quiet()
  })

  test('restarts with each ACK of new data', () => {
    const d = flying()
    d.wait(150)
    d.in('ACK 1:1 ack 3001 win 60000')
    d.wait(199).quiet()
    d.wait(1).out('ACK 3001:4001 ack 1')
  })

  test('stops when all is acknowledged', () => {
    const d = flying()
    d.in('ACK 1:1 ack 11001 win 60000')
    expect(d.connection.timer).toBe('none')
    d.wait(100_000).quiet()
  })

  test('gives up after nine tries and more than 100 seconds, and tells the user', () => {
    const d = flying()
    d.wait(100_000)
    expect(d.state).toBe('ESTABLISHED')
    d.wait(10_000)
    expect(d.skip()).toBe(8)
    expect(d.state).toBe('CLOSED')
    expect(d.stack.error(d.socket)).toBe(ETIMEDOUT)
  })

  test('Karn: a segment that was sent again is not measured', () => {
    const d = flying()
    const before = d.connection.srtt
    d.wait(d.connection.rto)
    d.skip()
    d.wait(100)
    d.in('ACK 1:1 ack 2001 win 60000')
    expect(d.connection.srtt).toBe(before)
    d.skip()
  })
})

describe('fast retransmit and NewReno', () => {
  const duplicate = 'ACK 1:1 ack 1001 win 60000'

  test('two duplicates are not a loss', () => {
    const d = flying()
    d.in(duplicate)
    d.in(duplicate)
    d.quiet()
  })

  test('the third duplicate sends the missing segment again and halves the window', () => {
    const d = flying()
    for (let i = 0; i < 3; i++) d.in(duplicate)
    d.out('ACK 1001:2001 ack 1').quiet()
    expect(d.connection.ssthresh).toBe(5000)
    expect(d.connection.cwnd).toBe(8000)
    expect(d.connection.recovering).toBe(true)
  })

  test('further duplicates let new segments out', () => {
    const d = flying()
    d.send(5000)
    const more = d.skip()
    for (let i = 0; i < 3; i++) d.in(duplicate)
    // RFC 3042: each of the first two duplicates lets a new segment out.
    d.out('ACK 11001:12001 ack 1').out('ACK 12001:13001 ack 1').out('ACK 1001:2001 ack 1')
    for (let i = 0; i < 10; i++) d.in(duplicate)
    expect(d.skip() + more).toBeGreaterThan(0)
  })

  test('a full ACK ends recovery with the window at ssthresh', () => {
    const d = flying()
    for (let i = 0; i < 3; i++) d.in(duplicate)
    d.skip()
    d.in('ACK 1:1 ack 11001 win 60000')
    expect(d.connection.recovering).toBe(false)
    expect(d.connection.cwnd).toBe(2000)
  })

  test('a partial ACK sends the next missing segment at once', () => {
    const d = flying()
    for (let i = 0; i < 3; i++) d.in(duplicate)
    d.out('ACK 1001:2001 ack 1')
    d.in('ACK 1:1 ack 4001 win 60000')
    d.out('ACK 4001:5001 ack 1')
    expect(d.connection.recovering).toBe(true)
    d.in('ACK 1:1 ack 11001 win 60000')
    expect(d.connection.recovering).toBe(false)
  })

  test('duplicates for what was lost before `recover` do not start another recovery', () => {
    const d = flying()
    d.wait(d.connection.rto)
    d.out('ACK 1001:2001 ack 1')
    for (let i = 0; i < 5; i++) d.in(duplicate)
    expect(d.connection.recovering).toBe(false)
    d.quiet()
  })

  test('an ACK that changes the window is no duplicate', () => {
    const d = flying()
    for (let i = 0; i < 5; i++) d.in(`ACK 1:1 ack 1001 win ${50_000 + i}`)
    d.quiet()
  })

  test('an ACK with text is no duplicate', () => {
    const d = flying()
    for (let i = 0; i < 5; i++) d.in(`ACK ${1 + i * 10}:${11 + i * 10} ack 1001 win 60000`)
    expect(d.connection.recovering).toBe(false)
    d.skip()
  })
})

describe('the congestion window', () => {
  test('begins with ten segments', () => {
    expect(established({}, 60_000).connection.cwnd).toBe(10_000)
    expect(established({}, 60_000, 1460).connection.cwnd).toBe(14_600)
  })

  test('grows by a segment for each ACK in slow start', () => {
    const d = flying()
    const before = d.connection.cwnd
    d.in('ACK 1:1 ack 3001 win 60000')
    expect(d.connection.cwnd).toBe(before + 1000)
  })

  test('grows by about a segment a round trip in congestion avoidance', () => {
    const d = flying()
    for (let i = 0; i < 3; i++) d.in('ACK 1:1 ack 1001 win 60000')
    d.in('ACK 1:1 ack 11001 win 60000')
    d.skip()
    // 3 ACKs of slow start to ssthresh, 5,000; then each 5th, each 6th, each 7th … ACK brings one more segment.
    for (let acked = 12_001; acked <= 71_001; acked += 1000) {
      d.send(60_000)
      d.in(`ACK 1:1 ack ${acked} win 60000`)
    }
    d.skip()
    expect(d.connection.cwnd).toBeGreaterThan(10_000)
    expect(d.connection.cwnd).toBeLessThan(13_000)
  })
})

describe('what is sent again', () => {
  test('is no more than what was sent: the window that the peer offered holds', () => {
    const d = established({ memory: 1 << 20 }, 4500)
    d.send(6000)
    expect(d.skip()).toBe(4)
    d.in('ACK 1:1 ack 3501 win 500')
    for (let i = 0; i < 3; i++) d.in('ACK 1:1 ack 3501 win 500')
    d.out('ACK 3501:4001 ack 1').quiet()
  })
})

describe('Karn', () => {
  test('a back-off stays until a round trip was measured', () => {
    const d = flying()
    d.wait(d.connection.rto)
    d.out('ACK 1001:2001 ack 1')
    d.in('ACK 1:1 ack 11001 win 60000')
    expect(d.connection.rto).toBe(400)
    d.send(10)
    d.out('PSH,ACK 11001:11011 ack 1')
    d.wait(20)
    d.in('ACK 1:1 ack 11011 win 60000')
    expect(d.connection.rto).toBe(200)
  })

  test('a path slower than the RTO is found out: not every segment goes twice for ever', () => {
    const d = flying()
    d.in('ACK 1:1 ack 11001 win 60000')
    let sent = 0
    for (let i = 0; i < 20; i++) {
      const from = 11_001 + i * 10
      d.send(10)
      d.wait(1000)
      d.in(`ACK 1:1 ack ${from + 10} win 60000`)
      sent = d.skip()
    }
    expect(sent).toBe(1)
  })
})

describe('timers while more is sent', () => {
  test('the retransmission timer is not put off by what is sent after (RFC 6298, 5.1)', () => {
    const d = established()
    d.send(1000)
    d.wait(150)
    d.send(1000)
    d.skip()
    d.wait(50).out('ACK 1:1001 ack 1')
  })

  test('an ACK of what came before the timed segment measures nothing', () => {
    const d = flying()
    const srtt = d.connection.srtt
    d.wait(100)
    d.in('ACK 1:1 ack 1501 win 60000')
    expect(d.connection.srtt).toBe(srtt)
  })

  test('the segment that is timed is the first, not the last', () => {
    const d = flying()
    d.in('ACK 1:1 ack 11001 win 60000')
    const srtt = d.connection.srtt ?? 0
    d.send(1000)
    d.wait(100)
    d.send(1000)
    d.skip()
    d.in('ACK 1:1 ack 12001 win 60000')
    expect(d.connection.srtt).toBeCloseTo(srtt * (7 / 8) + 100 / 8, 1)
  })
})

describe('a partial ACK', () => {
  const duplicate = 'ACK 1:1 ack 1001 win 60000'

  test('deflates the window by what it acknowledges, less a segment (RFC 6582, 3.2 (3))', () => {
    const d = flying()
    for (let i = 0; i < 3; i++) d.in(duplicate)
    expect(d.connection.cwnd).toBe(8000)
    d.in('ACK 1:1 ack 4001 win 60000')
    expect(d.connection.cwnd).toBe(6000)
    d.skip()
  })

  test('restarts the timer when it is the first of its recovery, and only then', () => {
    const d = flying()
    for (let i = 0; i < 3; i++) d.in(duplicate)
    d.wait(100)
    d.in('ACK 1:1 ack 2001 win 60000')
    d.wait(150)
    d.in('ACK 1:1 ack 3001 win 60000')
    d.skip()
    d.wait(49).quiet()
    d.wait(1).out('ACK 3001:4001 ack 1')
  })

  test('Karn: what went again by fast retransmit is not measured', () => {
    const d = flying()
    const before = d.connection.srtt
    for (let i = 0; i < 3; i++) d.in(duplicate)
    d.wait(150)
    d.in('ACK 1:1 ack 11001 win 60000')
    expect(d.connection.srtt).toBe(before)
    d.skip()
  })
})
