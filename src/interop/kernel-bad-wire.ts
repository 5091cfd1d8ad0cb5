/**
 * All of it once more on a wire that loses and reorders frames in both directions. Whoever sends much must have found out by SACK
 * what was lost: the kernel by our options, we by the kernel's.
 */
import { onABadWire } from './bad-wire.ts'
import { type Check, failed, type Verdict } from './check.ts'
import { EXCHANGES, type Exchange } from './exchanges.ts'
import { kernelCounts } from './kernel-counts.ts'
import { type Ends, FAMILIES, IPV6, type Over } from './kernel-ends.ts'
import { measured } from './kernel-transfers.ts'
import type { Moved } from './transfers.ts'

const BAD = 'with 1 % loss and reordering '

export const badWire = (ends: Ends): readonly Check[] =>
  FAMILIES.flatMap(over => [
    ...EXCHANGES.map(exchange => exchangeOnIt(ends, over, exchange)),
    // So many are lost as frames are, on two ways; a ping of 5,000 bytes is four frames on each.
    pingOnIt(ends, over, { count: 1_000, size: 56, least: 950 }),
    pingOnIt(ends, over, { count: 200, size: 5_000, least: 160 }),
  ])

/** The short form's: what curl moves, and over IPv4 what others measure and what is small. */
const isShort = ({ words }: Over, { figure }: Exchange): boolean =>
  figure === 'curlDown' ||
  figure === 'curlUp' ||
  (words === '' && (figure === undefined || figure === 'iperfUp' || figure === 'iperfDown'))

function exchangeOnIt(ends: Ends, over: Over, exchange: Exchange): Check {
  const { name, needs, figure, sender } = exchange
  const run = () => onABadWire(ends.host, () => exchange.run(ends, over))
  return {
    name: `${over.words}${BAD}${name}${sender === undefined ? '' : SENDERS[sender]}`,
    needs,
    long: !isShort(over, exchange),
    run: () =>
      measured(
        ends.place,
        figure && `${figure}Bad${over.unit}`,
        sender === undefined ? run() : bySack(ends, sender, run),
      ),
  }
}

const SENDERS = {
  we: '; what is lost we find by the kernel’s SACK',
  they: '; what is lost the kernel finds by our SACK',
}

/** The sender has repaired losses by what SACK told it. */
async function bySack(
  { host, linux }: Ends,
  sender: 'we' | 'they',
  moving: () => Promise<Moved>,
): Promise<Moved> {
  const recoveries = () =>
    sender === 'we' ? (host.stack.counters['tcpSackRecoveries'] ?? 0) : kernelCounts(linux, 'TCPSackRecovery')
  const before = await recoveries()
  const moved = await moving()
  if (moved.wrong !== undefined || (await recoveries()) > before) return moved
  return { ...moved, wrong: 'nothing was recovered by SACK' }
}

interface Pings {
  readonly count: number
  /** Bytes of data in each. */
  readonly size: number
  /** How many must be answered. */
  readonly least: number
}

function pingOnIt({ host, linux }: Ends, { words, ours }: Over, { count, size, least }: Pings): Check {
  const answered = async (): Promise<Verdict> => {
    const args = ['-i', '0.002', '-q', '-W', '1', '-c', String(count), '-s', String(size), ours]
    const outcome = await linux.run('ping', args)
    const received = Number(/(\d+) received/.exec(outcome.out)?.[1] ?? 0)
    return received >= least && received < count ? undefined : failed('ping', outcome)
  }
  return {
    name: `${words}${BAD}${least} of ${count.toLocaleString('en')} pings of ${size.toLocaleString('en')} bytes are answered at least`,
    needs: ['ping'],
    long: words === IPV6,
    run: () => onABadWire(host, answered),
  }
}
