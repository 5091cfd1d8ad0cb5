/** The least that is still TCP/IP: the switch table's third column. */
import { compose } from '../create.ts'
import { fibList } from '../ip/fib-list.ts'
import { ipFragmentsSmall } from '../ip/fragments.ts'
import type { Environment, Stack, StackConfig } from '../stack.ts'
import { reno } from '../tcp/reno.ts'

export type * from '../stack.ts'

/** A host of the profile `minimal`. Throws RangeError of one sentence for a configuration that cannot be had. */
export const createStack = (config: StackConfig, environment: Environment): Stack =>
  compose(config, environment, { congestion: reno, fib: fibList, fragments: ipFragmentsSmall })
