import { expect, test } from 'vitest'
import { ACK, SYN } from '../stack/wire/tcp.ts'
import { effectsOf } from './effect.ts'
import { FrameLog } from './frame-log.ts'
import { ALICE, BOB, frame, state, tcp } from './wire.fixture.ts'

const A = [ALICE, 49152] as const
const B = [BOB, 23] as const

function handshake() {
  const log = new FrameLog()
  log.append([
    state(0, A, B, 'SYN-SENT'),
    frame(1, 1, 'alice', tcp(ALICE, BOB, { ports: [49152, 23], seq: 9, flags: SYN })),
    state(1, B, A, 'SYN-RECEIVED', 1),
    frame(2, 1, 'bob', tcp(BOB, ALICE, { ports: [23, 49152], seq: 70, ack: 10, flags: SYN | ACK })),
    state(1, A, B, 'ESTABLISHED', 2),
  ])
  return (no: number) => {
    const found = log.byNo(no)
    return found && effectsOf(found, log)
  }
}

test('a frame that moves a connection on says from which state to which', () => {
  expect(handshake()(2)).toEqual([
    { host: 'alice', before: 'SYN-SENT', after: 'ESTABLISHED', toldBy: undefined },
  ])
})

test('a frame with which a connection begins has no state before', () => {
  expect(handshake()(1)).toMatchObject([{ host: 'bob', before: undefined, after: 'SYN-RECEIVED' }])
})
