/** Everything: the switch table's first column. */
import { compose } from '../create.ts'
import { dhcpClient } from '../dhcp/client.ts'
import { dhcpServer } from '../dhcp/server.ts'
import { inetDiag } from '../diag/diag.ts'
import { mdns } from '../dns/mdns.ts'
import { resolver } from '../dns/resolver.ts'
import { netEthtool } from '../ethernet/ethtool.ts'
import { socketFilters } from '../filter/filter.ts'
import { pingSockets } from '../icmp/ping.ts'
import { icmpRedirects } from '../icmp/redirect.ts'
import { icmpTimestamp } from '../icmp/timestamp.ts'
import { ipMulticast } from '../igmp/multicast.ts'
import { destinations } from '../ip/destinations.ts'
import { fibTrie } from '../ip/fib-trie.ts'
import { ipForward } from '../ip/forward.ts'
import { ipFragments } from '../ip/fragments.ts'
import { ipOptions } from '../ip/options.ts'
import { rawSockets } from '../ip/raw.ts'
import { rtnetlink } from '../ip/tables.ts'
import { ipv6Protocol } from '../ip6/ipv6.ts'
import { netlinkSockets } from '../netlink/netlink.ts'
import { packetSockets } from '../packet/packet.ts'
import { packetRing } from '../packet/ring.ts'
import { procFs } from '../proc/proc-fs.ts'
import type { Environment, Stack, StackConfig } from '../stack.ts'
import { cubic } from '../tcp/cubic.ts'
import { ecn } from '../tcp/ecn.ts'
import { fastOpen } from '../tcp/fast-open.ts'
import { metrics } from '../tcp/metrics.ts'
import { offload } from '../tcp/offload.ts'
import { pathMtu } from '../tcp/path-mtu.ts'
import { rack } from '../tcp/rack.ts'
import { sack } from '../tcp/sack.ts'
import { socketSettings } from '../tcp/settings.ts'
import { synCookies } from '../tcp/syn-cookies.ts'
import { timestamps } from '../tcp/timestamps.ts'
import { urgentData } from '../tcp/urgent.ts'
import { windowScale } from '../tcp/window-scale.ts'

export type * from '../stack.ts'

/** A host of the profile `full`. Throws RangeError of one sentence for a configuration that cannot be had. */
export const createStack = (config: StackConfig, environment: Environment): Stack =>
  compose(config, environment, {
    congestion: cubic,
    fib: fibTrie,
    tables: rtnetlink,
    forwarding: ipForward,
    options: ipOptions,
    redirects: icmpRedirects,
    icmpTimestamp,
    windowScale,
    timestamps,
    synCookies,
    destinations,
    fastOpen,
    metrics,
    pathMtu,
    settings: socketSettings,
    sack,
    rack,
    ecn,
    urgent: urgentData,
    fragments: ipFragments,
    multicast: ipMulticast,
    offload,
    dhcpClient,
    dhcpServer,
    dns: resolver,
    mdns,
    ping: pingSockets,
    ipv6: ipv6Protocol,
    raw: rawSockets,
    packet: packetSockets,
    packetRing,
    netlink: netlinkSockets,
    filter: socketFilters,
    ethtool: netEthtool,
    diag: inetDiag,
    procFs,
    sockets: [pingSockets, rawSockets, packetSockets, netlinkSockets],
  })
