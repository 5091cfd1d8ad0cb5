/**
 * What became of a frame at one port, as one number, so that telling it costs nothing: the kind in the low 8 bits,
 * the detail (a Drop or a Loss) above.
 */
import type { Drop } from '../stack/drop.ts'

/** Why the link itself did not carry a frame. */
export const Loss = {
  /** Shorter than an Ethernet header. */
  Runt: 0,
  Oversized: 1,
  /** IEEE 802.3, 3.2.3: a source address is an individual one. */
  GroupSource: 2,
  /** Port security: the peer did not announce this source. */
  Unannounced: 3,
  /** Port security: the ARP packet names another sender than its frame, or is cut short. */
  ForgedArp: 4,
  /** The destination is behind another peer, or a station that is meant is not there. */
  NoWay: 5,
  /** The queue above the channel was full. */
  QueueFull: 6,
  /** The channel is not open. */
  PortClosed: 7,
  /** Larger than the peer said it takes. */
  TooLargeForPeer: 8,
  /** The host was stopped by an error. */
  HostStopped: 9,
  /** An LLDP frame that breaks IEEE 802.1AB. */
  BadLldp: 10,
  /** LLDP announces an address that another port holds. */
  AddressTaken: 11,
} as const
export type Loss = (typeof Loss)[keyof typeof Loss]

const SENTENCES: readonly string[] = [
  'The frame is shorter than an Ethernet header of 14 bytes.',
  'The frame is larger than 1514 bytes.',
  'The source address is a group address; only a single station may send.',
  'The peer did not announce this source address, so it may not send from it.',
  'The ARP packet is cut short or names another sender than the frame that carries it.',
  'No port leads to that station.',
  'The queue to this peer is full.',
  'The channel to this peer is not open.',
  'The frame is larger than this peer takes.',
  'The host was stopped by an error.',
  'The LLDP frame is malformed.',
  'The peer announced an address that another port already has.',
]

export const lossSentence = (loss: number): string => SENTENCES[loss] ?? `Loss ${loss}.`

declare const fateBrand: unique symbol
export type Fate = number & { readonly [fateBrand]: true }

export const FateKind = { Delivered: 0, Forwarded: 1, Dropped: 2, Lost: 3, Unheard: 4 } as const

export const DELIVERED = FateKind.Delivered as number as Fate
export const FORWARDED = FateKind.Forwarded as number as Fate
/** It was for all, and nobody else was there. */
export const UNHEARD = FateKind.Unheard as number as Fate
export const dropped = (drop: Drop): Fate => (FateKind.Dropped | (drop << 8)) as Fate
export const lost = (loss: Loss): Fate => (FateKind.Lost | (loss << 8)) as Fate

export const fateKind = (fate: number): number => fate & 0xff
export const fateDetail = (fate: number): number => fate >> 8
