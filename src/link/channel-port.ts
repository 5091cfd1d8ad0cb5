/**
 * The frame side of the wire to a peer: frames in, batches out, and the other way.
 *
 * What waits in the channel itself is out of our hands and makes it slow (measured: at a megabyte in `bufferedAmount`
 * gaps of seconds, at 32 KiB of milliseconds). So at most 32 KiB go there, and what comes next waits here:
 *
 *   switch → batch being gathered → full batches → channel (32 KiB) → peer
 *            └───────── 3 batches of 16 KiB ─────┘
 *
 * `flush`, at the end of each turn, sends what has gathered: a lone frame leaves in the turn it came in, and a burst
 * leaves in as few messages as possible. Once the third batch is begun the port is not `ready`: whoever sends to it
 * alone waits, and what room is left is for frames to everybody. When that is full too, they are lost and counted.
 *
 * A peer that has gone silent must not hold up frames to others for long: a port that could send nothing for STALL
 * milliseconds calls itself ready and loses what it cannot take, as a cable that leads nowhere would, until the
 * channel moves again.
 */
import type { Ms } from '../stack/stack.ts'
import { BATCH_LENGTH, putFrame, takeFrames } from './batch.ts'
import { type Fate, FORWARDED, Loss, lost } from './fate.ts'
import type { Port } from './port.ts'
import { MAX_FRAME } from './switch.ts'

/** The part of RTCDataChannel that carries frames; a relay over a message port has it too (relay.ts). */
export interface FrameChannel {
  readonly readyState: RTCDataChannelState
  readonly bufferedAmount: number
  bufferedAmountLowThreshold: number
  binaryType: BinaryType
  onopen: ((event: Event) => void) | null
  onclose: ((event: Event) => void) | null
  onbufferedamountlow: ((event: Event) => void) | null
  onmessage: ((event: MessageEvent) => void) | null
  /** Copies. */
  send(data: Uint8Array<ArrayBuffer>): void
  close(): void
}

/** The largest message, in bytes: what every browser carries in one piece. */
export const BATCH_BYTES = 16_384
/** The most that may wait in the channel, in bytes. */
export const CHANNEL_CEILING = 32_768
const BATCHES = 3
/**
 * A channel that was moved into a worker may hand over a message before it says that it is open (seen in Chromium).
 * Such messages wait, so that nobody hears a peer before the port is known; so many at most, for a wire may lose.
 */
const EARLY = 16
/** A port that could send nothing for so long no longer holds anybody up. */
export const STALL: Ms = 100

export interface ChannelPortEvents {
  /** A batch arrived: call `frames` with who takes them. */
  received(port: ChannelPort, batch: Uint8Array): void
  opened(port: ChannelPort): void
  /** Called once; the port loses all frames from now on. */
  closed(port: ChannelPort): void
  /** The port is ready again after it was not. */
  drained(port: ChannelPort): void
}

interface Batch {
  readonly bytes: Uint8Array<ArrayBuffer>
  length: number
  frames: number
}

export class ChannelPort implements Port {
  readonly kind = 'peer'
  readonly name: string
  readonly #channel: FrameChannel
  readonly #events: ChannelPortEvents
  readonly #now: () => Ms
  /** A ring: `#first` is the oldest, `#used` of them hold frames, the last of these is still being gathered. */
  readonly #batches: readonly Batch[]
  #first = 0
  #used = 0
  #movedAt: Ms
  #stalled = false
  #closed = false
  #opened: boolean
  #early: Uint8Array[] = []
  /** The largest frame that the peer takes, header included, in bytes. */
  maxFrame = MAX_FRAME
  framesIn = 0
  framesOut = 0
  bytesIn = 0
  bytesOut = 0
  /** Malformed batches and messages that are none. */
  malformed = 0
  queueDrops = 0

  constructor(name: string, channel: FrameChannel, events: ChannelPortEvents, now: () => Ms) {
    this.name = name
    this.#channel = channel
    this.#events = events
    this.#now = now
    this.#movedAt = now()
    this.#batches = Array.from({ length: BATCHES }, () => ({
      bytes: new Uint8Array(BATCH_BYTES),
      length: 0,
      frames: 0,
    }))
    channel.binaryType = 'arraybuffer'
    // A batch waits only while more than this is in the channel, so the event that ends the wait always comes.
    channel.bufferedAmountLowThreshold = CHANNEL_CEILING - BATCH_BYTES
    this.#opened = channel.readyState === 'open'
    channel.onopen = () => this.#open()
    channel.onclose = () => this.#end()
    channel.onbufferedamountlow = () => this.flush()
    channel.onmessage = event => this.#message(event.data)
  }

  get open(): boolean {
    return !this.#closed && this.#channel.readyState === 'open'
  }

  /** Bytes in the channel and in the queue above it. */
  get buffered(): number {
    let bytes = this.#closed ? 0 : this.#channel.bufferedAmount
    for (const batch of this.#batches) bytes += batch.length
    return bytes
  }

  get ready(): boolean {
    return this.#used < BATCHES || this.#stalled || !this.open
  }

  send(frame: Uint8Array): Fate {
    if (!this.open) return lost(Loss.PortClosed)
    if (frame.length > this.maxFrame) return lost(Loss.TooLargeForPeer)
    const batch = this.#room(BATCH_LENGTH + frame.length)
    if (batch === undefined) {
      this.queueDrops++
      return lost(Loss.QueueFull)
    }
    batch.length = putFrame(batch.bytes, batch.length, frame)
    batch.frames++
    return FORWARDED
  }

  #batch(index: number): Batch {
    return this.#batches[(this.#first + index) % BATCHES] as Batch
  }

  /** The batch that takes so many more bytes. */
  #room(bytes: number): Batch | undefined {
    if (this.#used > 0) {
      const last = this.#batch(this.#used - 1)
      if (last.length + bytes <= BATCH_BYTES) return last
    }
    return this.#used === BATCHES ? undefined : this.#batch(this.#used++)
  }

  /** Sends what has gathered, as far as the channel has room. Call it at the end of each turn. */
  flush(): void {
    const full = this.#used === BATCHES
    while (this.#used > 0 && this.open) {
      const batch = this.#batch(0)
      if (this.#channel.bufferedAmount + batch.length > CHANNEL_CEILING) break
      this.#sendBatch(batch)
      this.#first = (this.#first + 1) % BATCHES
      this.#used--
      this.#movedAt = this.#now()
      this.#stalled = false
    }
    if (full && this.#used < BATCHES) this.#events.drained(this)
  }

  #sendBatch(batch: Batch): void {
    try {
      this.#channel.send(batch.bytes.subarray(0, batch.length))
      this.framesOut += batch.frames
      this.bytesOut += batch.length
    } catch {
      // The channel began to close between the check and the call: what it did not take is lost.
      this.queueDrops += batch.frames
    }
    batch.length = 0
    batch.frames = 0
  }

  /** True: the port was given up as stalled just now, and holds nobody up any more. */
  checkStall(): boolean {
    if (this.#stalled || this.#used < BATCHES || this.#now() - this.#movedAt < STALL) return false
    this.#stalled = true
    return true
  }

  #open(): void {
    if (this.#opened || this.#closed) return
    this.#opened = true
    this.#events.opened(this)
    const early = this.#early
    this.#early = []
    for (const batch of early) this.#events.received(this, batch)
  }

  #message(data: unknown): void {
    if (this.#closed) return
    if (!(data instanceof ArrayBuffer) || data.byteLength > BATCH_BYTES) this.malformed++
    else if (this.#opened) this.#events.received(this, new Uint8Array(data))
    else if (this.#early.length < EARLY) this.#early.push(new Uint8Array(data))
  }

  /** Hands out the frames of a batch that was `received`, and counts them. */
  frames(batch: Uint8Array, take: (frame: Uint8Array) => void): void {
    this.bytesIn += batch.length
    if (
      !takeFrames(batch, frame => {
        this.framesIn++
        take(frame)
      })
    )
      this.malformed++
  }

  /** Closes the channel. */
  close(): void {
    if (this.#closed) return
    this.flush()
    this.#channel.close()
    this.#end()
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    for (const batch of this.#batches) {
      this.queueDrops += batch.frames
      batch.length = 0
      batch.frames = 0
    }
    this.#used = 0
    this.#early = []
    this.#events.closed(this)
  }
}
