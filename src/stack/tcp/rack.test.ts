import { describe, expect, test } from 'vitest'
import { type Dialogue, established } from '../testing/dialogue.ts'
import { blocks, SACK_PERMITTED } from '../testing/sacking.ts'

const ack = (to: number) => `ACK 1:1 ack ${to} win 60000`

/** As `flying`, with a smoothed round trip of almost 20 ms, so that a quarter of the least is the reordering window: 5 ms. */
function steady(): Dialogue {
  const d = established({ memory: 1 << 20 }, 60_000, 1000, undefined, SACK_PERMITTED)
  let to = 1
  for (let i = 0; i < 40; i++) {
    d.send(1000)
    d.wait(20)
    to += 1000
    d.in(ack(to))
  }
  d.send(10_000)
  d.skip()
  return d
}
const FIRST = 40_001
const at = (segment: number) => FIRST + segment * 1000
/** The ACK that SACKs these segments of those in flight. */
const sacks = (d: Dialogue, ...segments: number[]) =>
  d.in(ack(FIRST), blocks(d, ...segments.map(n => [at(n), at(n + 1)] as const)))

describe('RACK, RFC 8985, 6', () => {
  test('one SACKed segment: what was sent before it is lost a quarter of a round trip later', () => {
    const d = steady()
    d.wait(20)
    sacks(d, 1)
    expect(d.connection.timer).toBe('reordering')
    d.wait(4).quiet()
    d.wait(1)
      .out(`ACK ${at(0)}:${at(1)} ack 1`)
      .quiet()
    expect(d.connection.recovering).toBe(true)
    expect(d.connection.timer).toBe('retransmission')
  })

  test('what arrives within that time was reordered, and nothing is sent again', () => {
    const d = steady()
    d.wait(20)
    sacks(d, 1)
    d.wait(4)
    d.in(ack(at(2)))
    d.wait(10).quiet()
    expect(d.connection.recovering).toBe(false)
  })

  test('three SACKed segments are a loss at once while no reordering was seen', () => {
    const d = steady()
    d.wait(20)
    sacks(d, 1, 2)
    d.quiet()
    sacks(d, 1, 2, 3)
    d.out(`ACK ${at(0)}:${at(1)} ack 1`).quiet()
  })

  test('once reordering was seen, three are not: time alone decides', () => {
    const d = steady()
    d.wait(20)
    sacks(d, 2)
    // 1 was never sent again, and comes after 2.
    sacks(d, 2, 1)
    sacks(d, 4, 3, 2)
    d.quiet()
    d.wait(5)
      .out(`ACK ${at(0)}:${at(1)} ack 1`)
      .quiet()
  })

  test('a D-SACK enlarges the window by another quarter, once a round trip', () => {
    const d = steady()
    d.in(ack(FIRST), blocks(d, [1, 1001]))
    d.in(ack(FIRST), blocks(d, [1, 1001]))
    d.wait(20)
    sacks(d, 1)
    d.wait(9).quiet()
    d.wait(1).out(`ACK ${at(0)}:${at(1)} ack 1`)
  })

  test('what went again and is lost again is found lost, without a timeout', () => {
    const d = steady()
    d.send(5000)
    d.wait(20)
    d.in(ack(FIRST), blocks(d, [at(1), at(10)]))
    d.out(`ACK ${at(0)}:${at(1)} ack 1`)
    const more = d.skip()
    expect(more).toBeGreaterThan(0)
    d.wait(20)
    // What was sent behind the retransmission arrives, the retransmission does not.
    d.in(ack(FIRST), blocks(d, [at(1), at(11)]))
    d.out(`ACK ${at(0)}:${at(1)} ack 1`)
    d.skip()
  })

  test('after a timeout, what was sent a moment ago is not lost, but in the network', () => {
    const d = steady()
    d.wait(20)
    d.in(ack(at(5)))
    // The probe goes, the timer is armed.
    d.wait(100)
    d.skip()
    d.wait((d.connection.timerAt ?? 0) - d.now - 10)
    d.send(1000)
    d.out(`PSH,ACK ${at(10)}:${at(11)} ack 1`)
    d.wait(10)
      .out(`ACK ${at(5)}:${at(6)} ack 1`)
      .quiet()
    // Two segments may be in the network, and one is.
    d.in(ack(at(6)))
    d.out(`ACK ${at(6)}:${at(7)} ack 1`).quiet()
  })
})

describe('the tail loss probe, RFC 8985, 7', () => {
  test('goes two round trips after the last segment, once, and is the last segment', () => {
    const d = steady()
    expect(d.connection.timer).toBe('tail-loss-probe')
    d.wait(39).quiet()
    d.wait(1)
    d.out(`PSH,ACK ${at(9)}:${at(10)} ack 1`).quiet()
    expect(d.connection.timer).toBe('retransmission')
    d.wait(199).quiet()
    d.wait(1)
      .out(`ACK ${at(0)}:${at(1)} ack 1`)
      .quiet()
  })

  test('of a single segment it goes later by the time for which its ACK may be delayed', () => {
    const d = steady()
    d.wait(20)
    d.in(ack(at(10)))
    d.send(500)
    d.skip()
    d.wait(89).quiet()
    d.wait(2)
    expect(d.skip()).toBe(1)
  })

  test('new text restarts the wait', () => {
    const d = steady()
    d.wait(20)
    d.in(ack(at(10)))
    d.send(3000)
    d.wait(30)
    d.send(3000)
    d.skip()
    d.wait(39).quiet()
    d.wait(2)
    expect(d.skip()).toBe(1)
  })

  test('is new text where there is some that the window held back', () => {
    const d = steady()
    d.send(3000)
    d.quiet()
    d.wait(41)
    d.skip()
    expect(d.connection.sndNxt - d.connection.sndUna).toBe(11_000)
    d.in(ack(at(11)))
    d.skip()
  })

  test('its SACK shows what is missing before it', () => {
    const d = steady()
    d.wait(41)
    d.skip()
    d.wait(19)
    d.in(ack(at(7)), blocks(d, [at(9), at(10)]))
    d.out(`ACK ${at(7)}:${at(8)} ack 1`)
    d.out(`ACK ${at(8)}:${at(9)} ack 1`).quiet()
  })

  test('when it has repaired the only loss, the window is reduced all the same', () => {
    const d = steady()
    d.wait(41)
    d.skip()
    const before = d.connection.cwnd
    d.in(ack(at(10)))
    expect(d.connection.cwnd).toBeGreaterThanOrEqual(before)
    d.send(1000)
    d.skip()
    d.wait(20)
    d.in(ack(at(11)))
    expect(d.connection.cwnd).toBeLessThan(before)
  })

  test('when a D-SACK says that nothing was lost, it is not', () => {
    const d = steady()
    d.wait(41)
    d.skip()
    const before = d.connection.cwnd
    d.in(ack(at(10)))
    d.in(ack(at(10)), blocks(d, [at(9), at(10)]))
    d.send(1000)
    d.skip()
    d.wait(20)
    d.in(ack(at(11)))
    expect(d.connection.cwnd).toBeGreaterThanOrEqual(before)
  })

  test('a FIN alone is probed for, too', () => {
    const d = steady()
    d.in(ack(at(10)))
    d.shutdown()
    d.out(`FIN,ACK ${at(10)}:${at(10)} ack 1`)
    d.wait(91)
    expect(d.skip()).toBe(1)
  })

  test('without SACK there is none', () => {
    const d = established({ memory: 1 << 20 }, 60_000)
    d.send(1000)
    d.skip()
    expect(d.connection.timer).toBe('retransmission')
  })
})
