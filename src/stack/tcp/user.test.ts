import { describe, expect, test } from 'vitest'
import { EADDRNOTAVAIL, EINVAL, EISCONN, ENETUNREACH } from '../errno.ts'
import { Dialogue, established, PEER } from '../testing/dialogue.ts'

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
