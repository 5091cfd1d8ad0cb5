/** Everything: the switch table's first column. */
import { compose } from '../create.ts'
import { pingSockets } from '../icmp/ping.ts'
import { ipFragments } from '../ip/fragments.ts'
import { procFs } from '../mib.ts'
import type { Environment, Stack, StackConfig } from '../stack.ts'
import { reno } from '../tcp/reno.ts'

export const createStack = (config: StackConfig, environment: Environment): Stack =>
  compose(config, environment, {
    congestion: reno,
    fragments: ipFragments({ buckets: 1024, chain: 128 }),
    ping: pingSockets,
    procFs,
  })
