/** Connections with the kernel’s TCP on a wire that loses and reorders frames: what is lost is found out by SACK, at both ends. */
import { onABadWire } from './bad-wire.ts'
import type { Check, Verdict } from './check.ts'
import { type Ends, KERNEL, OURS, OURS6 } from './kernel-ends.ts'
import type { Namespace } from './namespace.ts'
import type { NodeHost } from './node-host.ts'
import {
  download,
  type Moved,
  netcatHalfCloses,
  netcatIsHalfClosed,
  parallelDownloads,
  upload,
} from './transfers.ts'

/** How often the kernel has recovered from a loss by what our SACK options told it (TcpExt of /proc/net/netstat). */
async function kernelsSackRecoveries(linux: Namespace): Promise<number> {
  const { out } = await linux.run('cat', ['/proc/net/netstat'])
  const [names = '', values = ''] = out.split('\n').filter(line => line.startsWith('TcpExt:'))
  return Number(values.split(' ')[names.split(' ').indexOf('TCPSackRecovery')])
}

/** Repairs are made by SACK, at the sender that `recoveries` looks at, while `moving` runs on a bad wire. */
async function bySack(
  host: NodeHost,
  recoveries: () => Promise<number> | number,
  moving: () => Promise<Moved>,
): Promise<Verdict> {
  const before = await recoveries()
  const { wrong } = await onABadWire(host, moving)
  if (wrong !== undefined) return wrong
  return (await recoveries()) > before ? undefined : 'nothing was recovered by SACK'
}

const BAD = 'with 1 % loss and reordering '

export const badWire = ({ place, host, linux }: Ends): readonly Check[] => {
  const bytes = Math.min(place.megabytes, 20) * 500_000
  const ours = () => host.stack.counters['tcpSackRecoveries'] ?? 0
  const theirs = () => kernelsSackRecoveries(linux)
  const bad = (name: string, needs: readonly string[], work: () => Promise<Verdict>): Check => ({
    name: BAD + name,
    needs,
    run: work,
  })
  const on = (work: () => Promise<Verdict>) => () => onABadWire(host, work)
  return [
    bad('a download keeps its hash, and we recover by the kernel’s SACK', ['curl'], () =>
      bySack(host, ours, () => download(linux, OURS, bytes)),
    ),
    bad('an upload keeps its hash, and the kernel recovers by our SACK', ['curl'], () =>
      bySack(host, theirs, () => upload(linux, OURS, bytes)),
    ),
    bad('a download over IPv6 keeps its hash', ['curl'], () =>
      bySack(host, ours, () => download(linux, `[${OURS6}]`, bytes)),
    ),
    bad('an upload over IPv6 keeps its hash', ['curl'], () =>
      bySack(host, theirs, () => upload(linux, `[${OURS6}]`, bytes)),
    ),
    bad(
      '50 connections at once are all served',
      ['curl'],
      on(() => parallelDownloads(linux, OURS, 50, 50_000)),
    ),
    bad(
      'nc half-closes, and gets the answer all the same',
      ['nc'],
      on(() => netcatHalfCloses(host, linux, OURS)),
    ),
    bad(
      'nc has half-closed, and hears all that we say after that',
      ['nc'],
      on(() => netcatIsHalfClosed(host, linux, KERNEL)),
    ),
  ]
}
