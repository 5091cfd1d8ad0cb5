/** The bridge between a device and a page: what the page's own switch takes of it, and what the device gets. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BATCH_LENGTH, putFrame, takeFrames } from '../link/batch.ts'
import type { FrameChannel } from '../link/channel-port.ts'
import { Loss, lossSentence } from '../link/fate.ts'
import { macText } from '../link/mac.ts'
import { type LldpAnnouncement, parseLldp, putLldp } from '../stack/wire/lldp.ts'
import { arp, station, udp } from './frames.fixture.ts'
import { BridgeSegment, IN_THE_ROOM, TOO_MANY } from './segment.ts'

/** The page's end of a wire. */
class Page implements FrameChannel {
  readyState: RTCDataChannelState = 'open'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  binaryType: BinaryType = 'blob'
  onopen: FrameChannel['onopen'] = null
  onclose: FrameChannel['onclose'] = null
  onbufferedamountlow: FrameChannel['onbufferedamountlow'] = null
  onmessage: FrameChannel['onmessage'] = null
  readonly frames: Uint8Array[] = []

  send(batch: Uint8Array<ArrayBuffer>): void {
    takeFrames(batch, frame => void this.frames.push(frame.slice()))
  }
  close(): void {
    this.readyState = 'closed'
  }

  says(...frames: Uint8Array[]): void {
    const batch = new Uint8Array(frames.reduce((sum, { length }) => sum + BATCH_LENGTH + length, 0))
    let at = 0
    for (const frame of frames) at = putFrame(batch, at, frame)
    this.onmessage?.(new MessageEvent('message', { data: batch.buffer }))
  }

  announces(...hosts: number[]): void {
    this.says(putLldp({ name: 'alice', macs: hosts.map(station), maxFrame: 1514, ttl: 121 }, station(200)))
  }

  /** What it heard: a frame's first stations, or the hosts of an announcement. */
  get heard(): string[] {
    return this.frames.map(frame => {
      const said = parseLldp(frame)
      return typeof said === 'string' ? `from ${frame[11]}` : announced(said)
    })
  }
}

const announced = ({ name, macs, ttl }: LldpAnnouncement): string =>
  ttl === 0 ? 'goodbye' : `${name} has ${macs.map(mac => mac[5]).join()}`

let tap: Uint8Array[]
let room: boolean
let segment: BridgeSegment
const options = { onRoom: vi.fn(), onMachines: vi.fn() }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  tap = []
  room = true
  options.onRoom.mockReset()
  segment = new BridgeSegment({
    now: () => performance.now(),
    name: 'kernel',
    send: frame => room && tap.push(frame.slice()) > 0,
    ...options,
  })
})
afterEach(() => {
  segment.end()
  vi.useRealTimers()
})

/** A page with these hosts. */
async function join(id: string, ...hosts: number[]): Promise<Page> {
  const page = new Page()
  segment.addPeer(id, page)
  page.announces(...hosts)
  await turn()
  page.frames.length = 0
  return page
}

/** The end of a turn: what has gathered is sent. */
const turn = () => new Promise<void>(resolve => setImmediate(() => setImmediate(resolve)))

test('a machine is announced before its first frame, in the same batch', async () => {
  segment.setOwn({ mac: station(1), address: undefined })
  const alice = await join('a', 100)
  expect(segment.input(udp(2))).toBe(true)
  segment.input(udp(2))
  await turn()
  expect(alice.heard).toEqual(['kernel has 1,2', 'from 2', 'from 2'])
  expect(segment.framesOut).toBe(2)
})

test('what is for a machine goes to the device, what is for another page does not', async () => {
  segment.setOwn({ mac: station(1), address: undefined })
  const alice = await join('a', 100)
  const bob = await join('b', 101)
  segment.input(arp(1, '169.254.7.7'))
  bob.says(udp(101))
  alice.says(udp(100, station(1)), udp(100), udp(100, station(101)))
  expect(tap.map(frame => frame[11])).toEqual([101, 100, 100])
  await turn()
  expect(bob.heard).toEqual(['from 1'])
  expect(segment.framesIn).toBe(3)
})

test('a page may not speak for a machine, nor a machine for a page', async () => {
  segment.setOwn({ mac: station(1), address: undefined })
  const alice = await join('a', 100)
  segment.input(udp(1))
  alice.says(udp(1))
  expect(tap).toEqual([])
  expect(segment.refused.get(lossSentence(Loss.Unannounced))).toBe(1)
  expect(segment.input(udp(100))).toBe(true)
  expect(segment.refused.get(IN_THE_ROOM)).toBe(1)
  await turn()
  expect(alice.heard).toEqual(['from 1'])
  expect(segment.machines.map(({ mac }) => macText(mac))).toEqual([macText(station(1))])
})

test('frames that are too long, and those of one machine too many, are refused and counted', async () => {
  segment.setOwn({ mac: station(1), address: undefined })
  const alice = await join('a', 100)
  segment.input(udp(1, undefined, 1515))
  segment.input(udp(1).subarray(0, 13))
  for (let n = 2; n <= 33; n++) segment.input(udp(n))
  expect(Object.fromEntries(segment.refused)).toEqual({
    [lossSentence(Loss.Oversized)]: 1,
    [lossSentence(Loss.Runt)]: 1,
    [TOO_MANY]: 1,
  })
  await turn()
  expect(alice.heard.filter(words => words.startsWith('from'))).toHaveLength(31)
})

test('a device that is full loses what comes, and the loss is counted', async () => {
  segment.setOwn({ mac: station(1), address: undefined })
  const alice = await join('a', 100)
  room = false
  alice.says(udp(100))
  expect(segment.framesIn).toBe(0)
  expect(segment.refused.get(lossSentence(Loss.QueueFull))).toBe(1)
})

test('a busy page makes the device wait, until there is room again', async () => {
  segment.setOwn({ mac: station(1), address: undefined })
  const alice = await join('a', 100)
  alice.says(udp(100))
  alice.bufferedAmount = 32_768
  let taken = 0
  while (segment.input(udp(1, station(100), 1514))) taken++
  expect(taken).toBeGreaterThan(20)
  expect(options.onRoom).not.toHaveBeenCalled()
  alice.bufferedAmount = 0
  alice.onbufferedamountlow?.(new Event('bufferedamountlow'))
  expect(options.onRoom).toHaveBeenCalledOnce()
  expect(segment.input(udp(1, station(100), 1514))).toBe(true)
})

test('a page that has stalled holds the device up no longer than a moment', async () => {
  segment.setOwn({ mac: station(1), address: undefined })
  const alice = await join('a', 100)
  alice.says(udp(100))
  alice.bufferedAmount = 32_768
  while (segment.input(udp(1, station(100), 1514)));
  await turn()
  await vi.advanceTimersByTimeAsync(300)
  expect(options.onRoom).toHaveBeenCalled()
  expect(segment.input(udp(1, station(100), 1514))).toBe(true)
})

test('at its end it says goodbye on the wire', async () => {
  segment.setOwn({ mac: station(1), address: undefined })
  const alice = await join('a', 100)
  segment.end()
  expect(alice.heard).toEqual(['goodbye'])
  expect(alice.readyState).toBe('closed')
})
