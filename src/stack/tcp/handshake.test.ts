import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EAGAIN, ECONNREFUSED, ETIMEDOUT } from '../errno.ts'
import { inspectConnection, inspectConnections } from '../inspect/inspect.ts'
import { createStack as minimal } from '../profiles/minimal.ts'
import { Dialogue, established, PEER } from '../testing/dialogue.ts'
import { ethernet, HOST_IP, HOST_MAC, ipv4, PEER_IP, PEER_MAC, type Tcp, tcp } from '../testing/raw.ts'

describe('LISTEN', () => {
  test('a SYN is answered with SYN,ACK, and the ACK of it makes the connection', () => {
    const d = new Dialogue()
    const listener = d.listen()
    d.in('SYN 0:0 win 8192 mss 1000')
    d.out('SYN,ACK 0:0 ack 1 mss 1460')
    expect(d.stack.accept(listener)).toBe(EAGAIN)
    d.in('ACK 1:1 ack 1')
    d.accept(listener)
    expect(d.state).toBe('ESTABLISHED')
    expect(d.connection.mss).toBe(1000)
    d.quiet()
  })

  test('an ACK is refused with a reset that carries its number', () => {
    const d = new Dialogue()
    d.listen()
    expect(d.in('ACK 1:1 ack 77')).toBe(Drop.NoConnection)
    d.out('RST 77:77')
  })

  test('a RST is not answered', () => {
    const d = new Dialogue()
    d.listen()
    expect(d.in('RST 1:1')).toBe(Drop.BadReset)
    d.quiet()
  })

  test('a backlog that is full drops the SYN, which may come again, without SYN_COOKIES', () => {
    const d = new Dialogue({}, minimal)
    d.listen(1)
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    d.speakFrom(4001)
    expect(d.in('SYN 0:0')).toBe(Drop.Backlog)
    d.quiet()
  })

  test('a peer that names no MSS gets segments of 536 bytes', () => {
    const d = new Dialogue()
    const listener = d.listen()
    d.in('SYN 0:0 win 8192')
    d.out('SYN,ACK 0:0 ack 1')
    d.in('ACK 1:1 ack 1')
    d.accept(listener).send(600)
    d.out('ACK 1:537 ack 1')
  })
})

describe('SYN-RECEIVED', () => {
  test('the SYN,ACK is sent again after 1, 2, 4 and 8 seconds, then given up', () => {
    const d = new Dialogue()
    d.listen()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    for (const seconds of [1, 2, 4, 8]) {
      d.wait(seconds * 1000 - 1).quiet()
      d.wait(1).out('SYN,ACK 0:0 ack 1')
    }
    d.wait(60_000).quiet()
  })

  test('a reset returns to LISTEN: the backlog is free again', () => {
    const d = new Dialogue()
    d.listen(1)
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    expect(d.in('RST 1:1')).toBe(Drop.None)
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
  })

  test('an ACK of what was never sent is reset', () => {
    const d = new Dialogue()
    d.listen()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    expect(d.in('ACK 1:1 ack 2')).toBe(Drop.BadAck)
    d.out('RST 2:2')
  })

  test('text that comes with the last ACK of the handshake is there to be read', () => {
    const d = new Dialogue()
    const listener = d.listen()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    d.in('PSH,ACK 1:4 ack 1')
    d.accept(listener)
    expect(d.recv()).toEqual([1, 2, 3])
  })
})

describe('SYN-SENT', () => {
  test('SYN, SYN,ACK, ACK', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0 mss 1460')
    expect(d.state).toBe('SYN-SENT')
    d.in('SYN,ACK 0:0 ack 1 mss 1200')
    d.out('ACK 1:1 ack 1')
    expect(d.state).toBe('ESTABLISHED')
    expect(d.connection.mss).toBe(1200)
  })

  test('the SYN is sent again after 1, 2, 4, 8, 16, 32 and 60 seconds, then the user is told ETIMEDOUT', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    for (const seconds of [1, 2, 4, 8, 16, 32, 60]) {
      d.wait(seconds * 1000 - 1).quiet()
      d.wait(1).out('SYN 0:0')
    }
    d.wait(60_000).quiet()
    expect(d.state).toBe('CLOSED')
    expect(d.stack.error(d.socket)).toBe(ETIMEDOUT)
  })

  test('a reset with the right ACK refuses the connection', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    d.in('RST,ACK 0:0 ack 1')
    expect(d.state).toBe('CLOSED')
    expect(d.stack.error(d.socket)).toBe(ECONNREFUSED)
    d.quiet()
  })

  test('a reset without ACK, or with another number, changes nothing', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    expect(d.in('RST 0:0')).toBe(Drop.BadReset)
    expect(d.in('RST,ACK 0:0 ack 2')).toBe(Drop.BadAck)
    expect(d.state).toBe('SYN-SENT')
    d.quiet()
  })

  test('a SYN,ACK with a wrong ACK is reset, the attempt goes on', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    expect(d.in('SYN,ACK 0:0 ack 9')).toBe(Drop.BadAck)
    d.out('RST 9:9')
    expect(d.state).toBe('SYN-SENT')
  })

  test('two SYNs that cross open the connection from both sides', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    d.in('SYN 0:0 mss 1000')
    expect(d.state).toBe('SYN-RECEIVED')
    d.out('SYN,ACK 0:0 ack 1')
    d.in('ACK 1:1 ack 1')
    expect(d.state).toBe('ESTABLISHED')
  })

  test('close gives up silently', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    d.close().quiet()
    expect(d.wait(10_000).skip()).toBe(0)
  })
})

describe('a segment for nobody', () => {
  test('a SYN is refused with RST,ACK that acknowledges it', () => {
    const d = new Dialogue()
    expect(d.in('SYN 0:0')).toBe(Drop.NoPort)
    d.out('RST,ACK 0:0 ack 1')
  })

  test('text is refused with a reset at the number that it acknowledges', () => {
    const d = new Dialogue()
    expect(d.in('PSH,ACK 5:15 ack 3')).toBe(Drop.NoConnection)
    d.out('RST 3:3')
  })
})

test('each connection has another initial sequence number', () => {
  const d = established()
  const first = d.connection.iss
  const e = established()
  const again = new Dialogue()
  again.wait(1000)
  const listener = again.listen()
  again.in('SYN 0:0')
  again.skip()
  again.in('ACK 1:1 ack 1')
  again.accept(listener)
  // The same four numbers and secret: only the clock differs, by a second of 4 µs ticks (RFC 6528, 3).
  expect(e.connection.iss).toBe(first)
  expect((again.connection.iss - first) >>> 0).toBe(250_000)
})

describe('a SYN that had to be sent again', () => {
  test('leaves an RTO of three seconds and a window of one segment (RFC 6298, 5.7; RFC 5681, 3.1)', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    d.wait(1000).out('SYN 0:0')
    d.in('SYN,ACK 0:0 ack 1 mss 1000')
    d.out('ACK 1:1 ack 1')
    expect(d.connection.rto).toBe(3000)
    expect(d.connection.cwnd).toBe(1000)
  })

  test('does the same for who answered it', () => {
    const d = new Dialogue()
    const listener = d.listen()
    d.in('SYN 0:0 mss 1000')
    d.out('SYN,ACK 0:0 ack 1')
    for (const seconds of [1, 2, 4]) d.wait(seconds * 1000).out('SYN,ACK 0:0 ack 1')
    d.in('ACK 1:1 ack 1')
    d.accept(listener)
    expect(d.connection.rto).toBe(3000)
    expect(d.connection.cwnd).toBe(1000)
  })
})

test('a peer may speak from one port to two addresses of ours: these are two connections', () => {
  const d = new Dialogue()
  const listener = d.listen()
  const second = [10, 0, 0, 3]
  expect(d.stack.addAddress(0, 0x0a000003, 24)).toBe(0)
  d.in('SYN 0:0 mss 1000')
  d.out('SYN,ACK 0:0 ack 1')
  d.in('ACK 1:1 ack 1')
  d.accept(listener)
  const { iss: firstIss, irs } = d.connection
  const say = (segment: Partial<Tcp>, to = second) => {
    const fields = { from: 4000, to: 7, seq: 500, ack: 0, flags: 2, window: 8192, options: [], data: [] }
    const packet = ipv4(6, tcp({ ...fields, ...segment }, PEER_IP, to), { to })
    return d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, packet))
  }
  say({})
  d.skip()
  const iss = inspectConnections(d.stack.arena).find(({ state }) => state === 'SYN-RECEIVED')?.iss ?? 0
  expect(say({ seq: 501, ack: (iss + 1) >>> 0, flags: 16, data: [1, 2, 3] })).toBe(Drop.None)
  say({ seq: (irs + 1) >>> 0, ack: (firstIss + 1) >>> 0, flags: 16, data: [4, 5] }, HOST_IP)
  expect(d.recv()).toEqual([4, 5])
  d.accept(listener)
  expect(d.recv()).toEqual([1, 2, 3])
  d.skip()
})

test('initial sequence numbers go on over the end of a 32-bit count of microseconds', () => {
  const d = new Dialogue()
  const issAt = (now: number): number => {
    d.wait(now - d.now)
    const socket = d.open()
    expect(d.stack.bind(socket, 0, 5000)).toBe(0)
    d.stack.connect(socket, PEER, 80)
    d.wait(0).skip()
    const iss = inspectConnection(d.stack.arena, socket)?.iss ?? 0
    d.stack.abort(socket)
    return iss
  }
  const before = issAt(4_294_967)
  const after = issAt(4_294_968)
  expect((after - before) | 0).toBe(250)
})
