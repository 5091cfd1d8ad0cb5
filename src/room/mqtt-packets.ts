/**
 * MQTT packets out of a stream of bytes: a WebSocket message may hold a part of one, or several (MQTT 3.1.1, 6).
 *
 * u8-mqtt 0.6.7 gathers them itself, but holds a packet back that is shorter than the last one it had to wait for. So it is
 * given whole packets only.
 */

/** Bytes; lanlet's own messages are half as long. */
export const MAX_PACKET = 32 * 1024

export class MqttPackets {
  #held = new Uint8Array(0)

  /** Calls `take` for each packet that is whole now. Throws a RangeError when one is longer than MAX_PACKET. */
  add(bytes: Uint8Array, take: (packet: Uint8Array) => void): void {
    const all = new Uint8Array(this.#held.length + bytes.length)
    all.set(this.#held)
    all.set(bytes, this.#held.length)
    let at = 0
    for (;;) {
      const length = packetLength(all, at)
      if (length > MAX_PACKET) throw new RangeError(`an MQTT packet of ${length} bytes`)
      if (at + length > all.length) break
      take(all.subarray(at, at + length))
      at += length
    }
    this.#held = all.slice(at)
  }
}

/**
 * The length of the packet that begins `at`, its header included. While its Remaining Length is incomplete: a length that
 * the bytes at hand do not reach.
 */
function packetLength(bytes: Uint8Array, at: number): number {
  let remaining = 0
  // MQTT 3.1.1, 2.2.3: seven bits a byte, the low ones first, four bytes at most.
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + 1 + i]
    if (byte === undefined) return 2 + i
    remaining += (byte & 0x7f) * 128 ** i
    if (byte < 0x80) return 2 + i + remaining
  }
  return Number.POSITIVE_INFINITY
}
