/**
 * A room: how the pages that share an invitation find and trust each other.
 *
 * An invitation is a link whose fragment carries the room's name and a key; the fragment reaches no server. All that
 * is said over signalling is sealed with that key, so nobody without it becomes a peer. What a room yields is one
 * open frame channel and one control channel a peer; it knows nothing of frames or hosts.
 */

/** 32 hex digits, fresh each time a page joins. */
export type PeerId = string

/** What the page knows of another page in the room. */
export interface Member {
  readonly id: PeerId
  /** The name its host goes by. */
  readonly name: string
  readonly state:
    | { readonly kind: 'connecting'; readonly step: 'signalling' | 'ICE' | 'channel' }
    | { readonly kind: 'connected'; readonly path: 'direct' | 'relayed'; readonly rttMs: number | undefined }
    /** `why`: one sentence. */
    | { readonly kind: 'lost'; readonly why: string }
}

export type RoomState =
  | { readonly kind: 'joining' }
  | { readonly kind: 'joined' }
  /** Signalling is gone; peers that are connected stay. `why`: one sentence; it tries again by itself. */
  | { readonly kind: 'offline'; readonly why: string }
  | { readonly kind: 'left' }

/** A channel as it was opened: still transferable in the task that calls `onChannel`. */
export interface RoomEvents {
  /** Called in the task that creates the channel, so that it may be transferred to a worker at once. */
  onChannel(peer: PeerId, name: string, channel: RTCDataChannel): void
  /** A message on the peer's control channel: JSON that the other page sent with `tell`. */
  onTold(peer: PeerId, message: unknown): void
  /** Membership or state changed; read `members` and `state`. */
  onChange(): void
}
