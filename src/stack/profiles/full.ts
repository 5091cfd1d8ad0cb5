/** Everything: the switch table's first column. */
import { compose } from '../create.ts'
import { inetDiag } from '../diag/diag.ts'
import { socketFilters } from '../filter/filter.ts'
import { pingSockets } from '../icmp/ping.ts'
import { ipMulticast } from '../igmp/multicast.ts'
import { destinations } from '../ip/destinations.ts'
import { fibTrie } from '../ip/fib-trie.ts'
import { ipFragments } from '../ip/fragments.ts'
import { rawSockets } from '../ip/raw.ts'
import { rtnetlink } from '../ip/tables.ts'
import { packetSockets } from '../packet/packet.ts'
import { packetRing } from '../packet/ring.ts'
import { procFs } from '../proc/proc-fs.ts'
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
    fib: fibTrie,
    tables: rtnetlink,
    windowScale,
    timestamps,
    synCookies,
    destinations,
    fastOpen,
    metrics,
    pathMtu,
    settings: socketSettings,
    fragments: ipFragments,
    multicast: ipMulticast,
    offload,
    ping: pingSockets,
    raw: rawSockets,
    packet: packetSockets,
    packetRing,
    filter: socketFilters,
    diag: inetDiag,
    procFs,
    sockets: [pingSockets, rawSockets, packetSockets],
  })
