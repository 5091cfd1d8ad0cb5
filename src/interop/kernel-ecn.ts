/**
 * Explicit congestion notification with the kernel (RFC 3168): a router on the way marks packets in the place of losing them, the
 * receiver says so, and the sender slows down.
 */
import { onACongestedWire } from './bad-wire.ts'
import { type Check, type Verdict, within } from './check.ts'
import { kernelCounts } from './kernel-counts.ts'
import { type Ends, FAMILIES, IPV6, type Over } from './kernel-ends.ts'
import { download, type Moved, upload, weSayAndHear } from './transfers.ts'

const SETTING = 'net.ipv4.tcp_ecn'
const ASKS = 1
const AGREES = 2

export const congestionNotification = (ends: Ends): readonly Check[] => {
  const { place, host, linux } = ends
  const bytes = place.megabytes * 500_000
  const weSlowDown = async () => host.stack.counters['tcpEceReductions'] ?? 0
  // It counts the ACKs that told it of a mark.
  const itIsTold = () => kernelCounts(linux, 'TCPDeliveredCE')
  const checks = (over: Over): readonly Check[] => [
    {
      name: `${over.words}the kernel asks for ECN, we are told of marks and slow down; ss there says the same`,
      needs: ['curl', 'ss'],
      run: () =>
        kernelAsks(ends, async () => {
          const downloading = counted(weSlowDown, host, () => download(linux, over.url, bytes))
          const seen = sees(ends, over)
          return (await downloading) ?? (await seen)
        }),
    },
    {
      name: `${over.words}the kernel asks for ECN and is told of marks by us`,
      needs: ['curl'],
      run: () => kernelAsks(ends, () => counted(itIsTold, host, () => upload(linux, over.url, bytes))),
    },
    {
      name: `${over.words}we ask for ECN, and slow down when the kernel tells us of marks`,
      needs: [],
      run: () =>
        weAsk(ends, () => counted(weSlowDown, host, () => weSayAndHear(host, linux, over.theirs, bytes))),
    },
  ]
  return FAMILIES.flatMap(over => checks(over).map(check => ({ ...check, long: over.words === IPV6 })))
}

/** Hashes are equal, and the sender has counted more than before. */
async function counted(
  count: () => Promise<number>,
  host: Ends['host'],
  moving: () => Promise<Moved>,
): Promise<Verdict> {
  const before = await count()
  const { wrong } = await onACongestedWire(host, moving)
  return wrong ?? ((await count()) > before ? undefined : 'the sender heard of no mark')
}

/** ss: ECN was agreed upon, and packets that say ECT or CE were seen. */
async function sees({ linux }: Ends, { url }: Over): Promise<Verdict> {
  let out = ''
  const seen = await within(3, async () => {
    out = (await linux.run('ss', ['-tinoH', 'dst', url])).out
    return / ecn ecnseen /.test(out)
  })
  return seen ? undefined : `ss says: ${out.trim()}`
}

async function kernelAsks({ linux }: Ends, work: () => Promise<Verdict>): Promise<Verdict> {
  linux.set(SETTING, ASKS)
  try {
    return await work()
  } finally {
    linux.set(SETTING, AGREES)
  }
}

async function weAsk({ host }: Ends, work: () => Promise<Verdict>): Promise<Verdict> {
  host.stack.setSysctl(SETTING, ASKS)
  try {
    return await work()
  } finally {
    host.stack.setSysctl(SETTING, AGREES)
  }
}
