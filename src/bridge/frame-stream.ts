/**
 * Frames on a stream: each behind its length, 4 bytes, big-endian. What tap-relay.c speaks, and QEMU's `-netdev stream`.
 */
import type { Socket } from 'node:net'

/** No frame is larger (an IP datagram's 65,535 bytes behind 14 of Ethernet): a length beyond it is no frame's. */
const FRAME_MAX = 65_549
/** Above so many bytes under way, frames wait where they are. */
const FULL = 256 * 1024

export class FrameStream {
  readonly #socket: Socket
  #rest: Buffer = Buffer.alloc(0)
  /** Set while the stream is full; called when there is room again. */
  #onRoom: (() => void) | undefined

  readonly #onFrame: (frame: Uint8Array) => boolean
  readonly #onEnd: (wrong?: string) => void
  #paused = false
  #ended = false

  /**
   * `onFrame` gets each frame, valid during the call; false: it cannot be taken now, and comes again after `resume`.
   * `onEnd` is called once, with a sentence when something is wrong.
   */
  constructor(socket: Socket, onFrame: (frame: Uint8Array) => boolean, onEnd: (wrong?: string) => void) {
    this.#socket = socket
    this.#onFrame = onFrame
    this.#onEnd = onEnd
    socket.on('data', chunk => {
      // A socket that was given up may have had more.
      if (this.#ended) return
      this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
      if (!this.#paused) this.#take()
    })
    socket.on('drain', () => {
      const tell = this.#onRoom
      this.#onRoom = undefined
      tell?.()
    })
    socket.on('error', error => this.#end(`The stream of frames broke: ${error.message}`))
    socket.on('end', () => this.#end())
  }

  #end(wrong?: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd(wrong)
  }

  /** False: the stream is full, keep the frame; `onRoom` is called once when there is room. */
  send(frame: Uint8Array, onRoom: () => void): boolean {
    if (this.#socket.writableLength > FULL) {
      this.#onRoom = onRoom
      return false
    }
    const message = Buffer.allocUnsafe(4 + frame.length)
    message.writeUInt32BE(frame.length)
    message.set(frame, 4)
    this.#socket.write(message)
    return true
  }

  /** After `onFrame` said false: it can take frames again. */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#take()
    if (!this.#paused) this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  /** Hands out the whole frames that are there. */
  #take(): void {
    let bytes = this.#rest
    while (bytes.length >= 4 && !this.#paused) {
      const length = bytes.readUInt32BE()
      if (length > FRAME_MAX) {
        this.#socket.destroy()
        return this.#end(`A frame of ${length} bytes; ${FRAME_MAX} is the most.`)
      }
      if (bytes.length < 4 + length) break
      if (this.#onFrame(bytes.subarray(4, 4 + length))) bytes = bytes.subarray(4 + length)
      else {
        this.#paused = true
        this.#socket.pause()
      }
    }
    this.#rest = Buffer.from(bytes)
  }
}
