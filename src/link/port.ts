/**
 * A port: one end of a virtual cable. The switch hands it frames, and it hands the switch frames.
 * Frames are valid during the call only; who keeps one copies it.
 */
import type { Ms } from '../stack/stack.ts'
import type { Fate } from './fate.ts'

/** Where a port leads. */
export type PortKind = 'host' | 'peer'

export interface Port {
  readonly kind: PortKind
  /** Unique on this switch: a host's name or a peer's id. */
  readonly name: string
  /**
   * False: who sends to this port alone should wait. A port may still take a frame then (one that goes to
   * everybody must not wait for the slowest), and tells by `send`'s result whether it did.
   */
  readonly ready: boolean
  /** Takes the frame, or says why not. `no` is the frame's number in the capture. */
  send(frame: Uint8Array, no: number, now: Ms): Fate
}
