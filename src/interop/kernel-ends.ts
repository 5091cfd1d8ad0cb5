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

/** All that a check here may need. */
export interface Ends {
  readonly place: Place
  readonly host: NodeHost
  readonly linux: Namespace
}
