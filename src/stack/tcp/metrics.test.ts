import { describe, expect, test } from 'vitest'
import { createStack as client } from '../profiles/client.ts'
import { Dialogue, PEER } from '../testing/dialogue.ts'

/** Opens a connection whose round trip is `ms`, and leaves it established. */
function opened(d: Dialogue, ms: number): Dialogue {
  d.connect().out('SYN 0:0')
  d.wait(ms).in('SYN,ACK 0:0 ack 1 mss 1000')
  return d.out('ACK 1:1 ack 1')
}

function closed(d: Dialogue, at = 1, ms = 0): Dialogue {
  d.close().out(`FIN,ACK ${at}:${at} ack 1`)
  d.wait(ms).in(`FIN,ACK 1:1 ack ${at + 1}`)
  return d.out(`ACK ${at + 1}:${at + 1} ack 2`)
}

describe('a second connection to a host', () => {
  test('expects the round trips that the first one had', () => {
    const d = closed(opened(new Dialogue(), 150), 1, 150)
    opened(d, 10)
    expect(d.connection.srtt).toBeCloseTo(150, 0)
    expect(d.connection.rto).toBeGreaterThan(300)
  })

  test('keeps its own where it takes longer', () => {
    const d = closed(opened(new Dialogue(), 10))
    opened(d, 150)
    expect(d.connection.srtt).toBeCloseTo(150, 0)
  })

  test('begins with the ssthresh that a loss had set', () => {
    const d = opened(new Dialogue(), 10)
    d.send(8000)
    d.skip()
    d.wait(d.connection.rto).skip()
    const { ssthresh } = d.connection
    expect(ssthresh).toBeLessThan(8000)
    d.in('ACK 1:1 ack 8001')
    d.skip()
    closed(d, 8001)
    opened(d, 10)
    expect(d.connection.ssthresh).toBeGreaterThanOrEqual(ssthresh)
    expect(d.connection.ssthresh).toBeLessThan(10_000)
  })

  test('knows nothing of one that was reset', () => {
    const d = opened(new Dialogue(), 150)
    d.stack.abort(d.socket)
    d.wait(0).skip()
    opened(d, 10)
    expect(d.connection.srtt).toBeCloseTo(10, 0)
  })

  test('knows nothing after four minutes', () => {
    const d = closed(opened(new Dialogue(), 150))
    d.wait(240_000)
    opened(d, 10)
    expect(d.connection.srtt).toBeCloseTo(10, 0)
  })

  test('knows nothing where the profile has no TCP_METRICS', () => {
    const d = closed(opened(new Dialogue({}, client), 150))
    opened(d, 10)
    expect(d.connection.srtt).toBeCloseTo(10, 0)
  })

  test('knows nothing of a host that has left for good', () => {
    const d = closed(opened(new Dialogue(), 150))
    d.stack.hostGone(PEER)
    opened(d, 10)
    expect(d.connection.srtt).toBeCloseTo(10, 0)
  })
})
