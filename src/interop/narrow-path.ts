/**
 * Path MTU discovery against a kernel that forwards: whoever sends what is too large for the middle of the path is told so by
 * ICMP, and sends less (RFC 1191; RFC 8201).
 */
import { behindALoss, onABadWire } from './bad-wire.ts'
import { type Check, expectRun, type Verdict } from './check.ts'
import type { Namespace } from './namespace.ts'
import type { NodeHost } from './node-host.ts'
import type { Place } from './place.ts'
import { download, type Moved, upload } from './transfers.ts'

/** What the two families call things. */
export interface Family {
  readonly over: string
  /** Our address as an URL has it, and plain. */
  url(): string
  ours(): string
  /** The far host's addresses: of each nobody knows yet how narrow the way to it is. */
  readonly far: readonly [string, string, string, string]
}

export interface NarrowPath {
  readonly host: NodeHost
  readonly far: Namespace
  /** Bytes of a packet that the middle lets through. */
  readonly mtu: number
}

export const narrowPathChecks = (place: Place, path: NarrowPath, family: Family): readonly Check[] => {
  const { host, far, mtu } = path
  const { over, ours, url } = family
  const [a, b, c, d] = family.far
  const bytes = Math.min(place.megabytes, 20) * 1_000_000
  return [
    {
      name: `${over}we are told that ${mtu} bytes are the most, and a download keeps its hash`,
      needs: ['curl'],
      run: () => weSendLess(path, () => download(far, url(), bytes, a)),
    },
    {
      name: `${over}the kernel behind it is told, and an upload keeps its hash`,
      needs: ['curl'],
      run: async () =>
        (await behindALoss(host, () => upload(far, url(), bytes, b))).wrong ??
        expectRun(far, 'ip', ['route', 'get', ours(), 'from', b], new RegExp(`mtu ${mtu}\\b`)),
    },
    {
      name: `${over}the same with 1 % loss and reordering, downwards`,
      needs: ['curl'],
      run: () => onABadWire(host, () => weSendLess(path, () => download(far, url(), bytes / 2, c))),
    },
    {
      name: `${over}the same with 1 % loss and reordering, upwards`,
      needs: ['curl'],
      run: async () => (await onABadWire(host, () => upload(far, url(), bytes / 2, d))).wrong,
    },
    {
      name: `${over}ping of 5,000 bytes passes in pieces`,
      needs: ['ping'],
      run: () =>
        expectRun(
          far,
          'ping',
          ['-c', '3', '-i', '0.2', '-W', '2', '-s', '5000', '-I', a, ours()],
          / 0% packet loss/,
        ),
    },
  ]
}

/** The far kernel knows nothing of the path, neither from us before nor from what it was told. */
function forget({ far }: NarrowPath): void {
  far.ip('route', 'flush', 'cache')
  far.ip('-6', 'route', 'flush', 'cache')
}

const ETHERNET = 14

/** While it moves we send larger packets than `mtu` only at first, and full ones of that size afterwards. */
async function weSendLess(path: NarrowPath, moving: () => Promise<Moved>): Promise<Verdict> {
  const { host, mtu } = path
  const sizes: number[] = []
  // An MTU that it knew would be in the MSS that it announces.
  forget(path)
  host.onEmit = size => sizes.push(size - ETHERNET)
  const { wrong } = await moving()
  host.onEmit = undefined
  if (wrong !== undefined) return wrong
  const tooLarge = sizes.findIndex(size => size > mtu)
  const last = sizes.findLastIndex(size => size > mtu)
  const full = sizes.indexOf(mtu)
  const learnt = tooLarge >= 0 && full > tooLarge && last < sizes.length / 2
  return learnt
    ? undefined
    : `of ${sizes.length} frames the first that was too large was number ${tooLarge}, the last ${last}, the first full one ${full}`
}
