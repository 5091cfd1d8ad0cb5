/** Everything: the switch table's first column. */
import { compose } from '../create.ts'
import { inetDiag } from '../diag/diag.ts'
import { socketFilters } from '../filter/filter.ts'
import { pingSockets } from '../icmp/ping.ts'
import { ipMulticast } from '../igmp/multicast.ts'
import { fibTrie } from '../ip/fib-trie.ts'
import { ipFragments } from '../ip/fragments.ts'
import { rawSockets } from '../ip/raw.ts'
import { rtnetlink } from '../ip/tables.ts'
import { packetSockets } from '../packet/packet.ts'
import { packetRing } from '../packet/ring.ts'
import { procFs } from '../proc/proc-fs.ts'
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
    raw: rawSockets,
    packet: packetSockets,
    packetRing,
    filter: socketFilters,
    procFs,
    diag: inetDiag,
    sockets: [pingSockets, rawSockets, packetSockets],
  })
