/**
 * A plan is what a seed stands for: hosts, the wires between them, and what happens at which millisecond. It is data, so a run that
 * fails can be tried again with less of it (shrink.ts). draw.ts makes one of a seed. What a plan does not say is as it was
 * before it could be said, so that the cases (cases/) stay what they are.
 */
export type ProfileName = 'full' | 'client' | 'minimal'

export interface HostPlan {
  readonly profile: ProfileName
  /** Bytes. */
  readonly memory: number
  readonly ipv6: boolean
  /** Frames that its link takes in a millisecond; the others wait in the stack. */
  readonly rate: number
  /** How far its clock is from the others', ms. */
  readonly skew: number
  /** The largest frame that its link carries, bytes; 1514 if absent. All hosts of a plan have the same. */
  readonly largestFrame?: number
  /** The wires that it has a link on, by their numbers; wire 0 if absent. A host on more than one forwards between them. */
  readonly wires?: readonly number[]
  /** Where its address comes from: the plan, a DHCP server, or itself (RFC 3927). From the plan if absent. */
  readonly address?: 'fixed' | 'dhcp' | 'auto'
  /** Its first link-local address is that of this host, too. */
  readonly twin?: number
  /** It is the DHCP server of its wire, and lends for so many seconds. */
  readonly lease?: number
  /** It tells the link its name (mDNS), and DHCP servers. */
  readonly named?: boolean
  /** Settings that are other than the usual ones, where the profile has any. */
  readonly sysctls?: Readonly<Record<string, number>>
}

/** An Ethernet segment. */
export interface WirePlan {
  /** The largest IP packet that routers put on it; what hosts on it believe, too, if `told`. 1500. */
  readonly mtu: number
  readonly told: boolean
  /** There is an IPv6 router on it, which advertises a network; of its packets none larger than this pass. 0: there is none. */
  readonly router6: number
}

/** What befalls frames on the wire; probabilities for each of them, times in ms. */
export interface Weather {
  readonly delay: number
  readonly loss: number
  /** That a burst begins, in which all is lost; and how long it lasts. */
  readonly burst: number
  readonly burstLasts: number
  readonly late: number
  /** A late frame comes up to so much later. */
  readonly lateBy: number
  readonly twice: number
  /** One bit of its IP packet is turned. */
  readonly corrupt: number
  /** That a segment with text says that some of it is urgent (RFC 9293, 3.8.5), and that a packet that may be marked is (RFC 3168, 5). */
  readonly urgent?: number
  readonly marks?: number
}

export const CALM: Weather = {
  delay: 1,
  loss: 0,
  burst: 0,
  burstLasts: 0,
  late: 0,
  lateBy: 0,
  twice: 0,
  corrupt: 0,
  urgent: 0,
  marks: 0,
}

/** A TCP connection from one host's program to another's, and what the two have to say. */
export interface StreamPlan {
  readonly kind: 'stream'
  readonly id: number
  readonly from: number
  readonly to: number
  readonly ipv6: boolean
  /** Bytes that the client sends, and the server. */
  readonly bytes: number
  readonly back: number
  /** The most that is written or read at once, and the pause after it, ms. */
  readonly piece: number
  readonly pause: number
  /**
   * How the client ends it: in order; without reading what the server says; by a reset after half of its bytes; without
   * reading, and with seconds to linger.
   */
  readonly ending: 'order' | 'deaf' | 'reset' | 'linger'
  /** How it begins: by a call; by one that brings text (RFC 7413); by calls from both ends at once (RFC 9293, figure 7). A call if absent. */
  readonly opening?: 'call' | 'text' | 'cross'
  /** Whether one end is silent until it has heard all of the other; both speak at once if absent. */
  readonly turns?: 'client first' | 'server first'
  /** How long the client reads nothing, once, in the middle, ms. */
  readonly nap?: number
  readonly noDelay?: boolean
  readonly reno?: boolean
  /** Ms. */
  readonly userTimeout?: number
}

export interface DatagramsPlan {
  readonly kind: 'datagrams'
  readonly id: number
  readonly from: number
  readonly to: number
  readonly count: number
  readonly bytes: number
  readonly pause: number
  /** They go to a group that all hosts have joined which can. */
  readonly group?: boolean
  readonly ttl?: number
}

export interface PingPlan {
  readonly kind: 'ping'
  readonly id: number
  readonly from: number
  readonly to: number
  readonly count: number
  readonly bytes: number
  readonly pause: number
  readonly ttl?: number
}

/** A host asks for another's name or address, or for what nobody has. */
export interface QuestionPlan {
  readonly kind: 'question'
  readonly from: number
  readonly to: number
  readonly asks: 'A' | 'AAAA' | 'PTR' | 'nobody' | 'server'
}

/** A program that looks: at frames, at what raw sockets hear, at tables, at sockets. */
export interface WatcherPlan {
  readonly kind: 'watcher'
  readonly host: number
  readonly lasts: number
  readonly ring: boolean
  readonly filter: boolean
}

export type Incident = { readonly at: number } & (
  | StreamPlan
  | DatagramsPlan
  | PingPlan
  | QuestionPlan
  | WatcherPlan
  /** Of one wire; of all if there is no number. */
  | { readonly kind: 'weather'; readonly weather: Weather; readonly wire?: number }
  /** These hosts and the others do not hear each other for so long; on one wire, if there is a number. */
  | {
      readonly kind: 'partition'
      readonly hosts: readonly number[]
      readonly lasts: number
      readonly wire?: number
    }
  /** The host accepts no connections for so long: its listener is closed, with all that waited in it. */
  | { readonly kind: 'hush'; readonly host: number; readonly lasts: number }
  /** Somebody gives the host another address, a route, a group, and takes them back so long after. */
  | { readonly kind: 'errand'; readonly host: number; readonly lasts: number }
  /** The host's address becomes another of its network. */
  | { readonly kind: 'renumber'; readonly host: number }
  /** The others are told that the host is gone for good, which it is not; it says goodbye itself. */
  | { readonly kind: 'gone'; readonly host: number }
  /** The host loses its power, and all that it knew; so long after it starts again. */
  | { readonly kind: 'restart'; readonly host: number; readonly lasts: number }
  /** The machine sleeps; its clock goes on in the meantime, or stands still. */
  | { readonly kind: 'sleep'; readonly host: number; readonly lasts: number; readonly clockRuns: boolean }
  /** Its link comes up: it may have other neighbours than before, and has the same. */
  | { readonly kind: 'linkUp'; readonly host: number }
  /** The arena is copied and goes on in another stack. */
  | { readonly kind: 'transplant'; readonly host: number }
  /** Each n-th allocation fails. */
  | { readonly kind: 'refuse'; readonly host: number; readonly every: number; readonly lasts: number }
)

export interface Plan {
  readonly seed: number
  /** One of 1500 bytes if absent. */
  readonly wires?: readonly WirePlan[]
  readonly hosts: readonly HostPlan[]
  readonly incidents: readonly Incident[]
}
