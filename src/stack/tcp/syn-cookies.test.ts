import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { EAGAIN } from '../errno.ts'
import type { Socket } from '../stack.ts'
import { Dialogue } from '../testing/dialogue.ts'
import { u32 } from '../testing/raw.ts'

/** A listener for one, which the SYN of a peer who never answers has filled; another of its ports speaks from now on. */
function flooded(): { d: Dialogue; listener: Socket } {
  const d = new Dialogue()
  const listener = d.listen(1)
  d.in('SYN 0:0')
  d.out('SYN,ACK 0:0 ack 1')
  d.speakFrom(4001)
  return { d, listener }
}
const connections = (d: Dialogue): number =>
  d.stack.memory.pools.find(({ name }) => name === 'connections')?.used ?? 0

describe('a SYN to a listener whose backlog is full', () => {
  test('is answered with a cookie, which takes no record, and its ACK makes the connection', () => {
    const { d, listener } = flooded()
    const before = connections(d)
    for (let port = 4001; port < 4100; port++) {
      d.speakFrom(port).in('SYN 0:0 mss 1350')
      d.out('SYN,ACK 0:0 ack 1 mss 1460')
    }
    expect(connections(d)).toBe(before)
    d.wait(100).quiet()
    d.in('PSH,ACK 1:11 ack 1 win 500')
    d.accept(listener)
    expect(d.state).toBe('ESTABLISHED')
    expect(d.connection.mss).toBe(1300)
    expect(d.connection.sndWnd).toBe(500)
    expect((d.recv() as number[]).length).toBe(10)
    d.wait(40).out('ACK 1:1 ack 11')
    d.send(20)
    d.out('PSH,ACK 1:21 ack 11')
  })

  test('keeps window scale and timestamps, where it has both', () => {
    const { d, listener } = flooded()
    d.in('SYN 0:0', { options: [2, 4, 5, 180, 1, 3, 3, 7, 1, 1, 8, 10, ...u32(900), ...u32(0)] })
    const options = d.lastOptions
    expect(options.slice(0, 8)).toEqual([2, 4, 5, 180, 1, 1, 8, 10])
    expect(options.slice(12, 16)).toEqual(u32(900))
    expect(options.slice(16, 19)).toEqual([1, 3, 3])
    d.out('SYN,ACK 0:0 ack 1')
    d.wait(5).in('ACK 1:1 ack 1 win 100', { options: [1, 1, 8, 10, ...u32(905), ...options.slice(8, 12)] })
    d.accept(listener)
    expect(d.connection.sndWnd).toBe(100 << 7)
    expect(d.connection.mss).toBe(1460 - 12)
    d.send(1)
    expect(d.lastOptions.slice(8, 12)).toEqual(u32(905))
    d.skip()
  })

  test('is dropped where the queue is full of connections that wait to be accepted', () => {
    const d = new Dialogue()
    d.listen(1)
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    d.in('ACK 1:1 ack 1')
    d.speakFrom(4001)
    expect(d.in('SYN 0:0')).toBe(Drop.Backlog)
    d.quiet()
  })
})

describe('a peer that was given a cookie is connected, and is not refused', () => {
  test('when what it says comes before its first text, which comes again', () => {
    const { d, listener } = flooded()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    expect(d.in('PSH,ACK 11:21 ack 1')).toBe(Drop.OutsideWindow)
    expect(d.in('ACK 65536:65536 ack 1')).toBe(Drop.OutsideWindow)
    d.quiet()
    d.in('PSH,ACK 1:11 ack 1')
    d.accept(listener)
    expect((d.recv() as number[]).length).toBe(10)
  })
})

describe('an ACK is no cookie', () => {
  test('when a number in it is wrong', () => {
    const { d, listener } = flooded()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    expect(d.in('ACK 1:1 ack 2')).toBe(Drop.NoConnection)
    d.out('RST 2:2')
    expect(d.in('ACK 0:0 ack 1')).toBe(Drop.NoConnection)
    d.out('RST 1:1')
    expect(d.in('ACK 65537:65537 ack 1')).toBe(Drop.NoConnection)
    d.out('RST 1:1')
    expect(d.stack.accept(listener)).toBe(EAGAIN)
    expect(d.in('ACK 1:1 ack 1')).toBe(Drop.None)
  })

  test('when its MSS or its time was changed', () => {
    const { d } = flooded()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    for (const bits of [2 ** 24, -(2 ** 24), 2 ** 27]) {
      expect(d.in(`ACK 1:1 ack ${1 + bits}`)).toBe(Drop.NoConnection)
      d.skip()
    }
  })

  test('when it is too old, although others were given since', () => {
    const { d } = flooded()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    d.wait(140_000).skip()
    const speaker = d as unknown as { peerPort: number; hostIss: number }
    const { hostIss } = speaker
    speaker.peerPort = 4000
    d.in('SYN 0:0')
    speaker.peerPort = 4002
    d.in('SYN 0:0')
    d.skip()
    Object.assign(speaker, { peerPort: 4001, hostIss })
    expect(d.in('ACK 1:1 ack 1')).toBe(Drop.NoConnection)
    d.skip()
  })

  test('when it is for another port', () => {
    const { d } = flooded()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    const speaker = d as unknown as { peerPort: number }
    speaker.peerPort = 4002
    expect(d.in('ACK 1:1 ack 1')).toBe(Drop.NoConnection)
    d.skip()
  })

  test('when it is too old', () => {
    const { d } = flooded()
    d.in('SYN 0:0')
    d.out('SYN,ACK 0:0 ack 1')
    d.wait(140_000).skip()
    expect(d.in('ACK 1:1 ack 1')).toBe(Drop.NoConnection)
    d.skip()
  })

  test('where none was given for long', () => {
    const d = new Dialogue()
    d.listen(1)
    expect(d.in('ACK 1:1 ack 1')).toBe(Drop.NoConnection)
    d.skip()
  })
})
