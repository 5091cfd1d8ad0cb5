/** Everything: the switch table's first column. */
import { compose } from '../create.ts'
import { pingSockets } from '../icmp/ping.ts'
import { ipMulticast } from '../igmp/multicast.ts'
import { fibTrie } from '../ip/fib-trie.ts'
import { ipFragments } from '../ip/fragments.ts'
import { rtnetlink } from '../ip/tables.ts'
import { procFs } from '../mib.ts'
import type { Environment, Stack, StackConfig } from '../stack.ts'
import { offload } from '../tcp/offload.ts'
import { reno } from '../tcp/reno.ts'
import { timestamps } from '../tcp/timestamps.ts'
import { windowScale } from '../tcp/window-scale.ts'

export type * from '../stack.ts'

export const createStack = (config: StackConfig, environment: Environment): Stack =>
  compose(config, environment, {
    congestion: reno,
    fib: fibTrie,
    tables: rtnetlink,
    windowScale,
    timestamps,
    fragments: ipFragments,
    multicast: ipMulticast,
    offload,
    ping: pingSockets,
    procFs,
  })
