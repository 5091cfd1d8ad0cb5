import { describe, expect, test } from 'vitest'
import { EADDRINUSE, EBADF, ENETUNREACH } from '../errno.ts'
import { inspectNeighbours } from '../inspect/inspect.ts'
import { createStack as client } from '../profiles/client.ts'
import { createStack as full } from '../profiles/full.ts'
import { createStack as minimal } from '../profiles/minimal.ts'
import { Protocol, type Socket } from '../stack.ts'
import { CONNECTION_KIND } from '../tcp/tcb.ts'
import { Dialogue, established, PEER } from '../testing/dialogue.ts'
import { arp, udp as datagram, ethernet, HOST_IP, HOST_MAC, ipv4, PEER_MAC } from '../testing/raw.ts'
import { seededRandom } from '../testing/simulation.ts'

const udp = (d: Dialogue) => d.stack.socket(Protocol.Udp) as Socket

describe('a handle that was given back', () => {
  test('of a datagram socket is EBADF for every call, and closing it again harms nobody', () => {
    const d = new Dialogue()
    const kept = udp(d)
    const stale = udp(d)
    expect(d.stack.close(stale)).toBe(0)
    expect(d.stack.close(stale)).toBe(EBADF)
    expect(d.stack.bind(stale, 0, 53)).toBe(EBADF)
    const [a, b] = [udp(d), udp(d)]
    expect(a).not.toBe(b)
    for (const socket of [kept, a, b]) expect(d.stack.close(socket)).toBe(0)
  })

  test('by the visitor of its own event: what takes the memory next is not taken for its record', () => {
    const d = new Dialogue()
    const datagrams = udp(d)
    d.stack.bind(datagrams, 0, 53)
    // Wherever in its page the record stood: these bytes look like a connection whose handle is gone.
    const looks: Record<number, number> = { 16: 3, 33: 0x10 }
    const data = Array.from({ length: 1400 }, (_, i) => looks[(i + 68 - 16) % CONNECTION_KIND.size] ?? 0)
    const frame = ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(17, datagram(1000, 53, data)))
    const socket = d.stack.socket(Protocol.Tcp) as Socket
    d.stack.connect(socket, PEER, 80)
    d.stack.hostGone(PEER)
    d.stack.events(which => {
      if (which !== socket) return
      d.stack.close(socket)
      for (let i = 0; i < 3; i++) expect(d.stack.input(frame, d.now)).toBe(0)
    })
    const into = new Uint8Array(data.length)
    for (let i = 0; i < 3; i++) {
      expect(d.stack.recvFrom(datagrams, into, { address: 0, port: 0 })).toBe(data.length)
      expect([...into]).toEqual(data)
    }
    d.stack.close(datagrams)
  })

  test('plus 2^32, or a fraction of it, is no handle', () => {
    const d = new Dialogue()
    const socket = d.open()
    expect(d.stack.close((socket + 2 ** 32) as Socket)).toBe(EBADF)
    expect(d.stack.close((socket + 0.5) as Socket)).toBe(EBADF)
    expect(d.stack.close(Number.NaN as Socket)).toBe(EBADF)
  })
})

test('a socket that could not be bound stays as it was', () => {
  const d = new Dialogue()
  const [first, second] = [udp(d), udp(d)]
  const local = { address: 0, port: 0 }
  expect(d.stack.bind(first, 0x0a000001, 53)).toBe(0)
  expect(d.stack.bind(second, 0x0a000001, 53)).toBe(EADDRINUSE)
  d.stack.name(second, 'local', local)
  expect(local).toMatchObject({ address: 0, port: 0 })
  for (const socket of [first, second]) d.stack.close(socket)
})

test('no integer but a handle reaches a socket, whatever is called', () => {
  const d = established()
  const datagrams = udp(d)
  const { stack } = d
  const good = new Set<number>([d.socket, datagrams])
  const random = seededRandom(3)
  const before = stack.memory.used
  const bytes = new Uint8Array(10)
  const end = { address: 0, port: 0 }
  for (let i = 0; i < 20_000; i++) {
    const near = i % 2 === 0 ? d.socket + ((random() % 4096) - 2048) * (1 << (random() % 20)) : random() | 0
    const h = near as Socket
    if (good.has(h)) continue
    const calls = [
      () => stack.recvFrom(h, bytes, end),
      () => stack.recv(h, bytes),
      () => stack.send(h, bytes),
      () => stack.listen(h, 1),
      () => stack.accept(h),
      () => stack.connect(h, 0x0a000002, 1),
      () => stack.sendTo(h, bytes, 0x0a000002, 1),
      () => stack.bind(h, 0, 1),
      () => stack.shutdown(h),
      () => stack.close(h),
      () => stack.abort(h),
      () => stack.error(h),
    ]
    expect(calls[i % calls.length]?.()).toBe(EBADF)
  }
  expect(stack.memory.used).toBe(before)
  expect(d.state).toBe('ESTABLISHED')
  stack.close(datagrams)
})

test('a neighbour that is gone is not shown beside those that are there', () => {
  const d = established()
  const third = { operation: 1, senderMac: [2, 0, 0, 0, 0, 3], senderIp: [10, 0, 0, 3] }
  d.inFrame(
    ethernet(HOST_MAC, third.senderMac, 0x0806, arp({ ...third, targetMac: HOST_MAC, targetIp: HOST_IP })),
  )
  expect(
    inspectNeighbours(d.stack.arena)
      .map(n => n.address)
      .sort(),
  ).toEqual(['10.0.0.2', '10.0.0.3'])
  d.stack.hostGone(0x0a000003)
  expect(inspectNeighbours(d.stack.arena).map(n => n.address)).toEqual(['10.0.0.2'])
})

test.each([
  ['full', full],
  ['client', client],
  ['minimal', minimal],
])('in %s no number leads to a record, whatever it is modulo 2^32', (_, profile) => {
  const d = new Dialogue({}, profile)
  const socket = udp(d)
  for (const address of [0x4000, 0xffffff, 0x4000 - 2 ** 32, 0x4000 + 2 ** 32, 0x4000 + 0.5])
    for (const result of [
      d.stack.connect(socket, address, 9),
      d.stack.sendTo(socket, Uint8Array.of(1), address, 9),
    ])
      expect(result).toBe(ENETUNREACH)
  d.stack.close(socket)
})
