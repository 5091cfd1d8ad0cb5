import { describe, expect, test } from 'vitest'
import { Option } from '../stack.ts'
import { type Dialogue, established } from '../testing/dialogue.ts'

function lingering(seconds: number): Dialogue {
  const d = established({}, 1000)
  d.stack.setOption(d.socket, Option.Linger, seconds)
  d.send(2_000)
  d.out('ACK 1:1001 ack 1')
  return d
}

describe('a close with linger', () => {
  test('off delivers what is left, however long it takes', () => {
    const d = lingering(-1)
    d.close().quiet()
    d.in('ACK 1:1 ack 1001 win 1000')
    d.out('FIN,PSH,ACK 1001:2001 ack 1')
  })

  test('of 0 seconds resets at once', () => {
    const d = lingering(0)
    d.close().out('RST 1001:1001')
    expect(d.state).toBe('gone')
  })

  test('of some seconds delivers what it can, and resets then', () => {
    const d = lingering(3)
    d.close()
    d.in('ACK 1:1 ack 1001 win 1000')
    d.out('FIN,PSH,ACK 1001:2001 ack 1')
    d.wait(2_999)
    expect(d.skip()).toBeGreaterThan(1)
    d.wait(1).out('RST 2001:2001').quiet()
    expect(d.state).toBe('gone')
  })

  test('leaves a connection alone whose text and FIN were taken in time', () => {
    const d = lingering(3)
    d.close()
    d.in('ACK 1:1 ack 1001 win 1000')
    d.out('FIN,PSH,ACK 1001:2001 ack 1')
    d.in('ACK 1:1 ack 2002')
    d.wait(10_000).quiet()
    d.in('FIN,ACK 1:1 ack 2002')
    d.out('ACK 2002:2002 ack 2')
  })
})
