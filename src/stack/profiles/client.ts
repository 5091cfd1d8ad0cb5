/** What a client needs: the switch table's second column. */
import { compose } from '../create.ts'
import { dhcpClient } from '../dhcp/client.ts'
import { inetDiag } from '../diag/diag.ts'
import { mdns } from '../dns/mdns.ts'
import { resolver } from '../dns/resolver.ts'
import { netEthtool } from '../ethernet/ethtool.ts'
import { socketFilters } from '../filter/filter.ts'
import { icmpRedirects } from '../icmp/redirect.ts'
import { icmpTimestamp } from '../icmp/timestamp.ts'
import { ipMulticast } from '../igmp/multicast.ts'
import { destinations } from '../ip/destinations.ts'
import { fibList } from '../ip/fib-list.ts'
import { ipFragmentsSmall } from '../ip/fragments.ts'
import { ipOptions } from '../ip/options.ts'
import { rawSockets } from '../ip/raw.ts'
import { rtnetlink } from '../ip/tables.ts'
import { netlinkSockets } from '../netlink/netlink.ts'
import { packetSockets } from '../packet/packet.ts'
import { procFs } from '../proc/proc-fs.ts'
import type { Environment, Stack, StackConfig } from '../stack.ts'
import { pathMtu } from '../tcp/path-mtu.ts'
import { reno } from '../tcp/reno.ts'
import { sack } from '../tcp/sack.ts'
import { socketSettings } from '../tcp/settings.ts'
import { timestamps } from '../tcp/timestamps.ts'
import { windowScale } from '../tcp/window-scale.ts'

export type * from '../stack.ts'

/** A host of the profile `client`. Throws RangeError of one sentence for a configuration that cannot be had. */
export const createStack = (config: StackConfig, environment: Environment): Stack =>
  compose(config, environment, {
    congestion: reno,
    fib: fibList,
    tables: rtnetlink,
    options: ipOptions,
    redirects: icmpRedirects,
    icmpTimestamp,
    windowScale,
    timestamps,
    destinations,
    pathMtu,
    settings: socketSettings,
    sack,
    fragments: ipFragmentsSmall,
    multicast: ipMulticast,
    dhcpClient,
    dns: resolver,
    mdns,
    raw: rawSockets,
    packet: packetSockets,
    netlink: netlinkSockets,
    filter: socketFilters,
    ethtool: netEthtool,
    diag: inetDiag,
    procFs,
    sockets: [rawSockets, packetSockets, netlinkSockets],
  })
