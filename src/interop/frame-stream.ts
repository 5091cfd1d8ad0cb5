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

  /** `onFrame` gets each frame, valid during the call; `onEnd` is called once, with a sentence when something is wrong. */
  constructor(socket: Socket, onFrame: (frame: Uint8Array) => void, onEnd: (wrong?: string) => void) {
    this.#socket = socket
    socket.on('data', chunk => {
      const wrong = this.#take(chunk, onFrame)
      if (wrong !== undefined) {
        socket.destroy()
        onEnd(wrong)
      }
    })
    socket.on('drain', () => {
      const tell = this.#onRoom
      this.#onRoom = undefined
      tell?.()
    })
    socket.on('error', error => onEnd(`The stream of frames broke: ${error.message}`))
    socket.on('end', () => onEnd())
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

  end(): void {
    this.#socket.end()
  }

  #take(chunk: Buffer, onFrame: (frame: Uint8Array) => void): string | undefined {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (bytes.length >= 4) {
      const length = bytes.readUInt32BE()
      if (length > FRAME_MAX) return `A frame of ${length} bytes; ${FRAME_MAX} is the most.`
      if (bytes.length < 4 + length) break
      onFrame(bytes.subarray(4, 4 + length))
      bytes = bytes.subarray(4 + length)
    }
    this.#rest = Buffer.from(bytes)
    return undefined
  }
}
