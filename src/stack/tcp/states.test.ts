/** RFC 9293, 3.10.7: rows and columns that no other dialogue comes by. */
import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EAGAIN, ECONNREFUSED } from '../errno.ts'
import { Dialogue, established } from '../testing/dialogue.ts'

/** Two SYNs have crossed. */
function crossed(): Dialogue {
  const d = new Dialogue().connect()
  d.out('SYN 0:0')
  d.in('SYN 0:0 mss 1000')
  d.out('SYN,ACK 0:0 ack 1')
  return d
}

function closing(): Dialogue {
  const d = established()
  d.shutdown()
  d.out('FIN,ACK 1:1 ack 1')
  d.in('FIN,ACK 1:1 ack 1')
  d.out('ACK 2:2 ack 2')
  expect(d.state).toBe('CLOSING')
  return d
}

describe('SYN-RECEIVED', () => {
  test('an ACK of nothing new is reset', () => {
    const d = new Dialogue()
    d.listen()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    expect(d.in('ACK 1:1 ack 0')).toBe(Drop.BadAck)
    d.out('RST 0:0')
  })

  test('opened from here, a second SYN is challenged and the attempt goes on', () => {
    const d = crossed()
    expect(d.in('SYN 5:5')).toBe(Drop.Challenged)
    d.out('ACK 1:1 ack 1')
    expect(d.state).toBe('SYN-RECEIVED')
  })

  test('opened from here, a reset refuses the connection', () => {
    const d = crossed()
    d.in('RST 1:1')
    expect(d.state).toBe('CLOSED')
    expect(d.stack.error(d.socket)).toBe(ECONNREFUSED)
  })

  test('opened from here, a close waits for the handshake and then sends FIN', () => {
    const d = crossed()
    d.shutdown().quiet()
    d.in('ACK 1:1 ack 1')
    expect(d.state).toBe('FIN-WAIT-1')
    d.out('FIN,ACK 1:1 ack 1')
  })

  test('abort sends a reset', () => {
    const d = crossed()
    d.stack.abort(d.socket)
    d.wait(0).out('RST 1:1')
  })

  test('a listener that closes resets who has only begun', () => {
    const d = new Dialogue()
    const listener = d.listen()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    d.stack.close(listener)
    d.wait(0).out('RST 1:1')
  })

  test('a FIN with the last ACK of the handshake leads to CLOSE-WAIT', () => {
    const d = new Dialogue()
    const listener = d.listen()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    d.in('FIN,ACK 1:1 ack 1')
    d.out('ACK 1:1 ack 2')
    d.accept(listener)
    expect(d.state).toBe('CLOSE-WAIT')
    expect(d.recv()).toEqual([])
  })
})

describe('a listener', () => {
  test('does not hand out a connection that was reset before it was accepted', () => {
    const d = new Dialogue()
    const listener = d.listen(1)
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    d.in('ACK 1:1 ack 1')
    d.in('RST 1:1')
    expect(d.stack.accept(listener)).toBe(EAGAIN)
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
  })

  test('hands out the one whose handshake is done before an older one whose is not', () => {
    const d = new Dialogue()
    const listener = d.listen()
    d.in('SYN 0:0')
    d.skip()
    d.speakFrom(4001)
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    d.in('ACK 1:1 ack 1')
    d.accept(listener)
    expect(d.connection.remotePort).toBe(4001)
  })
})

describe('ESTABLISHED', () => {
  test('a segment of which the last byte alone is new is taken', () => {
    const d = established()
    d.in('ACK 1:11 ack 1')
    expect(d.in('ACK 1:12 ack 1')).toBe(Drop.None)
    expect((d.recv() as number[]).length).toBe(11)
    d.skip()
  })

  test('a bare FIN ahead of RCV.NXT is answered with a duplicate ACK and not taken', () => {
    const d = established()
    d.in('FIN,ACK 11:11 ack 1')
    d.out('ACK 1:1 ack 1')
    d.in('ACK 1:11 ack 1')
    d.wait(40).out('ACK 1:1 ack 11')
    expect(d.state).toBe('ESTABLISHED')
  })

  test('an older segment that comes later does not move the window', () => {
    const d = established()
    d.in('ACK 11:21 ack 1 win 100')
    d.in('ACK 1:11 ack 1 win 8000')
    expect(d.connection.sndWnd).toBe(100)
    d.skip()
  })

  test('an older ACK with the same sequence number does not move the window', () => {
    const d = established()
    d.send(2000)
    expect(d.skip()).toBe(2)
    d.in('ACK 1:1 ack 2001 win 100')
    d.in('ACK 1:1 ack 1001 win 8000')
    expect(d.connection.sndWnd).toBe(100)
  })
})

describe('a closed receive window', () => {
  const full = (): [Dialogue, number] => {
    const d = established()
    let at = 1
    for (let window = d.connection.rcvWnd; window > 0; window = d.connection.rcvWnd) {
      const next = at + Math.min(1000, window)
      d.in(`ACK ${at}:${next} ack 1`)
      at = next
    }
    d.wait(50).skip()
    return [d, at]
  }

  test('takes neither the text of a probe nor the FIN behind it', () => {
    const [d, at] = full()
    d.in(`FIN,ACK ${at}:${at + 1} ack 1`)
    d.out(`ACK 1:1 ack ${at} win 0`)
    expect(d.state).toBe('ESTABLISHED')
  })

  test('takes an ACK, a reset, and a FIN that has no text before it', () => {
    const [d, at] = full()
    d.send(10)
    d.out(`PSH,ACK 1:11 ack ${at}`)
    d.in(`ACK ${at}:${at} ack 11`)
    expect(d.connection.sendQueued).toBe(0)
    d.in(`FIN,ACK ${at}:${at} ack 11`)
    d.out(`ACK 11:11 ack ${at + 1}`)
    expect(d.state).toBe('CLOSE-WAIT')
    d.in(`RST ${at + 1}:${at + 1}`)
    expect(d.state).toBe('CLOSED')
  })
})

describe('CLOSING', () => {
  test('a reset ends it without an error', () => {
    const d = closing()
    d.in('RST 2:2')
    expect(d.state).toBe('CLOSED')
    expect(d.stack.error(d.socket)).toBe(0)
  })

  test('the FIN is sent again until it is acknowledged', () => {
    const d = closing()
    d.wait(d.connection.rto).out('FIN,ACK 1:1 ack 2')
    d.in('ACK 2:2 ack 2')
    expect(d.state).toBe('TIME-WAIT')
    d.wait(10_000).quiet()
  })

  test('text is not taken any more', () => {
    const d = closing()
    expect(d.in('ACK 2:12 ack 1')).toBe(Drop.Duplicate)
    d.out('ACK 2:2 ack 2')
    expect(d.connection.receiveQueued).toBe(0)
  })
})

describe('LAST-ACK', () => {
  test('the FIN is sent again, and an old ACK does not end it', () => {
    const d = established()
    d.in('FIN,ACK 1:1 ack 1')
    d.out('ACK 1:1 ack 2')
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 2')
    d.in('ACK 2:2 ack 1')
    expect(d.state).toBe('LAST-ACK')
    d.wait(d.connection.rto).out('FIN,ACK 1:1 ack 2')
    d.in('ACK 2:2 ack 2')
    expect(d.state).toBe('CLOSED')
  })
})

describe('FIN-WAIT-1', () => {
  test('text and FIN that come with the ACK of ours are taken', () => {
    const d = established()
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 1')
    d.in('FIN,PSH,ACK 1:11 ack 2')
    d.out('ACK 2:2 ack 12')
    expect(d.state).toBe('TIME-WAIT')
    expect((d.recv() as number[]).length).toBe(10)
  })

  test('text before ours is acknowledged is taken', () => {
    const d = established()
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 1')
    d.in('PSH,ACK 1:11 ack 1')
    expect((d.recv() as number[]).length).toBe(10)
    expect(d.state).toBe('FIN-WAIT-1')
  })
})

describe('TIME-WAIT', () => {
  test('waits anew when more text comes, which it does not take', () => {
    const d = established()
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 1')
    d.in('FIN,ACK 1:1 ack 2')
    d.out('ACK 2:2 ack 2')
    d.wait(50_000)
    d.in('ACK 2:12 ack 2')
    d.out('ACK 2:2 ack 2')
    d.wait(59_999)
    expect(d.state).toBe('TIME-WAIT')
    d.close()
  })
})

describe('a handle given back', () => {
  test('in FIN-WAIT-2 leaves the peer a minute to close', () => {
    const d = established()
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 1')
    d.in('ACK 1:1 ack 2')
    d.close()
    d.wait(59_999)
    d.in('ACK 0:0 ack 2')
    d.out('ACK 2:2 ack 1')
    d.wait(1)
    expect(d.in('FIN,ACK 1:1 ack 2')).toBe(Drop.NoConnection)
    d.out('RST 2:2')
  })

  test('in TIME-WAIT with text unread resets nothing: the peer has closed in order', () => {
    const d = established()
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 1')
    d.in('FIN,PSH,ACK 1:11 ack 2')
    d.out('ACK 2:2 ack 12')
    d.close().quiet()
    d.in('FIN,PSH,ACK 1:11 ack 2')
    d.out('ACK 2:2 ack 12')
  })
})

test('an MSS too small to be true is taken for 28, the least that any link carries', () => {
  const d = established({}, 8192, 1)
  expect(d.connection.mss).toBe(28)
})
