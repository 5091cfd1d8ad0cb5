/**
 * What a lack of memory has done to a host, each consequence with its cause. Read from what the host counted and from
 * its connections as they stand; nothing is told that did not happen.
 */
import type { DropCount, HostSnapshot } from '../host/protocol.ts'
import { Drop } from '../stack/drop.ts'
import { dropSentence } from '../stack/drop-names.ts'
import type { TcpState } from '../stack/inspect/inspect.ts'
import { count } from '../stack/wire/readable.ts'
import { sizeName } from './budget.ts'

export interface Consequence {
  readonly what: string
  readonly cause: string
  /** The number of the frame that shows it. */
  readonly frame: number | undefined
}

/** Reasons to drop a frame that mean: there is no room. */
const NO_ROOM: readonly Drop[] = [Drop.NoMemory, Drop.Backlog, Drop.QueueFull, Drop.ReassemblyFull]

const RECLAIMED: readonly [counter: string, what: string][] = [
  ['tcpReclaimedTimeWait', 'connection in TIME-WAIT was given up'],
  ['tcpReclaimedLastAck', 'connection in LAST-ACK was given up'],
  ['tcpReclaimedClosing', 'connection in CLOSING was given up'],
  ['tcpReclaimedOutOfOrder', 'queue of data out of order was dropped'],
]

/** `describe`: a frame in a few words, where the log still has it. */
export function consequencesOf(
  host: HostSnapshot,
  describe: (frame: number) => string | undefined,
): Consequence[] {
  return [
    ...closedWindows(host),
    ...narrowWindows(host),
    ...host.drops.filter(({ drop }) => NO_ROOM.includes(drop)).map(each => droppedFrames(each, describe)),
    ...RECLAIMED.flatMap(([counter, what]) => reclaimed(host.counters[counter] ?? 0, what)),
    ...refusals(host),
  ]
}

const RECEIVING: readonly TcpState[] = ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2']

function closedWindows({ connections, memory }: HostSnapshot): Consequence[] {
  const closed = connections.filter(({ state, rcvWnd }) => rcvWnd === 0 && RECEIVING.includes(state))
  const [first] = closed
  if (first === undefined) return []
  const to = `${first.remoteAddress}:${first.remotePort}`
  const unread = closed.reduce((sum, { receiveQueued }) => sum + receiveQueued, 0)
  const free = `${sizeName(memory.size - memory.used)} of the budget are free`
  return [
    {
      what:
        closed.length === 1
          ? `The window to ${to} is closed.`
          : `${closed.length} windows are closed, one to ${to}.`,
      cause:
        unread > 0 ? `${sizeName(unread)} wait to be read, ${free}.` : `${free}: too little to promise any.`,
      frame: undefined,
    },
  ]
}

/** What a window keeps when nothing is left but the page that whoever has nothing to read may always fill (tcp/window.ts). */
const LAST_PAGE = 1460

/** A host with less free than this has nothing else to promise. */
const SCARCE = 8 * 1024

function narrowWindows({ connections, memory }: HostSnapshot): Consequence[] {
  const free = memory.size - memory.used
  const narrow = connections.filter(
    ({ state, rcvWnd, receiveQueued }) =>
      rcvWnd > 0 && rcvWnd <= LAST_PAGE && receiveQueued === 0 && RECEIVING.includes(state),
  )
  const [first] = narrow
  if (first === undefined || free > SCARCE) return []
  const to = `${first.remoteAddress}:${first.remotePort}`
  return [
    {
      what:
        narrow.length === 1
          ? `The window to ${to} has closed but for one segment.`
          : `${narrow.length} windows have closed but for one segment, one to ${to}.`,
      cause: `${sizeName(free)} of the budget are free: the last page to hear with is promised to all.`,
      frame: undefined,
    },
  ]
}

function droppedFrames(
  { drop, frames, last }: DropCount,
  describe: (frame: number) => string | undefined,
): Consequence {
  const words = describe(last)
  const what = frames === 1 ? '1 frame was dropped' : `${frames} frames were dropped`
  return {
    what: words === undefined ? `${what}.` : `${what}, ${frames === 1 ? '' : 'at last '}${words}.`,
    cause: dropSentence(drop),
    frame: words === undefined ? undefined : last,
  }
}

function reclaimed(times: number, what: string): Consequence[] {
  if (times === 0) return []
  const many = what.replace(/^(\w+)/, '$1s').replace(' was ', ' were ')
  return [
    {
      what: times === 1 ? `1 ${what}.` : `${times} ${many}.`,
      cause: 'Others needed the memory, and the peer can do without.',
      frame: undefined,
    },
  ]
}

function refusals({ memory }: HostSnapshot): Consequence[] {
  return memory.pools
    .filter(({ failures }) => failures > 0)
    .map(({ name, failures }) => ({
      what: `${count(failures, 'request')} for memory ${failures === 1 ? 'was' : 'were'} refused: ${name}.`,
      cause: 'No page was free, or only those kept for control traffic.',
      frame: undefined,
    }))
}
