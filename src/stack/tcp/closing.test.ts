import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { ECONNRESET, EPIPE } from '../errno.ts'
import { type Dialogue, established } from '../testing/dialogue.ts'

/** Ours is closed first, FIN acknowledged. */
function finWait2(): Dialogue {
  const d = established()
  d.shutdown()
  d.out('FIN,ACK 1:1 ack 1')
  expect(d.state).toBe('FIN-WAIT-1')
  d.in('ACK 1:1 ack 2')
  expect(d.state).toBe('FIN-WAIT-2')
  return d.quiet()
}

/** The peer has closed first. */
function closeWait(): Dialogue {
  const d = established()
  d.in('FIN,ACK 1:1 ack 1')
  d.out('ACK 1:1 ack 2')
  expect(d.state).toBe('CLOSE-WAIT')
  return d
}

describe('a close from our side', () => {
  test('FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT for a minute, CLOSED', () => {
    const d = finWait2()
    d.in('FIN,ACK 1:1 ack 2')
    d.out('ACK 2:2 ack 2')
    expect(d.state).toBe('TIME-WAIT')
    d.wait(59_999)
    expect(d.state).toBe('TIME-WAIT')
    d.wait(1).quiet()
    expect(d.state).toBe('CLOSED')
  })

  test('sends the text that waits before the FIN', () => {
    const d = established({}, 1000)
    d.send(1500)
    d.out('ACK 1:1001 ack 1')
    d.shutdown().quiet()
    d.in('ACK 1:1 ack 1001 win 1000')
    d.out('FIN,PSH,ACK 1001:1501 ack 1')
    d.in('ACK 1:1 ack 1502')
    expect(d.state).toBe('FIN-WAIT-2')
  })

  test('leaves the other direction open: text is still taken and acknowledged', () => {
    const d = finWait2()
    d.in('PSH,ACK 1:11 ack 2')
    expect((d.recv() as number[]).length).toBe(10)
    d.wait(40).out('ACK 2:2 ack 11')
    expect(d.send(1)).toBe(EPIPE)
  })

  test('closes that cross pass through CLOSING', () => {
    const d = established()
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 1')
    d.in('FIN,ACK 1:1 ack 1')
    d.out('ACK 2:2 ack 2')
    expect(d.state).toBe('CLOSING')
    d.in('ACK 2:2 ack 2')
    expect(d.state).toBe('TIME-WAIT')
  })

  test('a FIN that acknowledges ours leads straight to TIME-WAIT', () => {
    const d = established()
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 1')
    d.in('FIN,ACK 1:1 ack 2')
    d.out('ACK 2:2 ack 2')
    expect(d.state).toBe('TIME-WAIT')
  })

  test('a FIN that is lost is sent again after the RTO', () => {
    const d = established()
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 1')
    d.wait(d.connection.rto).out('FIN,ACK 1:1 ack 1')
    d.in('ACK 1:1 ack 2')
    expect(d.state).toBe('FIN-WAIT-2')
  })

  test('an ACK that comes before the FIN has left does not acknowledge it', () => {
    const d = established()
    d.hold(true)
    d.shutdown()
    d.in('ACK 1:1 ack 1')
    expect(d.state).toBe('FIN-WAIT-1')
    d.hold(false)
    d.out('FIN,ACK 1:1 ack 1')
  })

  test('with the handle given back, FIN-WAIT-2 ends after a minute of silence', () => {
    const d = established()
    d.close()
    d.out('FIN,ACK 1:1 ack 1')
    d.in('ACK 1:1 ack 2')
    d.wait(60_000)
    expect(d.in('FIN,ACK 1:1 ack 2')).toBe(Drop.NoConnection)
    d.out('RST 2:2')
  })

  test('with text unread, the peer is told by a reset that it was lost', () => {
    const d = established()
    d.in('PSH,ACK 1:11 ack 1')
    d.close()
    d.out('RST 1:1')
  })
})

describe('TIME-WAIT', () => {
  const timeWait = () => {
    const d = finWait2()
    d.in('FIN,ACK 1:1 ack 2')
    d.out('ACK 2:2 ack 2')
    return d
  }

  test('acknowledges the FIN again and waits anew', () => {
    const d = timeWait()
    d.wait(50_000)
    d.in('FIN,ACK 1:1 ack 2')
    d.out('ACK 2:2 ack 2')
    d.wait(59_999)
    expect(d.state).toBe('TIME-WAIT')
    d.wait(1)
    expect(d.state).toBe('CLOSED')
  })

  test('gives way to a new SYN with a higher sequence number', () => {
    const d = timeWait()
    d.listen()
    d.in('SYN 5000:5000 mss 1000')
    expect(d.state).toBe('CLOSED')
    d.out('SYN,ACK 0:0 ack 5001')
  })

  test('answers an old SYN with an ACK', () => {
    const d = timeWait()
    d.in('SYN -100:-100')
    d.out('ACK 2:2 ack 2')
    expect(d.state).toBe('TIME-WAIT')
  })
})

describe('a close from the peer’s side', () => {
  test('CLOSE-WAIT, LAST-ACK, CLOSED', () => {
    const d = closeWait()
    expect(d.recv()).toEqual([])
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 2')
    expect(d.state).toBe('LAST-ACK')
    d.in('ACK 2:2 ack 2')
    expect(d.state).toBe('CLOSED')
    expect(d.stack.error(d.socket)).toBe(0)
    d.quiet()
  })

  test('our text still goes out in CLOSE-WAIT', () => {
    const d = closeWait()
    d.send(10)
    d.out('PSH,ACK 1:11 ack 2')
    d.in('ACK 2:2 ack 11')
  })

  test('a FIN that comes again is acknowledged again', () => {
    const d = closeWait()
    expect(d.in('FIN,ACK 1:1 ack 1')).toBe(Drop.Duplicate)
    d.out('ACK 1:1 ack 2')
  })
})

describe('resets', () => {
  test('one at RCV.NXT ends the connection with ECONNRESET', () => {
    const d = established()
    expect(d.in('RST 1:1')).toBe(Drop.None)
    expect(d.state).toBe('CLOSED')
    expect(d.stack.error(d.socket)).toBe(ECONNRESET)
    d.quiet()
  })

  test('one elsewhere in the window is challenged and changes nothing', () => {
    const d = established()
    expect(d.in('RST 100:100')).toBe(Drop.Challenged)
    d.out('ACK 1:1 ack 1')
    expect(d.state).toBe('ESTABLISHED')
  })

  test('one outside the window is dropped silently', () => {
    const d = established()
    expect(d.in('RST 60000:60000')).toBe(Drop.BadReset)
    expect(d.in('RST 0:0')).toBe(Drop.BadReset)
    d.quiet()
  })

  test('a SYN into a connection is challenged', () => {
    const d = established()
    expect(d.in('SYN 100:100')).toBe(Drop.Challenged)
    d.out('ACK 1:1 ack 1')
    expect(d.state).toBe('ESTABLISHED')
  })

  test('challenges are throttled: no more than ten in five seconds', () => {
    const d = established()
    for (let i = 0; i < 50; i++) d.in('RST 100:100')
    const answered = d.skip()
    expect(answered).toBeGreaterThanOrEqual(5)
    expect(answered).toBeLessThanOrEqual(10)
    d.wait(5_000)
    d.in('RST 100:100')
    d.out('ACK 1:1 ack 1')
  })

  test('an ACK of what was never sent is challenged and dropped', () => {
    const d = established()
    expect(d.in('PSH,ACK 1:11 ack 50')).toBe(Drop.BadAck)
    d.out('ACK 1:1 ack 1')
    expect(d.connection.receiveQueued).toBe(0)
  })

  test('an ACK older than any window is dropped with its text', () => {
    const d = established({}, 1000)
    expect(d.in('PSH,ACK 1:11 ack -1500')).toBe(Drop.BadAck)
    expect(d.connection.receiveQueued).toBe(0)
    d.skip()
  })

  test('text without ACK is dropped', () => {
    const d = established()
    expect(d.in('PSH 1:11')).toBe(Drop.NoAck)
    d.quiet()
  })

  test('abort sends a reset at SND.NXT', () => {
    const d = established()
    d.send(10)
    d.out('PSH,ACK 1:11 ack 1')
    d.stack.abort(d.socket)
    d.wait(0)
    d.out('RST 11:11')
  })
})
