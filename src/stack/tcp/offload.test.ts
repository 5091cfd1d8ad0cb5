import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { createStack as createClient } from '../profiles/client.ts'
import { createStack } from '../profiles/full.ts'
import type { StackConfig } from '../stack.ts'
import { established } from '../testing/dialogue.ts'
import { ethernet, HOST_MAC, icmp, ipv4, PEER_MAC, tcp, udp } from '../testing/raw.ts'
import { connectPair, environment, Simulation, seededRandom } from '../testing/simulation.ts'

const LARGE: Partial<StackConfig> = { memory: 1 << 20, largestFrame: 65_549 }
const counted = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => (from + i) & 255)

describe('text that is sent over a link of large frames', () => {
  test('many segments leave as one, as far as the congestion window goes', () => {
    const d = established(LARGE, 60_000)
    expect(d.send(20_000)).toBe(20_000)
    d.out('ACK 1:10001 ack 1').quiet()
  })

  test('what is left at the end of the text goes with it, pushed', () => {
    const d = established(LARGE, 60_000)
    d.send(4_321)
    d.out('PSH,ACK 1:4322 ack 1').quiet()
  })

  test('where text is left behind it ends with a full segment', () => {
    const d = established(LARGE, 5_500)
    d.send(20_000)
    d.out('ACK 1:5001 ack 1').quiet()
  })

  test('the peer’s window bounds it as ever', () => {
    const d = established(LARGE, 3_000)
    d.send(20_000)
    d.out('ACK 1:3001 ack 1').quiet()
  })

  test('after a timeout one segment of the MSS is sent again, not all', () => {
    const d = established(LARGE, 60_000)
    d.send(5_000)
    d.out('PSH,ACK 1:5001 ack 1')
    d.wait(200).out('ACK 1:1001 ack 1').quiet()
  })

  test('an ordinary link gets a frame a segment', () => {
    const d = established({ memory: 1 << 20 }, 60_000)
    d.send(3_000)
    d.out('ACK 1:1001 ack 1')
    d.out('ACK 1001:2001 ack 1')
    d.out('PSH,ACK 2001:3001 ack 1').quiet()
  })

  test('a host without memory to spare for them sends none, and announces none', () => {
    const d = established({ memory: 32 * 1024, largestFrame: 65_549 })
    expect(d.stack.largestFrame).toBe(1514)
    d.send(2_000)
    d.out('ACK 1:1001 ack 1')
    d.out('PSH,ACK 1001:2001 ack 1').quiet()
  })
})

describe('a large frame that arrives', () => {
  test('is taken whole, and acknowledged once', () => {
    const d = established(LARGE)
    expect(d.in('PSH,ACK 1:30001 ack 1')).toBe(Drop.None)
    d.out('ACK 1:1 ack 30001').quiet()
    expect(d.recv()).toEqual(counted(1, 30_001))
  })

  test('that is little larger than an Ethernet frame, or larger than its datagram, gives its text all the same', () => {
    const d = established(LARGE)
    expect(d.in('PSH,ACK 1:1501 ack 1')).toBe(Drop.None)
    expect(d.recv()).toEqual(counted(1, 1_501))
    d.skip()
    const { iss } = d.connection
    const text = {
      from: 4000,
      to: 7,
      seq: 0xfffff000 + 1501,
      ack: (iss + 1) >>> 0,
      flags: 16,
      window: 8192,
      options: [],
    }
    const packet = ipv4(6, tcp({ ...text, data: counted(1_501, 2_501) }))
    d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, [...packet, ...new Array<number>(5_000).fill(7)]))
    expect(d.recv()).toEqual(counted(1_501, 2_501))
    d.skip()
  })

  test('for a port where nobody is gets one reset', () => {
    const d = established(LARGE)
    d.speakFrom(4001)
    expect(d.in('PSH,ACK 1:30001 ack 1')).toBe(Drop.NoConnection)
    d.out('RST 1:1').quiet()
  })

  test('with text that was received before gives only what is new', () => {
    const d = established(LARGE)
    d.in('ACK 1:3001 ack 1')
    d.out('ACK 1:1 ack 3001')
    expect(d.in('ACK 1:10001 ack 1')).toBe(Drop.None)
    d.out('ACK 1:1 ack 10001').quiet()
    expect(d.recv()).toEqual(counted(1, 10_001))
  })

  test('beyond a gap is held, and delivered when the gap is filled', () => {
    const d = established(LARGE)
    d.in('ACK 1001:20001 ack 1')
    expect(d.connection.outOfOrder).toBe(19_000)
    expect(d.skip()).toBeGreaterThan(0)
    d.in('ACK 1:1001 ack 1')
    d.out('ACK 1:1 ack 20001')
    expect(d.recv()).toEqual(counted(1, 20_001))
  })

  test('brings its FIN after its last byte', () => {
    const d = established(LARGE)
    d.in('FIN,ACK 1:10001 ack 1')
    d.out('ACK 1:1 ack 10002')
    expect(d.state).toBe('CLOSE-WAIT')
    expect(d.recv()).toEqual(counted(1, 10_001))
    expect(d.recv()).toEqual([])
  })

  test('of which memory holds a part is taken so far and acknowledged so far', () => {
    const d = established({ memory: 256 * 1024, largestFrame: 16_384 })
    // The window is not kept: more comes than was offered.
    for (let at = 1; at < 200_001; at += 10_000) d.in(`ACK ${at}:${at + 10_000} ack 1`)
    const data = d.recv(1 << 20)
    const taken = (data as number[]).length
    expect(taken).toBeGreaterThan(10_000)
    expect(taken).toBeLessThan(200_000)
    expect(data).toEqual(counted(1, taken + 1))
    expect(d.skip()).toBeGreaterThan(0)
    d.in(`ACK ${taken + 1}:${taken + 5_001} ack 1`)
    expect(d.recv()).toEqual(counted(taken + 1, taken + 5_001))
    d.skip()
  })

  test('with one wrong byte is dropped whole', () => {
    const d = established(LARGE)
    const segment = tcp({
      from: 4000,
      to: 7,
      seq: 0xfffff001,
      ack: 0,
      flags: 16,
      window: 8192,
      options: [],
      data: counted(1, 10_001),
    })
    segment[5_000] = (segment[5_000] ?? 0) ^ 1
    expect(d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(6, segment)))).toBe(Drop.BadTcpChecksum)
    d.quiet()
  })

  test('larger than was announced is dropped', () => {
    const d = established({ memory: 1 << 20, largestFrame: 16_384 })
    expect(d.stack.largestFrame).toBe(16_384)
    expect(d.in('ACK 1:16384 ack 1')).toBe(Drop.BadIpLength)
  })

  test('of anything but TCP is dropped: an Ethernet frame is all that others get', () => {
    const d = established(LARGE)
    const data = counted(0, 4_000)
    for (const packet of [ipv4(17, udp(9, 7, data)), ipv4(1, icmp(8, 0, data))])
      expect(d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, packet))).toBe(Drop.DatagramTooLarge)
    const fragment = ipv4(6, data, { fragment: 0x2000 })
    expect(d.inFrame(ethernet(HOST_MAC, PEER_MAC, 0x0800, fragment))).toBe(Drop.DatagramTooLarge)
  })
})

test('a largest frame out of range is refused with its range', () => {
  for (const largestFrame of [1513, 65_550, 2000.5]) {
    const config = { memory: 1 << 20, mac: Uint8Array.from(HOST_MAC), largestFrame }
    expect(() => createStack(config, environment(1))).toThrow(
      `The link’s largest frame must be a whole number from 1514 to 65549; ${largestFrame} is not.`,
    )
  }
})

test('a profile without it sends and announces Ethernet frames alone', () => {
  const config = { memory: 1 << 20, mac: Uint8Array.from(HOST_MAC), largestFrame: 65_549 }
  expect(createClient(config, environment(1)).largestFrame).toBe(1514)
})

test('two megabytes arrive whole in large frames over a wire that loses, doubles and damages them', () => {
  const sim = new Simulation()
  const alice = sim.add('alice', LARGE)
  const bob = sim.add('bob', LARGE)
  sim.start()
  const baseline = [alice.stack.memory.used, bob.stack.memory.used]
  const { near, far, listener } = connectPair(sim, alice, bob)
  const random = seededRandom(7)
  sim.fault = ({ bytes }) => {
    const fate = random() % 100
    if (fate < 4) return 'lose'
    if (fate >= 8) return fate < 12 ? 3 : 0
    const damaged = bytes.slice()
    const at = random() % damaged.length
    damaged[at] = (damaged[at] ?? 0) ^ 0x10
    return damaged
  }
  const data = Uint8Array.from({ length: 2 << 20 }, (_, i) => (i * 7919) >> 5)
  const got = new Uint8Array(data.length)
  const into = new Uint8Array(65_536)
  let sent = 0
  let received = 0
  while (received < data.length && sim.now < 300_000) {
    sent += Math.max(0, alice.stack.send(near, data.subarray(sent, sent + 65_536)))
    sim.run(5)
    for (let n = bob.stack.recv(far, into); n > 0; n = bob.stack.recv(far, into)) {
      got.set(into.subarray(0, n), received)
      received += n
    }
  }
  expect(Buffer.from(got).equals(Buffer.from(data))).toBe(true)
  expect(Math.max(...sim.wire.map(({ bytes }) => bytes.length))).toBeGreaterThan(10_000)
  sim.fault = () => 0
  alice.stack.close(near)
  bob.stack.close(far)
  bob.stack.close(listener)
  sim.run(1_000_000)
  expect([alice.stack.memory.used, bob.stack.memory.used]).toEqual(baseline)
})
