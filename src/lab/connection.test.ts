import { expect, test } from 'vitest'
import type { ConnectionRecord } from '../stack/inspect/inspect.ts'
import { variablesOf, windowOf } from './connection.ts'

const RECORD: ConnectionRecord = {
  socket: 1,
  state: 'ESTABLISHED',
  localAddress: '169.254.7.31',
  localPort: 49152,
  remoteAddress: '169.254.9.2',
  remotePort: 23,
  iss: 0xfffffff0,
  irs: 70,
  sndUna: 0xfffffff1,
  sndNxt: 0x10,
  sndWnd: 8192,
  rcvNxt: 71,
  rcvWnd: 8192,
  mss: 1460,
  cwnd: 4380,
  ssthresh: Number.POSITIVE_INFINITY,
  srtt: 0.61,
  rttvar: 0.3,
  rto: 200,
  timer: 'retransmission',
  timerAt: 1200,
  delayedAckAt: undefined,
  retransmits: 0,
  duplicateAcks: 0,
  recovering: false,
  sendQueued: 31,
  receiveQueued: 0,
  outOfOrder: 0,
}

const value = (record: ConnectionRecord, name: string): string | undefined =>
  variablesOf(record, 1000).find(variable => variable.name === name)?.value

test('sequence numbers count from the side’s first, over the wrap', () => {
  expect(value(RECORD, 'SND.UNA · NXT')).toBe('1 · 32')
  expect(value(RECORD, 'RCV.NXT')).toBe('1')
})

test('before the peer has spoken there is no RCV.NXT', () => {
  expect(value({ ...RECORD, state: 'SYN-SENT' }, 'RCV.NXT')).toBe('–')
})

test('a timer says what runs and when it fires, counted from now', () => {
  expect(value(RECORD, 'Timer')).toBe('retransmission 200 ms')
  expect(value({ ...RECORD, timer: 'time-wait', timerAt: 60_900 }, 'Timer')).toBe('time-wait 59.9 s')
})

test('ssthresh is without bound until the first loss', () => expect(value(RECORD, 'ssthresh')).toBe('∞'))

test('the window’s parts sum to the whole: in flight, usable, withheld by cwnd', () => {
  expect(windowOf(RECORD)).toEqual({ flight: 31, usable: 4349, withheld: 3812, whole: 8192 })
})

test('a window that shrank below what is in flight is full', () => {
  expect(windowOf({ ...RECORD, sndWnd: 10 })).toEqual({ flight: 31, usable: 0, withheld: 0, whole: 31 })
})
