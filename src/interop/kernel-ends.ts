/** The two ends of the wire to the kernel. */
import type { Namespace } from './namespace.ts'
import type { NodeHost } from './node-host.ts'
import type { Place } from './place.ts'

export const OURS = '10.77.0.2'
export const KERNEL = '10.77.0.1'
export const OURS6 = 'fd77::2'
export const KERNEL6 = 'fd77::1'
/** How the sentences of checks over IPv6 begin. */
export const IPV6 = 'over IPv6, '

/** One of the two families of addresses. */
export interface Over {
  /** How the sentences of its checks begin. */
  readonly words: string
  readonly ours: string
  /** Ours as an URL has it. */
  readonly url: string
  readonly theirs: string
  /** What the names of its figures end with. */
  readonly unit: string
  /** The largest segment, bytes of data, beside timestamps in each. */
  readonly mss: number
}

export const FAMILIES: readonly Over[] = [
  { words: '', ours: OURS, url: OURS, theirs: KERNEL, unit: 'MBs', mss: 1448 },
  { words: IPV6, ours: OURS6, url: `[${OURS6}]`, theirs: KERNEL6, unit: 'MBs6', mss: 1428 },
]

/** All that a check here may need. */
export interface Ends {
  readonly place: Place
  readonly host: NodeHost
  readonly linux: Namespace
}
