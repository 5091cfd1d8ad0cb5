import { expect, test } from 'vitest'
import { Capture } from '../link/capture.ts'
import { dropped, FORWARDED, Loss, lost } from '../link/fate.ts'
import { Drop } from '../stack/drop.ts'
import { type PackedUpdate, unpackUpdate } from './packed-update.ts'
import type { NoticeRecord } from './protocol.ts'

test('an update arrives with its records in order, ports by name and fates in words', () => {
  const capture = new Capture(8192)
  const notice: NoticeRecord = {
    kind: 'notice',
    time: 2,
    host: 'alice',
    about: 'text',
    connection: 1,
    text: 'hello',
  }
  const first = capture.frame(1, 1, Uint8Array.of(1, 2))
  capture.arrival(first, 2, 1, FORWARDED)
  capture.note(40, 2)
  const second = capture.frame(2, 3, Uint8Array.of(3))
  capture.arrival(second, 1, 3, dropped(Drop.BadArp))
  capture.arrival(second, 0, 3, lost(Loss.Runt))
  const packed: PackedUpdate = {
    kind: 'update',
    now: 5,
    counted: { frames: 2, connections: 0, timeOrigin: 1000 },
    ...capture.pack(10),
    ports: ['switch', 'alice', 'peer'],
    notes: [notice],
    firstNote: 40,
    hosts: [],
    peers: [],
  }
  expect(unpackUpdate(structuredClone(packed))).toEqual({
    kind: 'update',
    now: 5,
    counted: { frames: 2, connections: 0, timeOrigin: 1000 },
    leftOut: 0,
    hosts: [],
    peers: [],
    log: [
      { kind: 'frame', no: 1, time: 1, from: 'alice', bytes: Uint8Array.of(1, 2) },
      { kind: 'arrival', no: 1, time: 1, at: 'peer', fate: { kind: 'forwarded' } },
      notice,
      { kind: 'frame', no: 2, time: 3, from: 'peer', bytes: Uint8Array.of(3) },
      { kind: 'arrival', no: 2, time: 3, at: 'alice', fate: { kind: 'dropped', drop: Drop.BadArp } },
      {
        kind: 'arrival',
        no: 2,
        time: 3,
        at: 'switch',
        fate: { kind: 'lost', why: 'The frame is shorter than an Ethernet header of 14 bytes.' },
      },
    ],
  })
})
