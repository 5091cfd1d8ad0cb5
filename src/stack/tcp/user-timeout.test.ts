import { describe, expect, test } from 'vitest'
import { ETIMEDOUT } from '../errno.ts'
import { Option } from '../stack.ts'
import { Dialogue, established } from '../testing/dialogue.ts'

function timed(ms: number): Dialogue {
  const d = established({}, 1000)
  d.stack.setOption(d.socket, Option.UserTimeout, ms)
  return d
}

describe('the user timeout', () => {
  test('ends a connection whose text nobody acknowledges, at its time', () => {
    const d = timed(5_000)
    d.wait(60_000).send(10)
    d.wait(4_999)
    expect(d.state).toBe('ESTABLISHED')
    d.skip()
    d.wait(1).quiet()
    expect(d.state).toBe('CLOSED')
    expect(d.stack.error(d.socket)).toBe(ETIMEDOUT)
  })

  test('counts from the last progress, not from the first text', () => {
    const d = timed(5_000)
    d.send(2_000)
    d.wait(4_000).in('ACK 1:1 ack 501 win 1000')
    d.wait(4_999)
    expect(d.state).toBe('ESTABLISHED')
    d.wait(1)
    expect(d.state).toBe('CLOSED')
    d.skip()
  })

  test('ends a connection whose window stays closed, although the peer answers', () => {
    const d = timed(5_000)
    d.send(1_001)
    d.out('ACK 1:1001 ack 1')
    d.in('ACK 1:1 ack 1001 win 0')
    for (let i = 0; i < 49; i++) {
      d.wait(100)
      if (d.skip() > 0) d.in('ACK 1:1 ack 1001 win 0')
    }
    expect(d.state).toBe('ESTABLISHED')
    d.wait(200)
    expect(d.state).toBe('CLOSED')
  })

  test('leaves an idle connection alone', () => {
    const d = timed(5_000)
    d.wait(1_000_000).quiet()
    expect(d.state).toBe('ESTABLISHED')
  })

  test('takes the place of R2, also when it is longer', () => {
    const d = timed(1_800_000)
    d.send(10)
    d.wait(1_799_999)
    expect(d.state).toBe('ESTABLISHED')
    d.wait(1)
    expect(d.state).toBe('CLOSED')
    d.skip()
  })

  test('of 0 is R2 again', () => {
    const d = timed(5_000)
    d.stack.setOption(d.socket, Option.UserTimeout, 0)
    d.send(10)
    d.wait(60_000)
    expect(d.state).toBe('ESTABLISHED')
    d.wait(300_000)
    expect(d.state).toBe('CLOSED')
    d.skip()
  })

  test('counts for a SYN that nobody answers', () => {
    const d = new Dialogue()
    d.socket = d.open()
    d.stack.setOption(d.socket, Option.UserTimeout, 2_500)
    expect(d.stack.connect(d.socket, 0x0a000002, 80)).toBe(0)
    d.wait(2_499)
    expect(d.state).toBe('SYN-SENT')
    d.wait(1)
    expect(d.state).toBe('CLOSED')
    d.skip()
  })
})
