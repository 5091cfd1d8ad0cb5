/** dnsmasq as a home router has it: it lends addresses, answers for names, and advertises an IPv6 prefix. */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { formatIpv4 } from '../stack/ip/addresses.ts'
import { NameType } from '../stack/stack.ts'
import { formatIpv6 } from '../stack/wire/address6.ts'
import { type Check, pause, type Verdict, within } from './check.ts'
import { ask, expectAnswer } from './names.ts'
import { DEVICE, type Namespace } from './namespace.ts'
import type { NodeHost } from './node-host.ts'
import type { Place } from './place.ts'

const DOMAIN = 'lan.test'
/** So many that they do not fit into a datagram of UDP. */
const MANY = Array.from({ length: 90 }, (_, i) => `10.78.9.${i + 10}`)
const HOSTS = [
  `10.78.0.7 printer.${DOMAIN}`,
  `fd78::7 printer.${DOMAIN}`,
  `10.78.0.8 old-printer.${DOMAIN}`,
  ...MANY.map(address => `${address} many.${DOMAIN}`),
]
/** Its file of leases and what it tells of, in the folder of the run. */
const LEASES = 'dnsmasq.leases'
const LOG = 'dnsmasq.log'
/** Seconds: the shortest that dnsmasq knows. We ask again after half of it (RFC 2131, 4.4.5). */
const LEASE = 120

/** Starts it on the device of our wire; `lends`: the first and the last address. */
export function startDnsmasq(place: Place, router: Namespace, lends = '10.78.0.50,10.78.0.90'): ChildProcess {
  const hosts = place.path('dnsmasq.hosts')
  writeFileSync(hosts, `${HOSTS.join('\n')}\n`)
  const running = router.start('dnsmasq', [
    ...['--keep-in-foreground', '--conf-file=/dev/null', '--user=root', '--group=root', '--pid-file='],
    ...[`--interface=${DEVICE}`, '--no-resolv', '--no-hosts', `--addn-hosts=${hosts}`, '--no-ping'],
    ...[`--domain=${DOMAIN}`, `--local=/${DOMAIN}/`, `--cname=alias.${DOMAIN},printer.${DOMAIN}`],
    ...[`--cname=nickname.${DOMAIN},alias.${DOMAIN}`, '--log-dhcp', `--log-facility=${place.path(LOG)}`],
    ...[`--dhcp-leasefile=${place.path(LEASES)}`, '--dhcp-authoritative'],
    `--dhcp-range=${lends},${LEASE}`,
    ...[
      '--enable-ra',
      `--dhcp-range=::,constructor:${DEVICE},ra-only`,
      `--ra-param=${DEVICE},mtu:off,10,600`,
    ],
  ])
  place.undo(() => running.kill())
  return running
}

/** The IPv6 address that we made of the advertised prefix; undefined while there is none. */
export function advertisedAddress({ stack }: NodeHost): string | undefined {
  const own = stack.ipv6?.addresses.find(
    ({ address, state }) => formatIpv6(address).startsWith('fd78:') && state === 'preferred',
  )
  return own && formatIpv6(own.address)
}

/** The line of `kiosk` in the file of leases, and when that lease ends. */
function lease(place: Place): { readonly line: string; readonly ends: number } | undefined {
  const path = place.path(LEASES)
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
  const line = lines.find(one => one.includes(' kiosk '))
  return line === undefined ? undefined : { line, ends: Number(line.split(' ')[0]) }
}

export const dnsmasqChecks = (place: Place, host: NodeHost): readonly Check[] => {
  const resolves = (name: string, asked: string, type: NameType, right: string | RegExp): Check => ({
    name,
    needs: [],
    run: expectAnswer(host, `${asked}.${DOMAIN}`, type, right),
  })
  return [
    {
      name: 'dnsmasq lends us an address, and knows our name',
      needs: [],
      run: async () => {
        const ours = formatIpv4(host.stack.address)
        const line = lease(place)?.line
        return line?.includes(` ${ours} kiosk `) ? undefined : `we have ${ours}, dnsmasq has '${line}'`
      },
    },
    resolves('a name has its IPv4 address', 'printer', NameType.A, '10.78.0.7'),
    resolves('a name has its IPv6 address', 'printer', NameType.Aaaa, 'fd78::7'),
    resolves('an alias has the address of what it stands for', 'alias', NameType.A, '10.78.0.7'),
    resolves('an alias of an alias, too', 'nickname', NameType.A, '10.78.0.7'),
    resolves('a name that nobody has: ENOENT', 'nobody', NameType.A, 'ENOENT'),
    resolves('a name without an IPv6 address: ENODATA', 'old-printer', NameType.Aaaa, 'ENODATA'),
    {
      name: 'an address has its name',
      needs: [],
      run: expectAnswer(host, '10.78.0.8', NameType.Ptr, /^old-printer\.lan\.test\.?$/),
    },
    {
      name: 'our own name has our address',
      needs: [],
      run: () => expectAnswer(host, `kiosk.${DOMAIN}`, NameType.A, formatIpv4(host.stack.address))(),
    },
    {
      name: `an answer of ${MANY.length} addresses, too long for UDP, comes by TCP`,
      needs: [],
      run: () => truncated(host),
    },
    {
      name: 'an advertised prefix becomes an address, a router and a name server of ours',
      needs: [],
      run: async () => {
        const { routers = [], nameServers = [] } = host.stack.ipv6 ?? {}
        return advertisedAddress(host) !== undefined && routers.length === 1 && nameServers.length === 1
          ? undefined
          : `${advertisedAddress(host)}, ${routers.length} routers, ${nameServers.length} name servers`
      },
    },
    {
      name: 'half of the lease later we have it prolonged',
      needs: [],
      long: true,
      run: () => prolonged(place),
    },
  ]
}

/** RFC 2131, 3.2 and 4.3.2: a host that comes to the link again asks for the address that it had. */
export const isRefused = (place: Place, host: NodeHost, router: Namespace, first: ChildProcess): Check => ({
  name: 'when dnsmasq lends others now, ours is refused (DHCPNAK), and we borrow another',
  needs: [],
  run: async () => {
    const before = formatIpv4(host.stack.address)
    const ended = new Promise(resolve => first.once('exit', resolve))
    first.kill()
    await ended
    rmSync(place.path(LEASES), { force: true })
    startDnsmasq(place, router, '10.78.0.150,10.78.0.190')
    await pause(500)
    host.table.call(stack => stack.linkUp(performance.now()))
    const another = () => /^10\.78\.0\.1[5-9]\d$/.test(formatIpv4(host.stack.address))
    if (!(await within(15, another)))
      return `we had ${before}, and have ${formatIpv4(host.stack.address)} now`
    const told = readFileSync(place.path(LOG), 'utf8')
    return told.includes(`DHCPNAK(${DEVICE}) ${before}`) ? undefined : 'dnsmasq tells of no refusal'
  },
})

/** The last of all: without an address there is nothing more to check. */
export const givesBack = (place: Place, host: NodeHost): Check => ({
  name: 'when we leave, dnsmasq has its address back',
  needs: [],
  run: async () => {
    host.table.call(stack => stack.leave())
    return (await within(5, () => lease(place) === undefined)) ? undefined : `it has '${lease(place)?.line}'`
  },
})

/** Of so many we keep the first, as many as a record holds. */
async function truncated(host: NodeHost): Promise<Verdict> {
  const before = host.stack.counters['tcpActiveOpens'] ?? 0
  const answer = (await ask(host, `many.${DOMAIN}`, NameType.A)).split(' ')
  const right = new Set(answer).size >= 50 && answer.every(address => MANY.includes(address))
  if (!right) return `the answer was '${answer.join(' ')}'`
  const byTcp = (host.stack.counters['tcpActiveOpens'] ?? 0) > before
  return byTcp ? undefined : 'it came, and not by TCP'
}

async function prolonged(place: Place): Promise<Verdict> {
  const before = lease(place)?.ends ?? Number.NaN
  const later = await within(LEASE, async () => {
    await pause(500)
    return (lease(place)?.ends ?? 0) > before
  })
  return later ? undefined : 'nobody asked for it'
}
