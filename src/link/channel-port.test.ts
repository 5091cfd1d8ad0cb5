import { beforeEach, describe, expect, test } from 'vitest'
import { takeFrames } from './batch.ts'
import { BATCH_BYTES, CHANNEL_CEILING, ChannelPort, type FrameChannel, STALL } from './channel-port.ts'
import { FORWARDED, Loss, lost } from './fate.ts'

/** A channel whose buffer empties when the test says so. */
class TestChannel implements FrameChannel {
  readyState: RTCDataChannelState = 'open'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  binaryType: BinaryType = 'blob'
  onopen: ((event: Event) => void) | null = null
  onclose: ((event: Event) => void) | null = null
  onbufferedamountlow: ((event: Event) => void) | null = null
  onmessage: ((event: MessageEvent) => void) | null = null
  readonly sent: Uint8Array[] = []
  most = 0

  send(data: Uint8Array): void {
    this.sent.push(data.slice())
    this.bufferedAmount += data.length
    this.most = Math.max(this.most, this.bufferedAmount)
  }
  close(): void {
    this.readyState = 'closed'
  }
  drain(bytes: number): void {
    const above = this.bufferedAmount > this.bufferedAmountLowThreshold
    this.bufferedAmount = Math.max(0, this.bufferedAmount - bytes)
    if (above && this.bufferedAmount <= this.bufferedAmountLowThreshold)
      this.onbufferedamountlow?.(new Event('bufferedamountlow'))
  }
}

const sentFrames = (channel: TestChannel) => {
  const frames: number[] = []
  for (const batch of channel.sent) takeFrames(batch, frame => frames.push(frame.length))
  return frames
}

let channel: TestChannel
let port: ChannelPort
let now: number
let seen: string[]

beforeEach(() => {
  channel = new TestChannel()
  seen = []
  now = 0
  port = new ChannelPort(
    'peer',
    channel,
    {
      received: (from, batch) => from.frames(batch, frame => seen.push(`frame of ${frame.length}`)),
      opened: () => seen.push('opened'),
      closed: () => seen.push('closed'),
      drained: () => seen.push('drained'),
    },
    () => now,
  )
})

const fill = () => {
  let count = 0
  while (port.ready) {
    port.send(new Uint8Array(1514))
    port.flush()
    count++
  }
  return count
}

describe('channel port', () => {
  test('a lone frame leaves at the end of its turn', () => {
    expect(port.send(new Uint8Array(60))).toBe(FORWARDED)
    port.flush()
    expect(channel.sent.map(batch => batch.length)).toEqual([62])
  })

  test('the frames of one turn leave in one message of at most 16 KiB', () => {
    for (let i = 0; i < 15; i++) port.send(new Uint8Array(1514))
    port.flush()
    expect(channel.sent.map(batch => batch.length)).toEqual([15_160, 7_580])
    expect(port.framesOut).toBe(15)
  })

  test('never lets more than 32 KiB wait in the channel', () => {
    fill()
    expect(channel.most).toBeLessThanOrEqual(CHANNEL_CEILING)
    expect(port.buffered).toBeLessThanOrEqual(CHANNEL_CEILING + 3 * BATCH_BYTES)
  })

  test('says it is not ready when its queue has filled, and tells when it drained', () => {
    fill()
    expect(seen).toEqual([])
    channel.drain(BATCH_BYTES + 1)
    expect(port.ready).toBe(true)
    expect(seen).toEqual(['drained'])
  })

  test('keeps the order and loses nothing that it took, through a long transfer', () => {
    const lengths: number[] = []
    for (let length = 60; length < 1500; length++) {
      while (!port.ready) channel.drain(5000)
      if (port.send(new Uint8Array(length)) === FORWARDED) lengths.push(length)
      port.flush()
    }
    while (port.buffered > 0) channel.drain(5000)
    expect(sentFrames(channel)).toEqual(lengths)
    expect(lengths.length).toBe(1440)
  })

  test('still takes frames for everybody while it is not ready, then loses and counts them', () => {
    fill()
    let taken = 0
    while (port.send(new Uint8Array(1514)) === FORWARDED) taken++
    expect(taken).toBeGreaterThan(0)
    expect(port.send(new Uint8Array(1514))).toBe(lost(Loss.QueueFull))
    expect(port.queueDrops).toBe(2)
  })

  test('a port that could send nothing for the stall time holds nobody up, until the channel moves', () => {
    fill()
    now = STALL - 1
    expect(port.checkStall()).toBe(false)
    now = STALL
    expect(port.checkStall()).toBe(true)
    expect(port.ready).toBe(true)
    while (port.send(new Uint8Array(1514)) === FORWARDED);
    channel.drain(CHANNEL_CEILING)
    channel.bufferedAmount = CHANNEL_CEILING
    while (port.send(new Uint8Array(1514)) === FORWARDED);
    expect(port.ready).toBe(false)
  })

  test('loses a frame larger than the peer takes', () => {
    port.maxFrame = 1000
    expect(port.send(new Uint8Array(1001))).toBe(lost(Loss.TooLargeForPeer))
  })

  test('loses frames while the channel is not open', () => {
    channel.readyState = 'connecting'
    expect(port.send(new Uint8Array(60))).toBe(lost(Loss.PortClosed))
    expect(port.ready).toBe(true)
  })

  test('hands out the frames of a message, and counts what was malformed', () => {
    const event = (data: unknown) => channel.onmessage?.(new MessageEvent('message', { data }))
    event(Uint8Array.of(0, 2, 1, 2, 0, 1, 3).buffer)
    event(Uint8Array.of(0, 9, 1).buffer)
    event('hello')
    event(new ArrayBuffer(BATCH_BYTES + 1))
    expect(seen).toEqual(['frame of 2', 'frame of 1'])
    expect([port.framesIn, port.malformed]).toEqual([2, 3])
  })

  test('a channel that throws costs the frames and nothing else', () => {
    channel.send = () => {
      throw new DOMException('gone', 'InvalidStateError')
    }
    port.send(new Uint8Array(60))
    port.flush()
    expect([port.queueDrops, port.framesOut]).toEqual([1, 0])
  })

  test('says once that it closed, counting what still waited', () => {
    fill()
    port.close()
    channel.onclose?.(new Event('close'))
    expect(seen).toEqual(['closed'])
    expect(port.queueDrops).toBeGreaterThan(0)
    expect(port.buffered).toBe(0)
  })

  test('a message that comes before the channel says it is open waits until it has', () => {
    const opening = new TestChannel()
    opening.readyState = 'connecting'
    const told: string[] = []
    const early = new ChannelPort(
      'peer',
      opening,
      {
        received: (from, batch) => from.frames(batch, frame => told.push(`frame of ${frame.length}`)),
        opened: () => told.push('opened'),
        closed: () => undefined,
        drained: () => undefined,
      },
      () => now,
    )
    const batch = new Uint8Array(62)
    batch[1] = 60
    opening.onmessage?.(new MessageEvent('message', { data: batch.buffer }))
    expect(told).toEqual([])
    opening.readyState = 'open'
    opening.onopen?.(new Event('open'))
    opening.onopen?.(new Event('open'))
    expect(told).toEqual(['opened', 'frame of 60'])
    expect(early.malformed).toBe(0)
  })
})
