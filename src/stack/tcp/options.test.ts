import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { inspectConnection } from '../inspect/inspect.ts'
import { createStack as createMinimal } from '../profiles/minimal.ts'
import { Dialogue } from '../testing/dialogue.ts'
import { u32 } from '../testing/raw.ts'
import { connectPair, Simulation } from '../testing/simulation.ts'

const scale = (shift: number) => [1, 3, 3, shift]
const stamp = (value: number, echo = 0) => [1, 1, 8, 10, ...u32(value), ...u32(echo)]

/** A connection from the peer whose SYN carries these options; its ACK carries `then`. */
function opened(options: number[], then: number[] = [], memory = 4 * 1024 * 1024) {
  const d = new Dialogue({ memory })
  const listener = d.listen()
  d.in('SYN 0:0 win 8192', { options: [2, 4, 3, 232, ...options] })
  const offered = d.lastOptions
  d.out('SYN,ACK 0:0 ack 1 mss 1460')
  d.in('ACK 1:1 ack 1 win 8192', { options: then })
  d.accept(listener)
  d.stack.close(listener)
  return { d, offered }
}

describe('window scaling, RFC 7323, 2', () => {
  test('a SYN that offers it is answered with our shift', () => {
    const { offered } = opened(scale(7))
    // A quarter of 4 MiB needs four bits more than sixteen.
    expect(offered.slice(4)).toEqual(scale(4))
  })

  test('a SYN without it is answered without it, and no window is scaled', () => {
    const { d, offered } = opened([])
    expect(offered.length).toBe(4)
    expect(d.connection.sndWnd).toBe(8192)
    expect(d.connection.rcvWnd).toBeLessThanOrEqual(0xffff)
  })

  test('the peer’s windows are shifted, its SYN’s is not', () => {
    const { d } = opened(scale(3))
    expect(d.connection.sndWnd).toBe(8192 << 3)
  })

  test('a shift over 14 counts as 14', () => {
    expect(opened(scale(20)).d.connection.sndWnd).toBe(8192 << 14)
  })

  test('our windows are shifted too: more than 64 KiB are offered and taken', () => {
    const { d } = opened(scale(3))
    d.in('PSH,ACK 1:1001 ack 1')
    d.wait(40)
    expect(d.lastWindow << 4).toBeGreaterThan(0x1ffff)
    expect(d.in('ACK 100001:100101 ack 1')).toBe(Drop.None)
    expect(d.connection.outOfOrder).toBe(100)
    d.skip()
  })

  test('our SYN offers it; a SYN,ACK without it means none', () => {
    const d = new Dialogue({ memory: 4 * 1024 * 1024 }).connect()
    expect(d.lastOptions.slice(4, 8)).toEqual(scale(4))
    d.out('SYN 0:0')
    d.in('SYN,ACK 0:0 ack 1 win 100 mss 1000')
    d.out('ACK 1:1 ack 1')
    d.in('ACK 1:1 ack 1 win 100')
    expect(d.connection.sndWnd).toBe(100)
  })

  test('an option of a wrong length makes the segment malformed', () => {
    const d = new Dialogue()
    d.listen()
    expect(d.in('SYN 0:0', { options: [3, 4, 7, 0] })).toBe(Drop.BadTcpOptions)
    d.quiet()
  })
})

describe('timestamps, RFC 7323, 3-5', () => {
  const later = (d: Dialogue, line: string, value: number) => d.in(line, { options: stamp(value) })

  test('are answered, and each segment echoes the peer’s', () => {
    const { d, offered } = opened(stamp(1000), stamp(1000))
    expect(offered.slice(4, 8)).toEqual([1, 1, 8, 10])
    expect(offered.slice(12, 16)).toEqual(u32(1000))
    later(d, 'ACK 1:1001 ack 1', 1005)
    later(d, 'ACK 1001:2001 ack 1', 1009)
    // 4.3: the earliest segment that the ACK is for, so that its delay counts.
    expect(d.lastOptions.slice(8, 12)).toEqual(u32(1005))
    d.out('ACK 1:1 ack 2001')
  })

  test('take twelve bytes off the MSS', () => {
    expect(opened(stamp(1), stamp(1)).d.connection.mss).toBe(1000 - 12)
  })

  test('PAWS: text with an older timestamp is dropped and acknowledged again', () => {
    const { d } = opened(stamp(1000), stamp(1000))
    expect(later(d, 'PSH,ACK 1:11 ack 1', 999)).toBe(Drop.OldTimestamp)
    d.out('ACK 1:1 ack 1')
    expect(d.connection.receiveQueued).toBe(0)
  })

  test('PAWS: 24 days of silence make every timestamp good again', () => {
    const { d } = opened(stamp(1000), stamp(1000))
    d.wait(25 * 86_400_000)
    expect(later(d, 'PSH,ACK 1:11 ack 1', 999)).toBe(Drop.None)
    d.skip()
  })

  test('timestamps wrap like sequence numbers', () => {
    const { d } = opened(stamp(0xfffffff0), stamp(0xfffffff0))
    expect(later(d, 'PSH,ACK 1:11 ack 1', 5)).toBe(Drop.None)
    expect(later(d, 'PSH,ACK 11:21 ack 1', 0xfffffff5)).toBe(Drop.OldTimestamp)
    d.skip()
  })

  test('once agreed on, a segment without one is dropped silently; a reset is not', () => {
    const { d } = opened(stamp(1000), stamp(1000))
    expect(d.in('PSH,ACK 1:11 ack 1')).toBe(Drop.NoTimestamp)
    d.quiet()
    expect(d.in('RST 1:1')).toBe(Drop.None)
    expect(d.state).toBe('CLOSED')
  })

  test('the ACK of a segment that was sent again is timed by its echo', () => {
    const { d } = opened(stamp(1000), stamp(1000))
    d.send(100)
    d.out('PSH,ACK 1:101 ack 1')
    d.wait(d.connection.rto)
    const ours = d.lastOptions.slice(4, 8)
    d.out('PSH,ACK 1:101 ack 1')
    d.wait(80)
    d.in('ACK 1:1 ack 101', { options: [1, 1, 8, 10, ...u32(1100), ...ours] })
    expect(d.connection.srtt).toBeGreaterThan(5)
    expect(d.connection.srtt).toBeLessThan(80)
  })
})

test('a full host scales with a full one, and with a minimal one does not', () => {
  for (const profile of [undefined, createMinimal]) {
    const sim = new Simulation()
    const alice = sim.add('alice', { memory: 4 * 1024 * 1024 })
    const bob = sim.add('bob', { memory: 4 * 1024 * 1024, ...(profile && { profile }) })
    sim.start()
    const { near } = connectPair(sim, alice, bob)
    alice.stack.send(near, new Uint8Array(100))
    sim.run(1000)
    const window = inspectConnection(alice.stack.arena, near)?.sndWnd ?? 0
    if (profile === undefined) expect(window).toBeGreaterThan(0xffff)
    else expect(window).toBeLessThanOrEqual(0xffff)
  }
})
