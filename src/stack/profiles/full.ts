/** Everything: the switch table's first column. */
import { compose } from '../create.ts'
import { pingSockets } from '../icmp/ping.ts'
import { destinations } from '../ip/destinations.ts'
import { ipFragments } from '../ip/fragments.ts'
import { procFs } from '../mib.ts'
import type { Environment, Stack, StackConfig } from '../stack.ts'
import { fastOpen } from '../tcp/fast-open.ts'
import { metrics } from '../tcp/metrics.ts'
import { offload } from '../tcp/offload.ts'
import { pathMtu } from '../tcp/path-mtu.ts'
import { reno } from '../tcp/reno.ts'
import { socketSettings } from '../tcp/settings.ts'
import { synCookies } from '../tcp/syn-cookies.ts'
import { timestamps } from '../tcp/timestamps.ts'
import { windowScale } from '../tcp/window-scale.ts'

export type * from '../stack.ts'

export const createStack = (config: StackConfig, environment: Environment): Stack =>
  compose(config, environment, {
    congestion: reno,
    windowScale,
    timestamps,
    synCookies,
    destinations,
    fastOpen,
    metrics,
    pathMtu,
    settings: socketSettings,
    fragments: ipFragments,
    offload,
    ping: pingSockets,
    procFs,
  })
