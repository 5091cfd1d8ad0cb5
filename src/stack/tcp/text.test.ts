import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EAGAIN, EINVAL, ENOTCONN } from '../errno.ts'
import { Option, Protocol, type Socket } from '../stack.ts'
import { established } from '../testing/dialogue.ts'

describe('text that arrives', () => {
  test('a single segment is acknowledged after 40 ms', () => {
    const d = established()
    d.in('PSH,ACK 1:101 ack 1')
    expect(d.recv(10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    d.wait(39).quiet()
    d.wait(1).out('ACK 1:1 ack 101')
  })

  test('every second full-sized segment is acknowledged at once', () => {
    const d = established()
    d.in('ACK 1:1001 ack 1')
    d.quiet()
    d.in('ACK 1001:2001 ack 1')
    d.out('ACK 1:1 ack 2001')
    d.wait(100).quiet()
  })

  test('an answer carries the acknowledgement with it', () => {
    const d = established()
    d.in('PSH,ACK 1:11 ack 1')
    d.send(5)
    d.out('PSH,ACK 1:6 ack 11')
    d.in('ACK 11:11 ack 6')
    d.wait(100).quiet()
  })

  test('segments out of order are held, each brings a duplicate ACK, and the gap once filled delivers all', () => {
    const d = established()
    d.in('ACK 101:201 ack 1')
    d.out('ACK 1:1 ack 1')
    d.in('ACK 301:401 ack 1')
    d.out('ACK 1:1 ack 1')
    d.in('ACK 201:301 ack 1')
    d.out('ACK 1:1 ack 1')
    expect(d.connection.outOfOrder).toBe(300)
    d.in('ACK 1:101 ack 1')
    d.out('ACK 1:1 ack 401')
    expect(d.recv()).toEqual(Array.from({ length: 400 }, (_, i) => (i + 1) & 255))
  })

  test('a FIN that comes before the text in front of it counts once that has come', () => {
    const d = established()
    d.in('FIN,ACK 101:201 ack 1')
    d.out('ACK 1:1 ack 1')
    expect(d.state).toBe('ESTABLISHED')
    d.in('ACK 1:101 ack 1')
    d.out('ACK 1:1 ack 202')
    expect(d.state).toBe('CLOSE-WAIT')
    expect((d.recv() as number[]).length).toBe(200)
  })

  test('what overlaps is taken once, and what came first is kept', () => {
    const d = established()
    const bytes = (value: number, count: number) => Array.from({ length: count }, () => value)
    d.in('ACK 11:21 ack 1', { data: bytes(1, 10) })
    d.in('ACK 6:16 ack 1', { data: bytes(2, 10) })
    d.in('ACK 16:31 ack 1', { data: bytes(3, 15) })
    d.in('ACK 1:9 ack 1', { data: bytes(4, 8) })
    d.skip()
    expect(d.recv()).toEqual([...bytes(4, 8), ...bytes(2, 2), ...bytes(1, 10), ...bytes(3, 10)])
  })

  test('a segment that was received before is acknowledged again and dropped', () => {
    const d = established()
    d.in('ACK 1:101 ack 1')
    d.wait(40).out('ACK 1:1 ack 101')
    expect(d.in('ACK 1:101 ack 1')).toBe(Drop.Duplicate)
    d.out('ACK 1:1 ack 101')
    expect((d.recv() as number[]).length).toBe(100)
    expect(d.recv()).toBe(EAGAIN)
  })

  test('the part of a segment that is new is taken', () => {
    const d = established()
    d.in('ACK 1:101 ack 1')
    d.in('ACK 51:151 ack 1')
    d.skip()
    expect(d.recv()).toEqual(Array.from({ length: 150 }, (_, i) => i + 1))
  })

  test('text behind the window is dropped, and the window is told', () => {
    const d = established()
    const edge = 1 + d.connection.rcvWnd
    expect(d.in(`ACK ${edge}:${edge + 10} ack 1`)).toBe(Drop.OutsideWindow)
    d.out('ACK 1:1 ack 1')
  })

  test('text across the window is cut to it', () => {
    const d = established()
    const edge = 1 + d.connection.rcvWnd
    d.in(`ACK ${edge - 10}:${edge + 10} ack 1`)
    expect(d.connection.outOfOrder).toBe(10)
    d.skip()
  })

  test('small segments share a page', () => {
    const d = established()
    const before = d.stack.memory.used
    for (let i = 0; i < 50; i++) d.in(`ACK ${1 + i * 10}:${11 + i * 10} ack 1`)
    expect(d.stack.memory.used - before).toBe(1600)
    d.skip()
    expect((d.recv() as number[]).length).toBe(500)
  })

  test('text after the reader has gone is answered with a reset', () => {
    const d = established()
    d.close()
    d.out('FIN,ACK 1:1 ack 1')
    d.in('ACK 1:1 ack 2')
    expect(d.in('PSH,ACK 1:11 ack 2')).toBe(Drop.ReaderGone)
    d.out('RST 2:2')
  })
})

describe('the receive window', () => {
  test('shrinks as text waits to be read, closes, and is told anew once it has been', () => {
    const d = established()
    let at = 1
    let window = d.connection.rcvWnd
    const whole = window
    while (window > 0) {
      const next = at + Math.min(1000, window)
      d.in(`ACK ${at}:${next} ack 1`)
      at = next
      window = d.connection.rcvWnd
    }
    expect(at).toBe(1 + whole)
    d.wait(50)
    d.skip()
    d.recv(500)
    d.quiet()
    d.recv()
    d.out(`ACK 1:1 ack ${at} win ${whole}`)
  })

  test('a probe into a closed window is answered, its byte not taken', () => {
    const d = established()
    let at = 1
    for (let window = d.connection.rcvWnd; window > 0; window = d.connection.rcvWnd) {
      const next = at + Math.min(1000, window)
      d.in(`ACK ${at}:${next} ack 1`)
      at = next
    }
    d.wait(50)
    d.skip()
    d.in(`ACK ${at}:${at + 1} ack 1`)
    d.out(`ACK 1:1 ack ${at} win 0`)
  })
})

describe('text to send', () => {
  test('goes out in segments of the MSS, PSH on the last', () => {
    const d = established()
    expect(d.send(2500)).toBe(2500)
    d.out('ACK 1:1001 ack 1')
    d.out('ACK 1001:2001 ack 1')
    d.quiet()
    d.in('ACK 1:1 ack 2001')
    d.out('PSH,ACK 2001:2501 ack 1')
    d.in('ACK 1:1 ack 2501')
  })

  test('Nagle: a small rest waits while anything is in flight', () => {
    const d = established()
    d.send(10)
    d.out('PSH,ACK 1:11 ack 1')
    d.send(10)
    d.send(10)
    d.quiet()
    d.in('ACK 1:1 ack 11')
    d.out('PSH,ACK 11:31 ack 1')
  })

  test('NoDelay: a small rest goes at once, also one that was held back', () => {
    const d = established()
    d.send(10)
    d.out('PSH,ACK 1:11 ack 1')
    d.send(10)
    d.quiet()
    expect(d.stack.setOption(d.socket, Option.NoDelay, 1)).toBe(0)
    d.wait(0).out('PSH,ACK 11:21 ack 1')
    d.send(10)
    d.out('PSH,ACK 21:31 ack 1')
    expect(d.stack.setOption(d.socket, Option.NoDelay, 2)).toBe(EINVAL)
  })

  test('no more is sent than the peer’s window takes', () => {
    const d = established({}, 2500)
    d.send(5000)
    d.out('ACK 1:1001 ack 1')
    d.out('ACK 1001:2001 ack 1')
    d.quiet()
    d.in('ACK 1:1 ack 2001 win 2500')
    d.out('ACK 2001:3001 ack 1')
    d.out('ACK 3001:4001 ack 1')
    d.quiet()
  })

  test('the buffer takes what it has room for, and more once something is acknowledged', () => {
    const d = established()
    const room = d.send(1 << 20)
    expect(room).toBeGreaterThan(2000)
    expect(room).toBeLessThan(1 << 20)
    expect(d.send(1)).toBe(EAGAIN)
    d.in('ACK 1:1 ack 2001')
    expect(d.send(4000)).toBe(2000)
    d.skip()
  })

  test('a busy link holds segments back without losing any', () => {
    const d = established()
    d.hold(true)
    d.send(1500)
    d.quiet()
    d.wait(10)
    d.hold(false)
    d.out('ACK 1:1001 ack 1')
    d.quiet()
    d.in('ACK 1:1 ack 1001')
    d.out('PSH,ACK 1001:1501 ack 1')
  })

  test('a stale handle gives EBADF, a socket that was never connected ENOTCONN', () => {
    const d = established()
    const fresh = d.open()
    expect(d.stack.send(fresh, new Uint8Array(1))).toBe(ENOTCONN)
    const stale = d.socket
    d.close()
    d.skip()
    expect(d.stack.recv(stale, new Uint8Array(1))).toBe(-9)
    expect(d.stack.close(stale)).toBe(-9)
  })
})

describe('the peer’s closed window', () => {
  test('is probed with one byte after the RTO, then at twice the interval, for as long as it answers', () => {
    const d = established({}, 1000)
    d.send(3000)
    d.out('ACK 1:1001 ack 1')
    d.in('ACK 1:1 ack 1001 win 0')
    d.quiet()
    let wait = d.connection.rto
    for (let i = 0; i < 12; i++) {
      d.wait(wait - 1).quiet()
      d.wait(1).out('ACK 1001:1002 ack 1')
      d.in('ACK 1:1 ack 1001 win 0')
      wait = Math.min(60_000, wait * 2)
    }
    expect(d.state).toBe('ESTABLISHED')
    d.in('ACK 1:1 ack 1001 win 1000')
    d.out('ACK 1001:2001 ack 1')
  })

  test('that closes over what is in flight is probed too', () => {
    const d = established({}, 2000)
    d.send(2000)
    d.out('ACK 1:1001 ack 1')
    d.out('PSH,ACK 1001:2001 ack 1')
    d.in('ACK 1:1 ack 1 win 0')
    d.wait(d.connection.rto)
    d.out('ACK 1:2 ack 1')
    for (let i = 0; i < 12; i++) {
      d.in('ACK 1:1 ack 1 win 0')
      d.wait(60_000)
      expect(d.skip()).toBeGreaterThan(0)
    }
    expect(d.state).toBe('ESTABLISHED')
    d.in('ACK 1:1 ack 1 win 2000')
    d.out('ACK 1:1001 ack 1')
  })

  test('that never answers ends the connection', () => {
    const d = established({}, 1000)
    d.send(2000)
    d.in('ACK 1:1 ack 1001 win 0')
    d.wait(600_000)
    d.skip()
    expect(d.state).toBe('CLOSED')
  })
})

describe('small segments', () => {
  test('the rest before a FIN goes at once, whatever is in flight', () => {
    const d = established()
    d.send(10)
    d.out('PSH,ACK 1:11 ack 1')
    d.send(10)
    d.quiet()
    d.shutdown()
    d.out('FIN,PSH,ACK 11:21 ack 1')
  })

  test('a small rest that was sent before is sent again without waiting', () => {
    const d = established()
    d.send(10)
    d.out('PSH,ACK 1:11 ack 1')
    d.send(2000)
    expect(d.skip()).toBe(2)
    d.wait(d.connection.rto).out('ACK 1:1001 ack 1')
    d.in('ACK 1:1 ack 1001')
    d.out('ACK 1001:2001 ack 1')
    d.out('PSH,ACK 2001:2011 ack 1').quiet()
  })

  test('half of the largest window ever offered may go where a whole segment does not fit', () => {
    const d = established({}, 800)
    d.send(2000)
    d.out('ACK 1:801 ack 1').quiet()
    d.in('ACK 1:1 ack 801 win 399')
    d.quiet()
    d.in('ACK 1:1 ack 801 win 400')
    d.out('ACK 801:1201 ack 1').quiet()
  })

  test('what was sent before is sent again even into a window that has shrunk', () => {
    const d = established({}, 2000)
    d.send(2000)
    expect(d.skip()).toBe(2)
    d.in('ACK 1:1 ack 1 win 300')
    d.wait(d.connection.rto).out('ACK 1:301 ack 1').quiet()
  })

  test('more text from the user does not put off the probe of a closed window', () => {
    const d = established({}, 1000)
    d.send(1500)
    d.out('ACK 1:1001 ack 1')
    d.in('ACK 1:1 ack 1001 win 0')
    const rto = d.connection.rto
    d.wait(rto - 50)
    d.send(10)
    d.wait(50).out('ACK 1001:1002 ack 1')
  })
})

describe('acknowledging', () => {
  test('a small segment that follows does not put off the ACK of the first', () => {
    const d = established()
    d.in('ACK 1:11 ack 1')
    d.wait(30)
    d.in('ACK 11:21 ack 1')
    d.wait(10).out('ACK 1:1 ack 21')
  })

  test('text of ours carries the ACK: the count of segments begins anew', () => {
    const d = established()
    d.in('ACK 1:1001 ack 1')
    d.send(10)
    d.out('PSH,ACK 1:11 ack 1001')
    d.in('ACK 1001:2001 ack 11')
    d.quiet()
    d.wait(40).out('ACK 11:11 ack 2001')
  })
})

describe('segments that overlap', () => {
  test('the FIN of one whose end is held already is not taken for one at the cut', () => {
    const d = established()
    d.in('ACK 21:31 ack 1')
    d.in('FIN,ACK 11:31 ack 1')
    d.in('ACK 1:11 ack 1')
    d.skip()
    expect((d.recv() as number[]).length).toBe(30)
    expect(d.state).toBe('ESTABLISHED')
    d.in('FIN,ACK 11:31 ack 1')
    expect(d.state).toBe('CLOSE-WAIT')
    d.skip()
  })

  test('one that reaches over two that are held leaves neither twice', () => {
    const d = established()
    d.in('ACK 11:21 ack 1')
    d.in('ACK 21:31 ack 1')
    d.in('ACK 15:41 ack 1')
    expect(d.connection.outOfOrder).toBe(30)
    d.in('ACK 1:11 ack 1')
    expect(d.recv()).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    d.skip()
  })

  test('a FIN behind text that the window cuts off is not taken', () => {
    const d = established()
    const edge = 1 + d.connection.rcvWnd
    d.in(`FIN,ACK ${edge - 10}:${edge + 10} ack 1`)
    for (let at = 1; at < edge - 10; at += 1000) d.in(`ACK ${at}:${Math.min(at + 1000, edge - 10)} ack 1`)
    expect(d.state).toBe('ESTABLISHED')
    expect((d.recv() as number[]).length).toBe(edge - 1)
    d.skip()
  })

  test('many of a byte each do not take the memory: an eighth of the pages at most', () => {
    const d = established()
    const before = d.stack.memory.used
    for (let i = 0; i < 500; i++) d.in(`ACK ${3 + i * 2}:${4 + i * 2} ack 1`)
    expect(d.stack.memory.used - before).toBeLessThanOrEqual(128 * 1024 * 0.13)
    d.skip()
  })
})

describe('duplicate ACKs', () => {
  test('owed to a busy link are forgotten once the gap is filled', () => {
    const d = established()
    d.hold(true)
    for (let i = 1; i < 5; i++) d.in(`ACK ${1 + i * 10}:${11 + i * 10} ack 1`)
    d.in('ACK 1:11 ack 1')
    d.hold(false)
    d.out('ACK 1:1 ack 51').quiet()
  })

  test('are owed one for each segment out of order, also by a busy link', () => {
    const d = established()
    d.hold(true)
    for (let i = 1; i < 5; i++) d.in(`ACK ${1 + i * 10}:${11 + i * 10} ack 1`)
    d.hold(false)
    expect(d.skip()).toBe(4)
  })
})

describe('the right edge of the window', () => {
  test('never moves left, whatever happens to the memory', () => {
    const d = established()
    const edge = 1 + d.connection.rcvWnd
    const datagrams = d.stack.socket(Protocol.Udp) as Socket
    const others: Socket[] = []
    for (let other = d.stack.socket(Protocol.Tcp); other > 0; other = d.stack.socket(Protocol.Tcp))
      others.push(other as Socket)
    // The first finds a page of the reserve.
    d.in('ACK 1:1001 ack 1')
    expect(d.in('ACK 1001:2001 ack 1')).toBe(Drop.NoMemory)
    d.out(`ACK 1:1 ack 1001 win ${edge - 1001}`)
    d.recv()
    for (const other of others) d.stack.close(other)
    d.stack.close(datagrams)
  })

  test('moves by a segment or half of the buffer, no less', () => {
    const d = established()
    d.in('ACK 1:1001 ack 1')
    d.in('ACK 1001:2001 ack 1')
    d.skip()
    const told = d.connection.rcvWnd
    d.recv(100)
    d.in('ACK 2001:2011 ack 1')
    d.wait(40).out(`ACK 1:1 ack 2011 win ${told - 10}`)
  })
})
