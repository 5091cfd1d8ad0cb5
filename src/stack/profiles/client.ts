/** What a client needs: the switch table's second column. */
import { compose } from '../create.ts'
import { inetDiag } from '../diag/diag.ts'
import { socketFilters } from '../filter/filter.ts'
import { ipMulticast } from '../igmp/multicast.ts'
import { fibList } from '../ip/fib-list.ts'
import { ipFragmentsSmall } from '../ip/fragments.ts'
import { rawSockets } from '../ip/raw.ts'
import { rtnetlink } from '../ip/tables.ts'
import { packetSockets } from '../packet/packet.ts'
import { procFs } from '../proc/proc-fs.ts'
import type { Environment, Stack, StackConfig } from '../stack.ts'
import { reno } from '../tcp/reno.ts'
import { timestamps } from '../tcp/timestamps.ts'
import { windowScale } from '../tcp/window-scale.ts'

export type * from '../stack.ts'

export const createStack = (config: StackConfig, environment: Environment): Stack =>
  compose(config, environment, {
    congestion: reno,
    fib: fibList,
    tables: rtnetlink,
    windowScale,
    timestamps,
    fragments: ipFragmentsSmall,
    multicast: ipMulticast,
    raw: rawSockets,
    packet: packetSockets,
    filter: socketFilters,
    procFs,
    diag: inetDiag,
    sockets: [rawSockets, packetSockets],
  })
