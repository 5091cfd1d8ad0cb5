/**
 * A data channel that cannot move into the worker stays with the page, and its batches are handed over a message
 * port. Both ends stand here: what one says the other hears.
 *
 *   either way     ArrayBuffer             a batch, transferred
 *   either way     { taken: bytes }        so many bytes of batches have left for where they were going
 *   page → worker  { state: 'open' | 'closed' }
 *   worker → page  { close: true }
 *
 * Back-pressure crosses the port: towards the peer the worker counts bytes that are not `taken` yet as its
 * `bufferedAmount`; from the peer the page loses batches, as a wire does, while a megabyte is not `taken`.
 */
import { CHANNEL_CEILING, type FrameChannel } from './channel-port.ts'

type RelayMessage =
  | ArrayBuffer
  | { readonly taken: number }
  | { readonly state: 'open' | 'closed' }
  | { readonly close: true }

/** The most that may wait for the worker, in bytes. */
const INBOUND_CEILING = 1_048_576

/** The worker's end: looks like the channel. */
export class RelayedChannel implements FrameChannel {
  readonly #relay: MessagePort
  readyState: RTCDataChannelState = 'connecting'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  binaryType: BinaryType = 'arraybuffer'
  onopen: ((event: Event) => void) | null = null
  onclose: ((event: Event) => void) | null = null
  onbufferedamountlow: ((event: Event) => void) | null = null
  onmessage: ((event: MessageEvent) => void) | null = null

  constructor(relay: MessagePort) {
    this.#relay = relay
    relay.onmessage = event => this.#hear(event.data as RelayMessage, event)
  }

  #hear(message: RelayMessage, event: MessageEvent): void {
    if (message instanceof ArrayBuffer) {
      this.#relay.postMessage({ taken: message.byteLength } satisfies RelayMessage)
      this.onmessage?.(event)
    } else if ('taken' in message) {
      const above = this.bufferedAmount > this.bufferedAmountLowThreshold
      this.bufferedAmount -= message.taken
      if (above && this.bufferedAmount <= this.bufferedAmountLowThreshold) this.onbufferedamountlow?.(event)
    } else if ('state' in message) {
      this.readyState = message.state
      if (message.state === 'open') this.onopen?.(event)
      else this.onclose?.(event)
    }
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    const batch = data.slice().buffer
    this.bufferedAmount += data.length
    this.#relay.postMessage(batch satisfies RelayMessage, [batch])
  }

  close(): void {
    this.readyState = 'closed'
    this.#relay.postMessage({ close: true } satisfies RelayMessage)
    this.#relay.close()
  }
}

/** The page's end: joins a data channel to the port whose other end the worker has. */
export function relayChannel(channel: FrameChannel, relay: MessagePort): void {
  const waiting: ArrayBuffer[] = []
  let inbound = 0
  const say = (message: RelayMessage) => relay.postMessage(message)
  const drain = () => {
    while (waiting[0] !== undefined && channel.readyState === 'open') {
      if (channel.bufferedAmount + waiting[0].byteLength > CHANNEL_CEILING) return
      const batch = new Uint8Array(waiting[0])
      waiting.shift()
      channel.send(batch)
      say({ taken: batch.length })
    }
  }
  channel.binaryType = 'arraybuffer'
  channel.bufferedAmountLowThreshold = CHANNEL_CEILING / 2
  channel.onbufferedamountlow = drain
  channel.onopen = () => say({ state: 'open' })
  channel.onclose = () => say({ state: 'closed' })
  channel.onmessage = event => {
    const batch: unknown = event.data
    if (!(batch instanceof ArrayBuffer) || inbound > INBOUND_CEILING) return
    inbound += batch.byteLength
    relay.postMessage(batch, [batch])
  }
  relay.onmessage = event => {
    const message = event.data as RelayMessage
    if (message instanceof ArrayBuffer) {
      waiting.push(message)
      drain()
    } else if ('taken' in message) inbound -= message.taken
    else if ('close' in message) channel.close()
  }
  if (channel.readyState === 'open') say({ state: 'open' })
  else if (channel.readyState !== 'connecting') say({ state: 'closed' })
}
