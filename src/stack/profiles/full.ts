/** Everything: the switch table's first column. */
import { compose } from '../create.ts'
import { pingSockets } from '../icmp/ping.ts'
import { ipFragments } from '../ip/fragments.ts'
import { procFs } from '../mib.ts'
import type { Environment, Stack, StackConfig } from '../stack.ts'
import { cubic } from '../tcp/cubic.ts'
import { ecn } from '../tcp/ecn.ts'
import { rack } from '../tcp/rack.ts'
import { sack } from '../tcp/sack.ts'
import { timestamps } from '../tcp/timestamps.ts'
import { windowScale } from '../tcp/window-scale.ts'

export type * from '../stack.ts'

export const createStack = (config: StackConfig, environment: Environment): Stack =>
  compose(config, environment, {
    congestion: cubic,
    windowScale,
    timestamps,
    sack,
    rack,
    ecn,
    fragments: ipFragments,
    ping: pingSockets,
    procFs,
  })
