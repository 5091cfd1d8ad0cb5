/**
 * A port: one end of a virtual cable. The switch hands it frames, and it hands the switch frames.
 * Frames are valid during the call only; who keeps one copies it.
 */

/** Where a port leads. */
export type PortKind = 'host' | 'peer'

export interface Port {
  readonly kind: PortKind
  /** Unique on this switch: a host's name or a peer's id. */
  readonly name: string
  /** Sends a frame out of this port. False: busy, and the frame was not taken; keep it and try after `onDrain`. */
  send(frame: Uint8Array): boolean
}
