import { describe, expect, test } from 'vitest'
import { Drop } from '../drop.ts'
import { type Dialogue, established } from '../testing/dialogue.ts'
import { checksum, ethernet, HOST_IP, HOST_MAC, ipv4, PEER_IP, PEER_MAC, u16 } from '../testing/raw.ts'

/** Sends the segment with an urgent pointer, which a line cannot say. */
function urgent(d: Dialogue, line: string, pointer: number): Drop {
  const stack = d.stack as { input: typeof d.stack.input }
  const { input } = d.stack
  stack.input = (frame, now) => input(pointedTo(frame, pointer), now)
  const drop = d.in(line)
  stack.input = input
  return drop
}

function pointedTo(frame: Uint8Array, pointer: number): Uint8Array {
  const segment = [...frame.slice(34)]
  if (frame[23] !== 6) return frame
  segment.splice(16, 4, 0, 0, ...u16(pointer))
  const pseudo = [...PEER_IP, ...HOST_IP, 0, 6, ...u16(segment.length)]
  segment.splice(16, 2, ...u16(checksum([...pseudo, ...segment, ...(segment.length % 2 ? [0] : [])])))
  return ethernet(HOST_MAC, PEER_MAC, 0x0800, ipv4(6, segment))
}

/** Closed by us, our FIN acknowledged. */
function finWait2(): Dialogue {
  const d = established()
  d.shutdown().out('FIN,ACK 1:1 ack 1')
  d.in('ACK 1:1 ack 2')
  return d
}

function finWait1(): Dialogue {
  const d = established()
  d.shutdown().out('FIN,ACK 1:1 ack 1')
  return d
}

describe('urgent data (RFC 6093, 6: in line, whatever the pointer says)', () => {
  test.each([
    ['ESTABLISHED', () => established(), 1],
    ['FIN-WAIT-1', finWait1, 1],
    ['FIN-WAIT-2', finWait2, 2],
  ])('is read in its place in %s', (state, make, ack) => {
    const d = make()
    expect(d.state).toBe(state)
    expect(urgent(d, `URG,PSH,ACK 1:11 ack ${ack}`, 5)).toBe(Drop.None)
    expect(d.recv()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(d.state).toBe(state)
    d.wait(40).skip()
  })

  test.each([0, 1, 10, 11, 65535])('and a pointer of %i changes nothing', pointer => {
    const d = established()
    urgent(d, 'URG,ACK 1:11 ack 1', pointer)
    expect((d.recv() as number[]).length).toBe(10)
    d.wait(40).out('ACK 1:1 ack 11').quiet()
  })

  test('a pointer without text is an ACK', () => {
    const d = established()
    expect(urgent(d, 'URG,ACK 1:1 ack 1', 100)).toBe(Drop.None)
    d.quiet()
    expect(d.state).toBe('ESTABLISHED')
  })

  test('a pointer without URG means nothing', () => {
    const d = established()
    urgent(d, 'PSH,ACK 1:11 ack 1', 3)
    expect((d.recv() as number[]).length).toBe(10)
    d.wait(40).skip()
  })

  test('is ignored behind the peer’s FIN, in CLOSE-WAIT', () => {
    const d = established()
    d.in('FIN,ACK 1:1 ack 1')
    d.out('ACK 1:1 ack 2')
    urgent(d, 'URG,ACK 2:12 ack 1', 5)
    expect(d.recv()).toEqual([])
    expect(d.state).toBe('CLOSE-WAIT')
    d.skip()
  })

  test('is taken while the window is closed for its ACK, and its text comes again', () => {
    const d = established({ memory: 20_480 })
    let at = 1
    while (d.connection.rcvWnd > 0) {
      const end = at + Math.min(1000, d.connection.rcvWnd)
      d.in(`ACK ${at}:${end} ack 1`)
      at = end
    }
    d.wait(100).skip()
    expect(urgent(d, `URG,ACK ${at}:${at + 1} ack 1`, 1)).toBe(Drop.None)
    d.out(`ACK 1:1 ack ${at} win 0`)
    d.recv()
    d.wait(100).skip()
  })

  test('is never sent', () => {
    const d = established()
    d.send(100)
    d.out('PSH,ACK 1:101 ack 1')
  })
})
