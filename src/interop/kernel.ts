/** The Linux kernel's stack and its tools against ours, on one wire. */
import { createStack } from '../stack/profiles/full.ts'
import type { Bench, Peer } from './check.ts'
import { dhcpClients, LEASE, LENT } from './dhcp-clients.ts'
import { serveHttp } from './http-server.ts'
import { serveIperf } from './iperf.ts'
import { badWire } from './kernel-bad-wire.ts'
import { datagrams, serveEcho } from './kernel-datagrams.ts'
import { congestionNotification } from './kernel-ecn.ts'
import { type Ends, KERNEL, KERNEL6, OURS, OURS6 } from './kernel-ends.ts'
import { options } from './kernel-options.ts'
import { reachability, reachability6 } from './kernel-reach.ts'
import { scans } from './kernel-scans.ts'
import { connections } from './kernel-transfers.ts'
import { Namespace } from './namespace.ts'
import { NodeHost, takeAddresses } from './node-host.ts'
import { joinTap } from './wire.ts'

export const KERNEL_PEER: Peer = {
  title: 'The Linux kernel',
  needs: [],
  async meet(place) {
    const host = new NodeHost(createStack, {
      memory: 2 * 1024 * 1024,
      mac: Uint8Array.from([2, 0x77, 0, 0, 0, 2]),
      address: `${OURS}/24`,
      dhcpServer: { first: LENT, last: LENT, lease: LEASE },
    })
    place.undo(() => host.end())
    const linux = Namespace.make(place, 'kernel')
    await joinTap(place, host, linux, [`${KERNEL}/24`, `${KERNEL6}/64`])
    await takeAddresses(host, OURS6)
    // A socket that is bound to no address is of both families.
    serveHttp(host.sockets, '0.0.0.0').catch(error => console.error(error))
    serveIperf(host.sockets, '0.0.0.0').catch(error => console.error(error))
    serveEcho(host.sockets).catch(error => console.error(error))
    return benchOf({ place, host, linux })
  },
}

const benchOf = (ends: Ends): Bench => ({
  host: ends.host,
  checks: [
    ...reachability(ends),
    ...reachability6(ends),
    ...datagrams(ends),
    ...scans(ends),
    ...connections(ends),
    ...options(ends),
    ...congestionNotification(ends),
    ...dhcpClients(ends),
    ...badWire(ends),
  ],
})
