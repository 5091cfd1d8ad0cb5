import { describe, expect, test } from 'vitest'
import { createStack as createClient } from '../profiles/client.ts'
import { createStack as createFull } from '../profiles/full.ts'
import { Option } from '../stack.ts'
import { Dialogue, established } from '../testing/dialogue.ts'
import { u32 } from '../testing/raw.ts'
import { blocks, blocksIn, flying as flyingWith, SACK_PERMITTED } from '../testing/sacking.ts'

// Without RACK, so that RFC 6675 alone decides.
const flying = () => flyingWith(createClient)
const ack = (to: number) => `ACK 1:1 ack ${to} win 60000`

describe('receiving, RFC 2018 and RFC 2883', () => {
  const receiving = (options: readonly number[] = SACK_PERMITTED) =>
    established({ memory: 1 << 20 }, 8192, 1000, createClient, options)

  test('SACK is permitted in a SYN,ACK when it was in the SYN', () => {
    const d = receiving()
    d.in('ACK 101:201 ack 1')
    expect(blocksIn(d.lastOptions)).toEqual([[101, 201]])
    d.skip()
    const without = receiving([])
    without.in('ACK 101:201 ack 1')
    expect(without.lastOptions).toEqual([])
    without.skip()
  })

  test('the block that changed last comes first, then the others by their age', () => {
    const d = receiving()
    d.in('ACK 101:201 ack 1')
    d.in('ACK 501:601 ack 1')
    d.in('ACK 301:401 ack 1')
    expect(blocksIn(d.lastOptions)).toEqual([
      [301, 401],
      [501, 601],
      [101, 201],
    ])
    d.in('ACK 201:251 ack 1')
    expect(blocksIn(d.lastOptions)).toEqual([
      [101, 251],
      [301, 401],
      [501, 601],
    ])
    d.skip()
  })

  test('four blocks are told, the oldest is left out; beside timestamps three', () => {
    const d = receiving()
    for (const from of [101, 301, 501, 701, 901]) d.in(`ACK ${from}:${from + 100} ack 1`)
    expect(blocksIn(d.lastOptions).map(([from]) => from)).toEqual([901, 701, 501, 301])
    const stamp = [1, 1, 8, 10, ...u32(1), ...u32(0)]
    const e = new Dialogue({ memory: 1 << 20 }, createClient)
    const listener = e.listen()
    e.in('SYN 0:0', { options: [...stamp, ...SACK_PERMITTED] })
    e.in('ACK 1:1 ack 1', { options: stamp })
    e.accept(listener)
    e.stack.close(listener)
    for (const from of [101, 301, 501, 701]) e.in(`ACK ${from}:${from + 100} ack 1`, { options: stamp })
    expect(blocksIn(e.lastOptions).map(([from]) => from)).toEqual([701, 501, 301])
    d.skip()
    e.skip()
  })

  test('once the gap is filled there are none', () => {
    const d = receiving()
    d.in('ACK 101:201 ack 1')
    d.in('ACK 1:101 ack 1')
    expect(d.lastOptions).toEqual([])
    d.skip()
  })

  test('D-SACK: what came twice comes first, and once', () => {
    const d = receiving()
    d.in('ACK 1:101 ack 1')
    d.in('ACK 301:401 ack 1')
    d.in('ACK 1:101 ack 1')
    expect(blocksIn(d.lastOptions)).toEqual([
      [1, 101],
      [301, 401],
    ])
    d.in('ACK 501:601 ack 1')
    expect(blocksIn(d.lastOptions)[0]).toEqual([501, 601])
    d.skip()
  })

  test('D-SACK of what is held out of order: its block comes second', () => {
    const d = receiving()
    d.in('ACK 301:401 ack 1')
    d.in('ACK 501:601 ack 1')
    d.in('ACK 301:401 ack 1')
    expect(blocksIn(d.lastOptions)).toEqual([
      [301, 401],
      [301, 401],
      [501, 601],
    ])
    d.skip()
  })

  test('D-SACK of a beginning that was received already', () => {
    const d = receiving()
    d.in('ACK 1:101 ack 1')
    d.in('ACK 51:201 ack 1')
    d.wait(40)
    expect(blocksIn(d.lastOptions)).toEqual([[51, 101]])
    d.skip()
  })

  test('a segment with text carries blocks where it has room, else a bare ACK follows it', () => {
    const d = receiving()
    d.hold(true)
    d.send(1000)
    d.in('ACK 101:201 ack 1')
    d.hold(false)
    expect(blocksIn(d.lastOptions)).toEqual([[101, 201]])
    d.out('PSH,ACK 1:1001 ack 1').out('ACK 1001:1001 ack 1').quiet()
    d.in('ACK 201:201 ack 1001')
    d.hold(true)
    d.send(100)
    d.in('ACK 301:401 ack 1001')
    d.hold(false)
    expect(blocksIn(d.lastOptions)[0]).toEqual([301, 401])
    d.out('PSH,ACK 1001:1101 ack 1').quiet()
  })

  test('an option of an impossible length makes the segment malformed', () => {
    const d = receiving()
    expect(d.in('ACK 1:1 ack 1', { options: [5, 9, 0, 0, 0, 0, 0, 0, 0] })).not.toBe(0)
    d.quiet()
  })
})

describe('what is lost, RFC 6675, 4', () => {
  test('two segments above are not enough, three are', () => {
    const d = flying()
    d.in(ack(1001), blocks(d, [2001, 4001]))
    d.quiet()
    d.in(ack(1001), blocks(d, [2001, 5001]))
    d.out('ACK 1001:2001 ack 1').quiet()
    expect(d.connection.recovering).toBe(true)
    expect(d.connection.ssthresh).toBe(5000)
    expect(d.connection.cwnd).toBe(5000)
  })

  test('islands count as one run does', () => {
    const d = flying()
    d.in(ack(1001), blocks(d, [2001, 3001], [4001, 5001]))
    d.quiet()
    d.in(ack(1001), blocks(d, [6001, 7001], [2001, 3001], [4001, 5001]))
    d.out('ACK 1001:2001 ack 1').quiet()
  })

  test('three duplicates of small segments are a loss, though they are few bytes', () => {
    const d = established({ memory: 1 << 20 }, 60_000, 1000, createClient, SACK_PERMITTED)
    d.stack.setOption(d.socket, 1, 1)
    for (let i = 0; i < 40; i++) d.send(100)
    d.skip()
    // Each thousand bytes stand in a page: what is SACKed of the second is not all of it until the third ACK.
    d.in(ack(1), blocks(d, [1001, 2001]))
    d.in(ack(1), blocks(d, [1001, 2001], [2001, 3001]))
    d.quiet()
    d.in(ack(1), blocks(d, [3001, 4001], [1001, 2001], [2001, 3001]))
    d.out('ACK 1:1001 ack 1').quiet()
  })

  test('a segment that lies in two pages is lost in both, though what is SACKed begins and ends within pages', () => {
    const d = established({ memory: 1 << 20 }, 60_000, 1000, createClient, SACK_PERMITTED)
    d.send(300)
    d.send(5000)
    d.skip()
    d.in(ack(301))
    // Pages end at 1001, 2001 and so on; 301 to 1301 is lost, and 4301 to 5301.
    d.in(ack(301), blocks(d, [1301, 2301]))
    d.in(ack(301), blocks(d, [1301, 3301]))
    d.quiet()
    d.in(ack(301), blocks(d, [1301, 4301]))
    d.out('ACK 301:1001 ack 1').quiet()
    d.in(ack(1001), blocks(d, [1301, 4301]))
    d.out('ACK 1001:2001 ack 1').quiet()
  })

  test('blocks of what was never sent, or upside down, mean nothing', () => {
    const d = flying()
    d.in(ack(1001), blocks(d, [2001, 12_001]))
    d.in(ack(1001), blocks(d, [5001, 2001]))
    d.quiet()
    expect(d.connection.duplicateAcks).toBe(0)
  })

  test('duplicate ACKs without blocks are no sign of loss', () => {
    const d = flying()
    for (let i = 0; i < 5; i++) d.in(ack(1001))
    d.quiet()
  })

  test('a D-SACK says that text came twice, and nothing of what is missing', () => {
    const d = flying()
    for (let i = 0; i < 5; i++) d.in(ack(1001), blocks(d, [1, 1001]))
    d.quiet()
    expect(d.stack.counters['tcpDsacksIn']).toBe(5)
  })
})

describe('what is sent, RFC 6675, 5', () => {
  test('Limited Transmit: what is SACKed lets new text out', () => {
    const d = flying()
    d.send(5000)
    d.quiet()
    d.in(ack(1001), blocks(d, [2001, 3001]))
    d.out('ACK 11001:12001 ack 1').quiet()
    d.in(ack(1001), blocks(d, [2001, 4001]))
    d.out('ACK 12001:13001 ack 1').quiet()
  })

  test('ssthresh does not count what Limited Transmit has sent', () => {
    const d = flying()
    d.send(5000)
    d.skip()
    d.in(ack(1001), blocks(d, [2001, 3001]))
    d.in(ack(1001), blocks(d, [2001, 4001]))
    d.in(ack(1001), blocks(d, [2001, 5001]))
    expect(d.connection.ssthresh).toBe(5000)
    d.skip()
  })

  test('the pipe: lost segments go again one for each that has left the network', () => {
    const d = flying()
    // 1001, 3001 and 5001 are lost: seven bytes in a thousand are in the network, five may be.
    d.in(ack(1001), blocks(d, [8001, 9001], [2001, 3001], [4001, 5001]))
    d.out('ACK 1001:2001 ack 1').quiet()
    d.in(ack(1001), blocks(d, [8001, 11_001], [2001, 3001], [4001, 5001]))
    // 3001, 5001, 6001 and 7001 are lost too; in the network is what went again, 1,000 of 5,000.
    d.out('ACK 3001:4001 ack 1')
      .out('ACK 5001:6001 ack 1')
      .out('ACK 6001:7001 ack 1')
      .out('ACK 7001:8001 ack 1')
      .quiet()
  })

  test('the last ACK ends recovery with the window at ssthresh', () => {
    const d = flying()
    d.in(ack(1001), blocks(d, [2001, 11_001]))
    d.skip()
    d.in(ack(2001), blocks(d, [2001, 10_001]))
    expect(d.connection.recovering).toBe(true)
    d.in(ack(11_001))
    expect(d.connection.recovering).toBe(false)
    expect(d.connection.cwnd).toBe(5000)
    d.quiet()
  })

  test('rule 3: with nothing new to send, what lies below the highest block goes though it is not known to be lost', () => {
    const d = flying()
    d.in(ack(1001), blocks(d, [2001, 4001], [5001, 6001]))
    d.out('ACK 1001:2001 ack 1').quiet()
    // 4001 is below one SACKed segment only. When the pipe has room, it goes.
    d.in(ack(4001), blocks(d, [5001, 8001]))
    d.skip()
    expect(d.connection.recovering).toBe(true)
    d.in(ack(4001), blocks(d, [5001, 8001], [9001, 10_001]))
    d.out('ACK 8001:9001 ack 1')
    d.skip()
  })

  test('rule 4: the end of the flight is sent once more, once a recovery', () => {
    const d = flying()
    d.in(ack(1001), blocks(d, [2001, 10_001]))
    d.out('ACK 1001:2001 ack 1').quiet()
    // SND.UNA is beyond what the fast retransmit was for: the last segment, of which nothing was heard, is rescued.
    d.in(ack(10_001))
    d.out('PSH,ACK 10001:11001 ack 1').quiet()
    d.in(ack(10_001))
    d.wait(150).quiet()
  })

  test('what was sent again already is rescued once, too', () => {
    const d = flying()
    d.in(ack(1001), blocks(d, [4001, 11_001]))
    d.out('ACK 1001:2001 ack 1').out('ACK 2001:3001 ack 1').out('ACK 3001:4001 ack 1').quiet()
    d.in(ack(3001), blocks(d, [4001, 11_001]))
    d.out('ACK 3001:4001 ack 1').quiet()
    d.in(ack(11_001))
    d.quiet()
  })

  test('a timeout forgets what was SACKed, for the peer may have dropped it (RFC 2018, 8)', () => {
    const d = flying()
    d.in(ack(1001), blocks(d, [2001, 3001]))
    d.wait(200)
    d.out('ACK 1001:2001 ack 1').quiet()
    expect(d.connection.cwnd).toBe(1000)
    d.in(ack(2001))
    d.out('ACK 2001:3001 ack 1').out('ACK 3001:4001 ack 1').quiet()
  })

  test('what is SACKed after a timeout is not sent again', () => {
    const d = flying()
    d.wait(200)
    d.out('ACK 1001:2001 ack 1').quiet()
    d.in(ack(2001), blocks(d, [3001, 5001]))
    d.out('ACK 2001:3001 ack 1').out('ACK 5001:6001 ack 1').quiet()
    expect(d.connection.recovering).toBe(false)
  })

  test('no second recovery before the first timeout’s flight is acknowledged', () => {
    const d = flying()
    d.wait(200)
    d.skip()
    const { ssthresh } = d.connection
    for (let to = 4001; to <= 8001; to += 1000) d.in(ack(2001), blocks(d, [3001, to]))
    expect(d.connection.ssthresh).toBe(ssthresh)
    expect(d.connection.recovering).toBe(false)
    d.skip()
  })

  test('Karn: what went again is not measured', () => {
    const d = flying()
    const before = d.connection.srtt
    d.in(ack(1001), blocks(d, [2001, 5001]))
    d.wait(150)
    d.in(ack(11_001))
    expect(d.connection.srtt).toBe(before)
    d.skip()
  })
})

test('Limited Transmit without SACK, RFC 3042: two new segments for two duplicates, no more', () => {
  const d = established({ memory: 1 << 20 }, 60_000, 1000, createClient)
  d.send(20_000)
  expect(d.skip()).toBe(10)
  d.in(ack(1))
  d.out('ACK 10001:11001 ack 1').quiet()
  d.in(ack(1))
  d.out('ACK 11001:12001 ack 1').quiet()
  d.in(ack(1))
  d.out('ACK 1:1001 ack 1').quiet()
  expect(d.connection.ssthresh).toBe(5000)
})

describe.each([
  ['by RFC 6675', createClient],
  ['by RACK', createFull],
])('a page of many small segments, %s', (_, profile) => {
  /** Five segments of 100 bytes and one of 36, that stand in one page, are on their way. */
  function small(): Dialogue {
    const d = established({ memory: 1 << 20 }, 60_000, 100, profile, SACK_PERMITTED)
    d.stack.setOption(d.socket, Option.NoDelay, 1)
    d.send(536)
    expect(d.skip()).toBe(6)
    return d
  }

  test('goes again as the window grows, not one segment a timeout', () => {
    const d = small()
    while (d.connection.cwnd > 100) d.wait(10)
    d.skip()
    d.in(ack(101))
    d.out('ACK 101:201 ack 1').out('ACK 201:301 ack 1').quiet()
    d.in(ack(301))
    d.out('ACK 301:401 ack 1').out('ACK 401:501 ack 1').out('PSH,ACK 501:537 ack 1').quiet()
    d.in(ack(537))
    d.wait(60_000).quiet()
  })

  test('that is lost once more begins anew', () => {
    const d = small()
    while (d.connection.cwnd > 100) d.wait(10)
    d.skip()
    d.in(ack(101))
    d.out('ACK 101:201 ack 1').out('ACK 201:301 ack 1').quiet()
    while (d.connection.cwnd > 100) d.wait(10)
    d.skip()
    d.in(ack(201))
    d.out('ACK 201:301 ack 1').out('ACK 301:401 ack 1').quiet()
  })

  test('goes again no farther than a window that has shrunk (RFC 9293, 3.8.6)', () => {
    const d = small()
    d.in('ACK 1:1 ack 101 win 150')
    while (d.connection.cwnd > 100) d.wait(10)
    d.skip()
    d.in('ACK 1:1 ack 201 win 50')
    d.out('ACK 201:251 ack 1').quiet()
    d.in('ACK 1:1 ack 251 win 1000')
    d.out('ACK 251:351 ack 1')
    d.skip()
  })
})
