import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { established } from '../testing/dialogue.ts'

/** Three segments in flight, of which the first was sent again after a timeout: SND.NXT is behind SND.MAX. */
function wentBack() {
  const d = established()
  d.send(3000)
  expect(d.skip()).toBe(3)
  d.wait(d.connection.rto).out('ACK 1:1001 ack 1')
  return d
}

describe('after a timeout, with SND.NXT pulled back', () => {
  test('an ACK has the highest number sent, or the peer who has it all would not take it', () => {
    const d = wentBack()
    d.in('ACK 1:11 ack 1')
    d.wait(40).out('ACK 3001:3001 ack 11')
  })

  test('an ACK stays inside the peer’s window', () => {
    const d = established({}, 3000)
    d.send(3000)
    d.skip()
    d.in('ACK 1:1 ack 1 win 1500')
    d.in('ACK 1:11 ack 1 win 1500')
    d.wait(40).out('ACK 1501:1501 ack 11')
  })

  test('abort’s reset is one that the peer can find in its window', () => {
    const d = wentBack()
    d.stack.abort(d.socket)
    d.wait(0).out('RST 3001:3001')
  })
})

describe('a segment that is not acceptable', () => {
  test('and has no text is answered twice a second at most, so that two hosts cannot answer each other for ever', () => {
    const d = established()
    for (let i = 0; i < 100; i++) expect(d.in('ACK -5:-5 ack 1')).toBe(Drop.OutsideWindow)
    expect(d.skip()).toBe(1)
    d.wait(499)
    d.in('ACK -5:-5 ack 1')
    d.quiet()
    d.wait(1)
    d.in('ACK -5:-5 ack 1')
    d.out('ACK 1:1 ack 1')
  })

  test('and has text is answered each time: its ACK may have been lost', () => {
    const d = established()
    d.in('PSH,ACK 1:11 ack 1')
    d.skip()
    for (let i = 0; i < 5; i++) expect(d.in('PSH,ACK 1:11 ack 1')).toBe(Drop.Duplicate)
    expect(d.skip()).toBe(5)
  })
})
