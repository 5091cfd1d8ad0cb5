/**
 * The one boundary between the page and the worker: what the page may ask, what the worker tells.
 *
 * The worker runs the segment: the switch, every host of this page, the ports to peers, and the capture. The page
 * sends commands and gets one reply to each; the worker sends an update, at most one every 50 ms and none while
 * nothing changes, with all that happened since the last.
 */
import type { Drop } from '../stack/drop.ts'
import type { ConnectionRecord, NeighbourRecord, TcpState } from '../stack/inspect/inspect.ts'
import type { ArenaPages } from '../stack/inspect/pages.ts'
import type { MemoryReport, Ms } from '../stack/stack.ts'

export type ProfileName = 'full' | 'client' | 'minimal'
/** A host's name, unique on this page; a DNS label: 'alice'. */
export type HostName = string
/** A peer page's identity in the room: 32 hex digits, fresh each time a page joins. */
export type PeerId = string
/** A program's connection on a host, unique on this page. */
export type ConnectionId = number

export interface HostSpec {
  readonly name: HostName
  readonly profile: ProfileName
  /** The budget in bytes. */
  readonly memory: number
  /** 'xx:xx:xx:xx:xx:xx', locally administered and unicast. */
  readonly mac: string
  /** The label under which the link finds it, 'label.local' (RFC 6762); without, it has no such name. */
  readonly localName?: string
  /** Whether it speaks IPv6 too, where its profile can; it does not if absent: the chatter of a second IP hides the first's. */
  readonly ipv6?: boolean
}

/**
 * The port of the switch itself in frame and arrival records: LLDP comes from it and goes to it, and what it refuses
 * ends there. No host may have this name.
 */
export const SWITCH = 'switch'

// ---- page to worker -------------------------------------------------------------------------------------------

export type Command =
  | { readonly kind: 'add-host'; readonly spec: HostSpec }
  | { readonly kind: 'remove-host'; readonly host: HostName }
  /** Restarts the host in another budget or profile, or with or without IPv6. Its connections end; its name and MAC stay. */
  | {
      readonly kind: 'restart-host'
      readonly host: HostName
      readonly profile: ProfileName
      readonly memory: number
      readonly ipv6: boolean
    }
  /** A peer's frames arrive over this channel; it was transferred with the command. */
  | {
      readonly kind: 'add-peer'
      readonly peer: PeerId
      readonly name: string
      readonly channel: RTCDataChannel
    }
  /** The same where a channel cannot be transferred: the page's thread hands batches over this message port. */
  | {
      readonly kind: 'add-peer-relay'
      readonly peer: PeerId
      readonly name: string
      readonly relay: MessagePort
    }
  | { readonly kind: 'remove-peer'; readonly peer: PeerId }
  /** Reply: { pings: PingResult[] } when the last is answered or given up. Each one is also told as a notice. */
  | { readonly kind: 'ping'; readonly host: HostName; readonly address: string; readonly count: number }
  /** Opens a line-by-line text conversation (port 23 is the text program's, 7 echo's). Reply: { connection } when ESTABLISHED. */
  | { readonly kind: 'connect'; readonly host: HostName; readonly address: string; readonly port: number }
  | { readonly kind: 'send-text'; readonly connection: ConnectionId; readonly text: string }
  | { readonly kind: 'close'; readonly connection: ConnectionId }
  | { readonly kind: 'abort'; readonly connection: ConnectionId }
  /** Sends a file to the file program of another host. Reply: { bytes, sha256 } once the receiver has confirmed its hash. */
  | {
      readonly kind: 'send-file'
      readonly host: HostName
      readonly address: string
      readonly name: string
      readonly file: Blob
    }
  /** Reply: { pcapng: ArrayBuffer }: every frame still in the capture, with comments for drops. */
  | { readonly kind: 'export-capture' }
  | { readonly kind: 'clear-capture' }
  /** The host's arena page by page, as it is now. Reply: { pages }. */
  | { readonly kind: 'inspect-arena'; readonly host: HostName }
  /** An update at once. */
  | { readonly kind: 'snapshot' }

export interface PingResult {
  readonly sequence: number
  /** Milliseconds; undefined when no reply came in time. */
  readonly rtt: number | undefined
}

/** What each command's reply carries. */
export interface Replies {
  'add-host': Record<string, never>
  'remove-host': Record<string, never>
  'restart-host': Record<string, never>
  'add-peer': Record<string, never>
  'add-peer-relay': Record<string, never>
  'remove-peer': Record<string, never>
  ping: { readonly pings: readonly PingResult[] }
  connect: { readonly connection: ConnectionId }
  'send-text': Record<string, never>
  close: Record<string, never>
  abort: Record<string, never>
  'send-file': { readonly bytes: number; readonly sha256: string }
  'export-capture': { readonly pcapng: ArrayBuffer }
  'clear-capture': Record<string, never>
  'inspect-arena': { readonly pages: ArenaPages }
  snapshot: Record<string, never>
}

/** What a page's segment has counted: one that follows it, in a new worker, goes on from there. */
export interface Counted {
  /** The last frame's number. */
  readonly frames: number
  /** The newest connection. */
  readonly connections: ConnectionId
  /** What its time must be added to for wall-clock time, ms since 1970. */
  readonly timeOrigin: Ms
}

/** The first message. */
export interface Begin {
  /** The folder of the built stacks, a URL that ends with a slash. */
  readonly stacks: string
  /** What the segment before it had counted; undefined for a page's first. */
  readonly after: Counted | undefined
}

/** Asks whether the worker is there, which says the same at once. */
export interface Beat {
  readonly kind: 'beat'
}

/** How a command travels. */
export interface Request {
  readonly id: number
  readonly command: Command
}

// ---- worker to page -------------------------------------------------------------------------------------------

/** A frame as it entered the switch. One frame is one record, wherever it goes. */
export interface FrameRecord {
  readonly kind: 'frame'
  /** 1, 2, 3 … in the order of events of this page. */
  readonly no: number
  /** Milliseconds since the worker started. */
  readonly time: Ms
  /** The port it came from: a host's name or a peer's id. */
  readonly from: string
  readonly bytes: Uint8Array
}

/** What became of a frame at one port: delivered to a host, sent on to a peer, or lost, with the reason. */
export interface ArrivalRecord {
  readonly kind: 'arrival'
  readonly no: number
  readonly time: Ms
  /** The port it went to. */
  readonly at: string
  /** 'delivered' to a host that took it, 'forwarded' to a peer, else why not. */
  readonly fate:
    | { readonly kind: 'delivered' }
    | { readonly kind: 'forwarded' }
    | { readonly kind: 'dropped'; readonly drop: Drop }
    | { readonly kind: 'lost'; readonly why: string }
    /** For all, and nobody else was on the segment. */
    | { readonly kind: 'unheard' }
}

/** A TCP connection of one host changed its state. */
export interface StateRecord {
  readonly kind: 'state'
  readonly time: Ms
  /** The host it belongs to, or the peer whose page told us of it. */
  readonly host: HostName
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly state: TcpState
  /** The frame that was being sent or taken when it changed; undefined when a call or a timer changed it. */
  readonly frame: number | undefined
}

/** Something that a person should read: text that arrived, a ping's answer, a file, an error. */
export interface NoticeRecord {
  readonly kind: 'notice'
  readonly time: Ms
  readonly host: HostName
  readonly about: 'text' | 'ping' | 'file' | 'address' | 'connection' | 'peer' | 'page' | 'error'
  readonly connection: ConnectionId | undefined
  /** One sentence, or the line of text as it was received. */
  readonly text: string
}

/** All that happens on this page's segment, in order. */
export type LogRecord = FrameRecord | ArrivalRecord | StateRecord | NoticeRecord

/** A conversation of the text program, opened from here or accepted. */
export interface Conversation {
  readonly connection: ConnectionId
  readonly host: HostName
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly openedHere: boolean
  readonly open: boolean
  /** What was said, oldest first; the last 200 lines, of 16,384 characters together. */
  readonly lines: readonly { readonly mine: boolean; readonly text: string }[]
  /** Why it ended, in a sentence, once it has. */
  readonly ended: string | undefined
}

/** A file under way or done. */
export interface Transfer {
  readonly host: HostName
  readonly remoteAddress: string
  readonly name: string
  readonly direction: 'out' | 'in'
  readonly size: number
  readonly done: number
  /** Hex, once complete and equal on both sides. */
  readonly sha256: string | undefined
  /** Milliseconds from the first byte to the confirmation. */
  readonly took: Ms | undefined
  readonly failed: string | undefined
}

/** Frames that a host did not take for one reason. */
export interface DropCount {
  readonly drop: Drop
  readonly frames: number
  /** The number of the last of them. */
  readonly last: number
}

export interface HostSnapshot {
  readonly name: HostName
  readonly mac: string
  /** Dotted decimal; undefined while the host is still looking for one. */
  readonly address: string | undefined
  readonly profile: ProfileName
  /** Whether it was started with IPv6. */
  readonly ipv6: boolean
  readonly memory: MemoryReport
  readonly connections: readonly ConnectionRecord[]
  readonly neighbours: readonly NeighbourRecord[]
  /** Empty where the profile has no PROC_FS. */
  readonly counters: Readonly<Record<string, number>>
  /** What it refused since it started, counted by what `input` returned: every profile has these. */
  readonly drops: readonly DropCount[]
  readonly conversations: readonly Conversation[]
  readonly transfers: readonly Transfer[]
}

/** A port to a peer, read from its channel. */
export interface PeerSnapshot {
  readonly peer: PeerId
  readonly name: string
  /** What the peer announced (LLDP): its hosts' addresses on the wire and the largest frame it takes. */
  readonly macs: readonly string[]
  readonly maxFrame: number
  readonly open: boolean
  /** Which thread carries the frames. */
  readonly carrier: 'worker' | 'page'
  readonly framesIn: number
  readonly framesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Frames refused: malformed batches, forged sources. */
  readonly refused: number
  /** Frames lost because our queue above the channel was full. */
  readonly queueDrops: number
  /** Bytes waiting in the channel, now. */
  readonly buffered: number
}

export interface Update {
  readonly kind: 'update'
  /** The segment's clock, ms since the page's first worker started; `timeOrigin` makes it wall-clock time. */
  readonly now: Ms
  readonly counted: Counted
  readonly log: readonly LogRecord[]
  /**
   * Frames and events of this interval that were too many to tell: the log lacks them. The capture (`export-capture`) has
   * the frames.
   */
  readonly leftOut: number
  readonly hosts: readonly HostSnapshot[]
  readonly peers: readonly PeerSnapshot[]
}

export type Reply<K extends Command['kind'] = Command['kind']> =
  | { readonly kind: 'reply'; readonly id: number; readonly ok: true; readonly value: Replies[K] }
  /** `message`: one sentence that says what is wrong and what would be right. */
  | { readonly kind: 'reply'; readonly id: number; readonly ok: false; readonly message: string }

export type FromWorker = Update | Reply
