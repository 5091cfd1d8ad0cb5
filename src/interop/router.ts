/**
 * A router as people have it at home: a kernel that forwards, dnsmasq beside it, and behind it a path that is narrower than both
 * its ends.
 *
 *     we ──1500── router ··1300·· ──1500── far
 */
import { formatIpv4 } from '../stack/ip/addresses.ts'
import { createStack } from '../stack/profiles/full.ts'
import { type Peer, within } from './check.ts'
import { advertisedAddress, dnsmasqChecks, givesBack, isRefused, startDnsmasq } from './dnsmasq.ts'
import { serveHttp } from './http-server.ts'
import { cable, DEVICE, Namespace } from './namespace.ts'
import { type Family, narrowPathChecks } from './narrow-path.ts'
import { NodeHost } from './node-host.ts'
import { joinTap } from './wire.ts'

/** Bytes of a packet. */
const NARROW = 1300
const FAR_DEVICE = 'far0'
const FAR = ['10.79.0.2', '10.79.0.3', '10.79.0.4', '10.79.0.5'] as const
const FAR6 = ['fd79::2', 'fd79::3', 'fd79::4', 'fd79::5'] as const

export const ROUTER_PEER: Peer = {
  title: 'A router with dnsmasq, and a narrow path behind it',
  needs: ['dnsmasq'],
  async meet(place) {
    const host = new NodeHost(createStack, {
      memory: 2 * 1024 * 1024,
      mac: Uint8Array.from([2, 0x78, 0, 0, 0, 2]),
      address: 'dhcp',
      name: 'kiosk',
    })
    place.undo(() => host.end())
    const router = Namespace.make(place, 'router')
    const far = Namespace.make(place, 'far')
    await joinTap(place, host, router, ['10.78.0.1/24', 'fd78::1/64'])
    layPath(router, far)
    const dnsmasq = startDnsmasq(place, router)
    await within(15, () => isLent(host.stack.address) && advertisedAddress(host) !== undefined)
    serveHttp(host.sockets, '0.0.0.0').catch(error => console.error(error))
    const path = { host, far, mtu: NARROW }
    return {
      host,
      checks: [
        ...dnsmasqChecks(place, host),
        ...families(host).flatMap(family => narrowPathChecks(place, path, family)),
        isRefused(place, host, router, dnsmasq),
        givesBack(place, host),
      ],
    }
  },
}

/** 10.78.0.0/24 is dnsmasq's; before that we have a link-local address. */
const isLent = (address: number): boolean => address >>> 8 === 0x0a4e00

const families = (host: NodeHost): readonly [Family, Family] => {
  const ours = () => formatIpv4(host.stack.address)
  const ours6 = () => advertisedAddress(host) ?? ''
  return [
    { over: '', ours, url: ours, far: FAR },
    { over: 'over IPv6, ', ours: ours6, url: () => `[${ours6()}]`, far: FAR6 },
  ]
}

/** A cable from the router to the third host, and the routes; those in the router are the narrow ones. */
function layPath(router: Namespace, far: Namespace): void {
  cable(router, far, FAR_DEVICE)
  router.set('net.ipv4.ip_forward', 1)
  router.set('net.ipv6.conf.all.forwarding', 1)
  router.ip('addr', 'add', '10.79.0.1/24', 'dev', FAR_DEVICE)
  router.ip('addr', 'add', 'fd79::1/64', 'dev', FAR_DEVICE)
  const narrow = ['mtu', 'lock', String(NARROW)]
  router.ip('route', 'replace', '10.78.0.0/24', 'dev', DEVICE, 'src', '10.78.0.1', ...narrow)
  router.ip('route', 'replace', '10.79.0.0/24', 'dev', FAR_DEVICE, ...narrow)
  // 256 is the metric of the route that came with the address.
  router.ip('-6', 'route', 'replace', 'fd78::/64', 'dev', DEVICE, 'metric', '256', ...narrow)
  router.ip('-6', 'route', 'replace', 'fd79::/64', 'dev', FAR_DEVICE, 'metric', '256', ...narrow)
  for (const address of FAR) far.ip('addr', 'add', `${address}/24`, 'dev', FAR_DEVICE)
  for (const address of FAR6) far.ip('addr', 'add', `${address}/64`, 'dev', FAR_DEVICE)
  far.ip('route', 'add', 'default', 'via', '10.79.0.1')
  far.ip('-6', 'route', 'add', 'default', 'via', 'fd79::1')
}
