import { describe, expect, test } from 'vitest'
import { createStack as createClient } from '../profiles/client.ts'
import { createStack as createFull } from '../profiles/full.ts'
import { established } from '../testing/dialogue.ts'
import { SACK_PERMITTED } from '../testing/sacking.ts'

/** A connection whose window closed with one byte left to send. */
function oneByteLeft() {
  const d = established({}, 1000)
  d.send(1001)
  d.out('ACK 1:1001 ack 1')
  d.in('ACK 1:1 ack 1001 win 0')
  return d
}

describe('the persist timer', () => {
  test('stops when the peer takes the last byte out of a probe and its window stays closed', () => {
    const d = oneByteLeft()
    d.wait(d.connection.rto).out('PSH,ACK 1001:1002 ack 1')
    d.in('ACK 1:1 ack 1002 win 0')
    expect(d.connection.timer).toBe('none')
    d.wait(1_000_000).quiet()
    expect(d.state).toBe('ESTABLISHED')
  })

  test('stops when a FIN is taken into a closed window', () => {
    const d = oneByteLeft()
    d.shutdown()
    d.wait(d.connection.rto).out('FIN,PSH,ACK 1001:1002 ack 1')
    d.in('ACK 1:1 ack 1003 win 0')
    expect(d.state).toBe('FIN-WAIT-2')
    d.wait(1_000_000).quiet()
    expect(d.state).toBe('FIN-WAIT-2')
  })

  test('goes on when the peer takes the byte of a probe and more is left', () => {
    const d = established({}, 1000)
    d.send(1010)
    d.out('ACK 1:1001 ack 1')
    d.in('ACK 1:1 ack 1001 win 0')
    d.wait(d.connection.rto).out('ACK 1001:1002 ack 1')
    d.in('ACK 1:1 ack 1002 win 0')
    d.wait(d.connection.rto).out('ACK 1002:1003 ack 1')
  })

  test('ends an orphan whose peer answers every probe and takes nothing, within three minutes', () => {
    const d = oneByteLeft()
    d.close()
    let probes = 0
    for (const end = d.now + 180_000; d.now < end; d.wait(100)) {
      const heard = d.skip()
      probes += heard
      if (heard > 0) d.in('ACK 1:1 ack 1001 win 0')
    }
    expect(probes).toBeGreaterThan(8)
    expect(d.state).toBe('gone')
  })

  test('ends an orphan whose peer opens and closes a window too small to use', () => {
    const d = established({}, 4000)
    d.send(7000)
    d.skip()
    d.in('ACK 1:1 ack 4001 win 0')
    d.close()
    for (const end = d.now + 400_000; d.now < end; d.wait(100)) {
      d.in(`ACK 1:1 ack 4001 win ${(d.now / 100) & 1}`)
      d.skip()
    }
    expect(d.state).toBe('gone')
  })

  test('goes on for as long as a user waits and the peer answers', () => {
    const d = oneByteLeft()
    for (const end = d.now + 600_000; d.now < end; d.wait(100)) {
      if (d.skip() > 0) d.in('ACK 1:1 ack 1001 win 0')
    }
    expect(d.state).toBe('ESTABLISHED')
  })

  test('leaves no back-off behind once the window is open', () => {
    const d = established({}, 1000)
    d.send(3000)
    d.out('ACK 1:1001 ack 1')
    d.in('ACK 1:1 ack 1001 win 0')
    for (let i = 0; i < 8; i++) {
      d.wait(d.connection.rto)
      expect(d.skip()).toBe(1)
      d.in('ACK 1:1 ack 1001 win 0')
    }
    d.in('ACK 1:1 ack 1001 win 1000')
    d.out('ACK 1001:2001 ack 1')
    d.wait(200).out('ACK 1001:2001 ack 1')
  })

  test('sends what fits into a window too small for silly window avoidance after its time', () => {
    const d = established({}, 4000)
    d.send(4000)
    d.skip()
    d.send(3000)
    d.in('ACK 1:1 ack 4001 win 10')
    d.quiet()
    d.wait(d.connection.rto).out('ACK 4001:4011 ack 1')
    d.in('ACK 1:1 ack 4011 win 4000')
    d.out('ACK 4011:5011 ack 1')
  })

  test.each([
    ['full', createFull],
    ['client', createClient],
  ])(
    'does not take its byte for the segment that was lost, where SACK was agreed on (%s)',
    (_name, profile) => {
      const d = established({}, 4000, 1000, profile, SACK_PERMITTED)
      d.send(1000)
      d.out('PSH,ACK 1:1001 ack 1')
      d.in('ACK 1:1 ack 1 win 0')
      d.wait(4000)
      expect(d.skip()).toBeGreaterThan(1)
      d.in('ACK 1:1 ack 1 win 0')
      d.in('ACK 1:1 ack 1 win 4000')
      d.out('PSH,ACK 1:1001 ack 1').quiet()
    },
  )

  test('leaves nothing but the connection once its last byte was taken', () => {
    const d = oneByteLeft()
    d.wait(d.connection.rto).skip()
    d.in('ACK 1:1 ack 1002 win 0')
    d.wait(5000)
    expect(d.stack.memory.pools.find(({ name }) => name === 'flights')?.used).toBe(0)
  })
})
