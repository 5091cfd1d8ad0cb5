import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CHANNEL_CEILING, type FrameChannel } from './channel-port.ts'
import { RelayedChannel, relayChannel } from './relay.ts'

class TestChannel implements FrameChannel {
  readyState: RTCDataChannelState = 'connecting'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  binaryType: BinaryType = 'blob'
  onopen: ((event: Event) => void) | null = null
  onclose: ((event: Event) => void) | null = null
  onbufferedamountlow: ((event: Event) => void) | null = null
  onmessage: ((event: MessageEvent) => void) | null = null
  readonly sent: number[][] = []
  send(data: Uint8Array): void {
    this.sent.push([...data.subarray(0, 4)])
    this.bufferedAmount += data.length
  }
  close(): void {
    this.readyState = 'closed'
  }
}

let channel: TestChannel
let relay: MessageChannel
let far: RelayedChannel

beforeEach(() => {
  channel = new TestChannel()
  relay = new MessageChannel()
  far = new RelayedChannel(relay.port2)
  relayChannel(channel, relay.port1)
})

afterEach(() => {
  relay.port1.close()
  relay.port2.close()
})

const open = async () => {
  channel.readyState = 'open'
  channel.onopen?.(new Event('open'))
  await vi.waitFor(() => expect(far.readyState).toBe('open'))
}

describe('relay', () => {
  test('the worker hears that the channel opened and closed', async () => {
    const heard: string[] = []
    far.onopen = () => heard.push('open')
    far.onclose = () => heard.push('closed')
    await open()
    channel.onclose?.(new Event('close'))
    await vi.waitFor(() => expect(heard).toEqual(['open', 'closed']))
  })

  test('batches reach the channel, and what left is taken off the worker’s count', async () => {
    await open()
    far.send(Uint8Array.of(1, 2, 3))
    expect(far.bufferedAmount).toBe(3)
    await vi.waitFor(() => expect(channel.sent).toEqual([[1, 2, 3]]))
    await vi.waitFor(() => expect(far.bufferedAmount).toBe(0))
  })

  test('batches from the channel reach the worker', async () => {
    await open()
    const heard: unknown[] = []
    far.onmessage = event => heard.push(event.data)
    channel.onmessage?.(new MessageEvent('message', { data: Uint8Array.of(9).buffer }))
    await vi.waitFor(() => expect(heard).toEqual([Uint8Array.of(9).buffer]))
  })

  test('a full channel holds batches back and the worker sees them as buffered', async () => {
    await open()
    channel.bufferedAmount = CHANNEL_CEILING
    far.bufferedAmountLowThreshold = 1
    let low = 0
    far.onbufferedamountlow = () => low++
    far.send(Uint8Array.of(1, 2, 3))
    await new Promise(resolve => setTimeout(resolve, 20))
    expect([channel.sent.length, far.bufferedAmount, low]).toEqual([0, 3, 0])
    channel.bufferedAmount = 0
    channel.onbufferedamountlow?.(new Event('bufferedamountlow'))
    await vi.waitFor(() => expect([channel.sent.length, far.bufferedAmount, low]).toEqual([1, 0, 1]))
  })

  test('a worker that does not keep up costs batches, not memory', async () => {
    await open()
    let heard = 0
    far.onmessage = () => heard++
    // One task: nothing can be taken in between.
    for (let i = 0; i < 200; i++)
      channel.onmessage?.(new MessageEvent('message', { data: new ArrayBuffer(16_384) }))
    await vi.waitFor(() => expect(heard).toBe(65))
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(heard).toBe(65)
  })

  test('closing the worker’s end closes the channel', async () => {
    await open()
    far.close()
    await vi.waitFor(() => expect(channel.readyState).toBe('closed'))
  })
})
