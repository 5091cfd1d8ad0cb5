/**
 * A message on the data channel: one or more frames, each behind its length as 2 bytes, big-endian.
 *
 *   0         2             2 + n     4 + n
 *   | n       | frame       | m       | frame …
 *
 * A batch that is cut short or holds an empty frame is malformed from there on: the frames before the fault were
 * whole and count, the rest is refused, because no later length can be trusted.
 */

/** The length before each frame, in bytes. */
export const BATCH_LENGTH = 2

/** Appends a frame at `at`; returns where the next one goes. The caller has seen to it that it fits. */
export function putFrame(batch: Uint8Array, at: number, frame: Uint8Array): number {
  batch[at] = frame.length >>> 8
  batch[at + 1] = frame.length
  batch.set(frame, at + BATCH_LENGTH)
  return at + BATCH_LENGTH + frame.length
}

/** Hands out each frame of a batch, as a view that is valid while `take` runs. False: malformed at some point. */
export function takeFrames(batch: Uint8Array, take: (frame: Uint8Array) => void): boolean {
  let at = 0
  while (at + BATCH_LENGTH <= batch.length) {
    const length = ((batch[at] as number) << 8) | (batch[at + 1] as number)
    const end = at + BATCH_LENGTH + length
    if (length === 0 || end > batch.length) return false
    take(batch.subarray(at + BATCH_LENGTH, end))
    at = end
  }
  return at === batch.length && batch.length > 0
}
