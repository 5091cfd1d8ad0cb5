import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EADDRNOTAVAIL, ECONNREFUSED, ECONNRESET, EINVAL, EISCONN, ENETUNREACH } from '../errno.ts'
import { Protocol, type Socket } from '../stack.ts'
import { Dialogue, established, PEER } from '../testing/dialogue.ts'
import { ethernet, HOST_IP, HOST_MAC, icmp, ipv4, PEER_IP, PEER_MAC, tcp } from '../testing/raw.ts'

describe('a socket is good for one connection', () => {
  test('after which connect gives EISCONN and listen EINVAL', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    d.in('RST,ACK 0:0 ack 1')
    expect(d.state).toBe('CLOSED')
    expect(d.stack.connect(d.socket, PEER, 80)).toBe(EISCONN)
    expect(d.stack.listen(d.socket, 1)).toBe(EINVAL)
    d.quiet()
  })
})

describe('connect', () => {
  test('takes a port from 1 to 65535 and no other', () => {
    const d = new Dialogue()
    const socket = d.open()
    for (const port of [0, -1, 65536, 70_000, 1.5, Number.NaN])
      expect(d.stack.connect(socket, PEER, port)).toBe(EINVAL)
    d.wait(0).quiet()
  })

  test('without a route to the address is ENETUNREACH at once', () => {
    const d = new Dialogue()
    expect(d.stack.connect(d.open(), 0x08080808, 80)).toBe(ENETUNREACH)
    expect(d.stack.connect(d.open(), 0, 80)).toBe(ENETUNREACH)
  })
})

describe('text that nobody read', () => {
  test('is freed with the handle, also when the connection ended in order before', () => {
    const d = established()
    d.in('FIN,PSH,ACK 1:101 ack 1')
    d.out('ACK 1:1 ack 102')
    d.shutdown()
    d.out('FIN,ACK 1:1 ack 102')
    d.in('ACK 102:102 ack 2')
    expect(d.state).toBe('CLOSED')
    d.close().quiet()
  })
})

test('an ACK that was still owed when the connection timed out is owed no more', () => {
  const d = established()
  d.send(10)
  while (d.connection.retransmits < 8) d.wait(1000)
  d.wait((d.connection.timerAt ?? 0) - d.now - 10)
  d.in('PSH,ACK 1:11 ack 1')
  d.wait(10).skip()
  expect(d.state).toBe('CLOSED')
  expect(d.connection.delayedAckAt).toBe(undefined)
  expect(d.stack.pollAt()).toBeGreaterThan(d.now + 100)
})

describe('a host that takes another address', () => {
  test('resets the connections of the old one before it leaves', () => {
    const d = established()
    d.stack.setAddress(0x0a000009, 24, 0)
    while (d.state === 'ESTABLISHED' && d.now < 20_000) d.wait(1)
    d.out('RST 1:1')
    expect(d.state).toBe('CLOSED')
    expect(d.stack.address).toBe(0x0a000009)
    expect(d.stack.error(d.socket)).toBe(EADDRNOTAVAIL)
    d.stack.hostGone(PEER)
  })

  test('keeps them when it is told the address that it has', () => {
    const d = established()
    d.stack.setAddress(0x0a000001, 24, 0)
    d.wait(3_000).quiet()
    expect(d.state).toBe('ESTABLISHED')
  })
})

describe('a destination that ICMP calls unreachable', () => {
  /** The peer’s router returns the first bytes of a segment of ours with this sequence number. */
  const unreachable = (d: Dialogue, seq: number, port: number): number => {
    const quoted = tcp({ from: port, to: 80, seq, ack: 0, flags: 2, window: 0, options: [], data: [] })
    const inner = ipv4(6, quoted.slice(0, 8), { from: HOST_IP, to: PEER_IP })
    return d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(1, icmp(3, 3, [0, 0, 0, 0, ...inner]))))
  }

  test('ends an attempt to connect when the number is one in flight, else not (RFC 5927, 4.1)', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    const { iss, localPort } = d.connection
    expect(unreachable(d, iss + 1, localPort)).toBe(Drop.OutsideWindow)
    expect(d.state).toBe('SYN-SENT')
    unreachable(d, iss, localPort)
    expect(d.state).toBe('CLOSED')
    expect(d.stack.error(d.socket)).toBe(ECONNREFUSED)
  })

  test('does not end a connection (RFC 5927, 5.2)', () => {
    const d = new Dialogue().connect()
    d.out('SYN 0:0')
    d.in('SYN,ACK 0:0 ack 1 mss 1000')
    d.out('ACK 1:1 ack 1')
    d.send(10)
    d.out('PSH,ACK 1:11 ack 1')
    expect(unreachable(d, d.connection.iss + 1, d.connection.localPort)).toBe(Drop.None)
    expect(d.state).toBe('ESTABLISHED')
  })
})

test('what was received before a reset is lost with the connection, and its memory comes back', () => {
  const d = established()
  d.in('PSH,ACK 1:11 ack 1')
  d.in('RST 11:11')
  expect(d.recv()).toBe(ECONNRESET)
  expect(d.stack.memory.pools.find(pool => pool.name === 'receive')?.used).toBe(0)
})

test('a connection that its user still holds is not given up for a new one, also in TIME-WAIT', () => {
  const d = established()
  d.shutdown()
  d.in('FIN,ACK 1:1 ack 2')
  d.skip()
  expect(d.state).toBe('TIME-WAIT')
  const others: number[] = []
  for (let other = d.stack.socket(Protocol.Tcp); other > 0; other = d.stack.socket(Protocol.Tcp))
    others.push(other)
  expect(d.state).toBe('TIME-WAIT')
  for (const other of others) d.stack.close(other as Socket)
})
