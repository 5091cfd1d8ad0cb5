import { expect, test } from 'vitest'
import type { HostSnapshot } from '../host/protocol.ts'
import { Drop } from '../stack/drop.ts'
import type { ConnectionRecord } from '../stack/inspect/inspect.ts'
import { consequencesOf } from './pressure.ts'

const host: HostSnapshot = {
  name: 'alice',
  mac: '02:00:00:00:00:01',
  address: '169.254.1.1',
  profile: 'full',
  ipv6: false,
  memory: { size: 65536, used: 61440, peak: 61440, failures: 0, pools: [] },
  connections: [],
  neighbours: [],
  counters: {},
  drops: [],
  conversations: [],
  transfers: [],
}
const told = (part: Partial<HostSnapshot>) =>
  consequencesOf({ ...host, ...part }, no => (no === 42 ? 'frame 42: SYN' : undefined))

test('a host with room for all has nothing to tell, whatever else it dropped', () => {
  expect(told({ drops: [{ drop: Drop.NoPort, frames: 3, last: 42 }] })).toEqual([])
})

test('a SYN that found no room is shown with its frame', () => {
  expect(told({ drops: [{ drop: Drop.Backlog, frames: 2, last: 42 }] })).toEqual([
    { what: '2 frames were dropped, at last frame 42: SYN.', cause: 'The listen queue is full.', frame: 42 },
  ])
})

test('a window that closed says what fills it', () => {
  const record = {
    state: 'ESTABLISHED',
    rcvWnd: 0,
    remoteAddress: '10.0.0.2',
    remotePort: 23,
    receiveQueued: 2048,
  }
  expect(told({ connections: [record as ConnectionRecord] })[0]).toEqual({
    what: 'The window to 10.0.0.2:23 is closed.',
    cause: '2 KiB wait to be read, 4 KiB of the budget are free.',
    frame: undefined,
  })
  const empty = { ...record, receiveQueued: 0 } as ConnectionRecord
  expect(told({ connections: [empty, empty] })).toEqual([
    {
      what: '2 windows are closed, one to 10.0.0.2:23.',
      cause: '4 KiB of the budget are free: too little to promise any.',
      frame: undefined,
    },
  ])
  expect(told({ connections: [{ ...record, state: 'TIME-WAIT' } as ConnectionRecord] })).toEqual([])
})

test('windows that are down to the last page are told, where memory is scarce and nothing waits to be read', () => {
  const record = {
    state: 'ESTABLISHED',
    rcvWnd: 1460,
    remoteAddress: '10.0.0.2',
    remotePort: 23,
    receiveQueued: 0,
  } as ConnectionRecord
  expect(told({ connections: [record, record] })).toEqual([
    {
      what: '2 windows have closed but for one segment, one to 10.0.0.2:23.',
      cause: '4 KiB of the budget are free: the last page to hear with is promised to all.',
      frame: undefined,
    },
  ])
  expect(told({ connections: [{ ...record, receiveQueued: 1460 }] })).toEqual([])
  expect(told({ connections: [{ ...record, rcvWnd: 2920 }] })).toEqual([])
  const roomy = { ...host.memory, used: 0 }
  expect(told({ memory: roomy, connections: [record] })).toEqual([])
})

test('what was reclaimed is counted by its kind', () => {
  const counters = { tcpReclaimedTimeWait: 2, tcpReclaimedOutOfOrder: 1 }
  expect(told({ counters }).map(({ what }) => what)).toEqual([
    '2 connections in TIME-WAIT were given up.',
    '1 queue of data out of order was dropped.',
  ])
})

test('a pool that had no page is named', () => {
  const pools = [{ name: 'connections', used: 1600, peak: 1600, failures: 1 }]
  expect(told({ memory: { ...host.memory, pools } })[0]?.what).toBe(
    '1 request for memory was refused: connections.',
  )
})
