import { describe, expect, test } from 'vitest'
import { ACK, FIN, PSH, RST, SYN } from '../stack/wire/tcp.ts'
import type { Again } from './flow.ts'
import { FrameLog } from './frame-log.ts'
import { ALICE, BOB, frame, type SegmentSpec, tcp } from './wire.fixture.ts'

/** A capture in which each line is one segment: who, when, what. */
function capture() {
  const log = new FrameLog()
  let no = 0
  const put = (from: 'alice' | 'bob', time: number, spec: Omit<SegmentSpec, 'ports'>, port = 49152) => {
    const bytes =
      from === 'alice'
        ? tcp(ALICE, BOB, { ...spec, ports: [port, 23] })
        : tcp(BOB, ALICE, { ...spec, ports: [23, port] })
    log.append([frame(++no, time, from, bytes)])
    return log.byNo(no)?.segment
  }
  const shakeHands = () => {
    put('alice', 0, { seq: 0xfffffffe, flags: SYN })
    put('bob', 1, { seq: 5000, ack: 0xffffffff, flags: SYN | ACK })
    put('alice', 2, { seq: 0xffffffff, ack: 5001, flags: ACK })
  }
  return { log, put, shakeHands }
}

const again = (cause: Again['cause'], of: number, gap: number) => ({ cause, of, gap })

describe('relative numbers', () => {
  test('count from each side’s SYN, over the wrap', () => {
    const { put, shakeHands } = capture()
    shakeHands()
    const data = put('alice', 3, { seq: 0xffffffff, ack: 5001, flags: PSH | ACK, text: 'hello\n' })
    expect(data?.flow.relative(0, ACK)).toMatchObject({ sequence: 0xfffffffe, acknowledgment: 5000 })
    expect(data?.flow.relative(1, ACK)).toMatchObject({ sequence: 5000, acknowledgment: 0xfffffffe })
  })

  test('are not made up when the capture began after the SYN', () => {
    const { put } = capture()
    const data = put('alice', 3, { seq: 77, ack: 5001, flags: ACK, text: 'x' })
    expect(data?.flow.relative(0, ACK)).toBeUndefined()
  })

  test('a SYN of another number on the same ports is another connection', () => {
    const { log, put, shakeHands } = capture()
    shakeHands()
    put('alice', 9, { seq: 0xffffffff, ack: 5001, flags: RST | ACK })
    put('alice', 20, { seq: 1234, flags: SYN })
    expect(log.flows.all.map(({ frames }) => frames.length)).toEqual([4, 1])
    expect(log.flows.all[0]?.over).toBe(true)
  })
})

describe('windows', () => {
  const scale = (shift: number) => [1, 3, 3, shift]

  test('are shifted as each SYN has said, SYNs themselves are not', () => {
    const { put } = capture()
    put('alice', 0, { seq: 1, flags: SYN, options: scale(4) })
    put('bob', 1, { seq: 5, ack: 2, flags: SYN | ACK, options: scale(7) })
    const data = put('alice', 2, { seq: 2, ack: 6, flags: ACK })
    expect(data?.flow.relative(0, ACK)?.windowShift).toBe(4)
    expect(data?.flow.relative(1, ACK)?.windowShift).toBe(7)
    expect(data?.flow.relative(0, SYN)?.windowShift).toBe(0)
  })

  test('are not shifted when one SYN has not said so', () => {
    const { put } = capture()
    put('alice', 0, { seq: 1, flags: SYN, options: scale(4) })
    put('bob', 1, { seq: 5, ack: 2, flags: SYN | ACK })
    expect(put('alice', 2, { seq: 2, ack: 6, flags: ACK })?.flow.relative(0, ACK)?.windowShift).toBe(0)
  })
})

describe('what was sent again', () => {
  test('after silence: the retransmission timer', () => {
    const { put, shakeHands } = capture()
    shakeHands()
    put('alice', 211, { seq: 0xffffffff, ack: 5001, flags: ACK, text: 'world\n' })
    const second = put('alice', 411, { seq: 0xffffffff, ack: 5001, flags: ACK, text: 'world\n' })
    expect(second?.again).toEqual(again('RTO', 4, 200))
  })

  test('a SYN that nobody answered', () => {
    const { put } = capture()
    put('alice', 0, { seq: 10, flags: SYN })
    expect(put('alice', 1000, { seq: 10, flags: SYN })?.again).toEqual(again('RTO', 1, 1000))
  })

  test('after three duplicate ACKs: fast retransmit (RFC 5681, 3.2)', () => {
    const { put, shakeHands } = capture()
    shakeHands()
    const text = '12345678'
    for (const i of [0, 1, 2, 3]) put('alice', 3, { seq: 0xffffffff + i * 8, ack: 5001, flags: ACK, text })
    for (const _ of [1, 2, 3]) put('bob', 4, { seq: 5001, ack: 0xffffffff, flags: ACK })
    // The first of bob's ACKs repeats the number of his SYN, ACK; its window is the same.
    expect(put('alice', 5, { seq: 0xffffffff, ack: 5001, flags: ACK, text })?.again?.cause).toBe(
      'fast retransmit',
    )
  })

  test('one byte into a closed window: a probe', () => {
    const { put, shakeHands } = capture()
    shakeHands()
    put('bob', 5, { seq: 5001, ack: 0xffffffff, flags: ACK, window: 0 })
    put('alice', 205, { seq: 0xffffffff, ack: 5001, flags: ACK, text: 'x' })
    expect(put('alice', 405, { seq: 0xffffffff, ack: 5001, flags: ACK, text: 'x' })?.again?.cause).toBe(
      'window probe',
    )
  })

  test('an ACK without data is never called a retransmission', () => {
    const { put, shakeHands } = capture()
    shakeHands()
    expect(put('alice', 9, { seq: 0xffffffff, ack: 5001, flags: ACK })?.again).toBeUndefined()
  })

  test('a FIN is sequence space: sent twice, it is sent again', () => {
    const { put, shakeHands } = capture()
    shakeHands()
    put('alice', 10, { seq: 0xffffffff, ack: 5001, flags: FIN | ACK })
    expect(put('alice', 210, { seq: 0xffffffff, ack: 5001, flags: FIN | ACK })?.again).toEqual(
      again('RTO', 4, 200),
    )
  })
})
