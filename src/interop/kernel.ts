/** The Linux kernel's stack and its tools against ours, on one wire. */
import { createStack } from '../stack/profiles/full.ts'
import { parseIpv6 } from '../stack/wire/address6.ts'
import { onABadWire } from './bad-wire.ts'
import { type Bench, type Check, expectRun, failed, type Peer, pause, type Verdict, within } from './check.ts'
import { serveHttp } from './http-server.ts'
import { type IperfTest, iperf, serveIperf } from './iperf.ts'
import { DEVICE, Namespace } from './namespace.ts'
import { NodeHost } from './node-host.ts'
import type { Place } from './place.ts'
import {
  download,
  type Moved,
  netcatHalfCloses,
  netcatIsHalfClosed,
  parallelDownloads,
  upload,
  weHalfClose,
} from './transfers.ts'
import { joinTap } from './wire.ts'

const OURS = '10.77.0.2'
const KERNEL = '10.77.0.1'
const OURS6 = 'fd77::2'
const KERNEL6 = 'fd77::1'
const MIB = 1024 * 1024

/** All that a check here may need. */
interface Ends {
  readonly place: Place
  readonly host: NodeHost
  readonly linux: Namespace
}

export const KERNEL_PEER: Peer = {
  title: 'The Linux kernel',
  needs: [],
  async meet(place) {
    const host = new NodeHost(createStack, {
      memory: 2 * MIB,
      mac: Uint8Array.from([2, 0x77, 0, 0, 0, 2]),
      address: `${OURS}/24`,
      dhcpServer: { first: '10.77.0.100', last: '10.77.0.120' },
    })
    place.undo(() => host.end())
    const linux = Namespace.make(place, 'kernel')
    await joinTap(place, host, linux, [`${KERNEL}/24`, `${KERNEL6}/64`])
    await takeAddresses(host, OURS6)
    // A socket that is bound to no address is of both families.
    serveHttp(host.sockets, '0.0.0.0').catch(error => console.error(error))
    serveIperf(host.sockets, '0.0.0.0').catch(error => console.error(error))
    return benchOf({ place, host, linux })
  },
}

/** Waits for the IPv4 address that it was made with, and for an IPv6 one: each is tested for conflicts first. */
export async function takeAddresses(host: NodeHost, address6: string): Promise<void> {
  const bytes = parseIpv6(address6)
  if (bytes !== undefined) host.table.call(stack => stack.addAddress6(bytes, 64))
  const preferred = () => host.stack.ipv6?.addresses.every(({ state }) => state === 'preferred') === true
  await within(5, () => host.stack.address !== 0 && preferred())
}

const benchOf = (ends: Ends): Bench => ({
  host: ends.host,
  checks: [
    ...reachability(ends),
    ...reachability6(ends),
    ...connections(ends),
    ...measuredByIperf(ends),
    ...options(ends),
    ...dhcpClients(ends),
    ...badWire(ends),
  ],
})

const pings = (linux: Namespace, size: number, to: string, over: string): Check => ({
  name: `${over}ping of ${size.toLocaleString('en')} bytes is answered`,
  needs: ['ping'],
  run: () =>
    expectRun(linux, 'ping', ['-c', '3', '-i', '0.2', '-W', '2', '-s', String(size), to], / 0% packet loss/),
})

const flood = (linux: Namespace, to: string, over: string): Check => ({
  name: `${over}a flood of 5,000 pings is answered whole`,
  needs: ['ping'],
  run: () => expectRun(linux, 'ping', ['-f', '-q', '-c', '5000', to], / 0% packet loss/),
})

const traces = (linux: Namespace, to: string, over: string): Check => ({
  name: `${over}traceroute ends at us`,
  needs: ['traceroute'],
  run: () =>
    expectRun(linux, 'traceroute', ['-n', '-w', '1', '-q', '1', to], new RegExp(`1 +${to} +[0-9.]+ ms`)),
})

const reachability = ({ linux }: Ends): readonly Check[] => [
  {
    name: 'arping finds our MAC',
    needs: ['arping'],
    run: () => expectRun(linux, 'arping', ['-c', '1', '-I', DEVICE, OURS], /02:77:00:00:00:02/i),
  },
  ...[0, 56, 1472, 1473, 20_000, 65_507].map(size => pings(linux, size, OURS, '')),
  flood(linux, OURS, ''),
  traces(linux, OURS, ''),
  {
    name: 'a port on which nobody listens refuses at once',
    needs: ['curl'],
    run: async () => {
      const outcome = await linux.run('curl', ['-s', '-S', '--max-time', '5', `http://${OURS}:81/`])
      return outcome.status === 7 ? undefined : failed('curl', outcome)
    },
  },
]

const IPV6 = 'over IPv6, '

const reachability6 = ({ linux }: Ends): readonly Check[] => [
  ...[56, 1452, 1453, 20_000, 65_507].map(size => pings(linux, size, OURS6, IPV6)),
  flood(linux, OURS6, IPV6),
  traces(linux, OURS6, IPV6),
  {
    name: 'the kernel knows our MAC by neighbour discovery',
    needs: [],
    run: () =>
      expectRun(
        linux,
        'ip',
        ['-6', 'neigh', 'show', OURS6],
        /lladdr 02:77:00:00:00:02 .*(REACHABLE|STALE|DELAY)/,
      ),
  },
]

/** Notes how fast it was. */
async function measured(place: Place, name: string, moving: Promise<Moved>): Promise<Verdict> {
  const { wrong, rate } = await moving
  if (wrong === undefined) place.measured(name, rate)
  return wrong
}

const connections = ({ place, host, linux }: Ends): readonly Check[] => [
  ...[
    { over: '', ours: OURS, unit: 'MBs' },
    { over: IPV6, ours: `[${OURS6}]`, unit: 'MBs6' },
  ].flatMap(({ over, ours, unit }): readonly Check[] => [
    {
      name: `${over}curl downloads from us, hashes equal`,
      needs: ['curl'],
      run: () => measured(place, `curlDown${unit}`, download(linux, ours, place.megabytes * 1_000_000)),
    },
    {
      name: `${over}curl uploads to us, hashes equal`,
      needs: ['curl'],
      run: () => measured(place, `curlUp${unit}`, upload(linux, ours, place.megabytes * 1_000_000)),
    },
    {
      name: `${over}50 connections at once are all served`,
      needs: ['curl'],
      run: () => parallelDownloads(linux, ours, 50, 200_000),
    },
  ]),
  {
    name: 'with ECN asked for by the kernel a download keeps its hash',
    needs: ['curl'],
    run: async () => {
      linux.set('net.ipv4.tcp_ecn', 1)
      const { wrong } = await download(linux, OURS, place.megabytes * 500_000)
      linux.set('net.ipv4.tcp_ecn', 2)
      return wrong
    },
  },
  {
    name: 'nc half-closes, and gets the answer all the same',
    needs: ['nc'],
    run: () => netcatHalfCloses(host, linux, OURS),
  },
  {
    name: 'over IPv6, nc half-closes, and gets the answer all the same',
    needs: ['nc'],
    run: () => netcatHalfCloses(host, linux, OURS6),
  },
  {
    name: 'nc has half-closed, and hears all that we say after that',
    needs: ['nc'],
    run: () => netcatIsHalfClosed(host, linux, KERNEL),
  },
  {
    name: 'we half-close, and get the kernel’s answer all the same',
    needs: [],
    run: () => weHalfClose(host, linux, KERNEL),
  },
]

/** What iperf3 prints with --json, the part that counts. */
interface Iperf3Report {
  readonly error?: string
  readonly end?: {
    readonly sum_sent: { readonly bytes: number }
    readonly sum_received: { readonly bytes: number; readonly bits_per_second: number }
  }
}

/** What is on its way, and in the buffers of a stream's two ends, when the clock strikes, at most. */
const UNDER_WAY = 16 * MIB

const agree = (sent: number, received: number, streams: number): Verdict =>
  received > 0 && received <= sent && sent - received <= streams * UNDER_WAY
    ? undefined
    : `${sent} bytes were sent and ${received} received`

/** iperf3 on the kernel's stack measures us. */
async function iperf3MeasuresUs({ place, linux }: Ends, to: string, unit: string, args: readonly string[]) {
  const { out, err } = await linux.run(
    'iperf3',
    ['-c', to, '-t', String(place.seconds), '--json', ...args],
    30,
  )
  const { error, end } = JSON.parse(out || '{}') as Iperf3Report
  if (end?.sum_received === undefined || error !== undefined) return `iperf3: ${error ?? err}`
  const up = !args.includes('-R')
  place.measured(`iperf${up ? 'Up' : 'Down'}${unit}`, end.sum_received.bits_per_second / 8e6)
  return agree(end.sum_sent.bytes, end.sum_received.bytes, 4)
}

/** Our iperf measures an iperf3 server there. */
async function weMeasure({ host, linux }: Ends, test: IperfTest): Promise<Verdict> {
  const server = linux.start('iperf3', ['-s', '-1', '-B', KERNEL, '--forceflush'])
  try {
    await new Promise(resolve => server.stdout?.once('data', resolve))
    await pause(200)
    const { sent, received } = await iperf(host.sockets, KERNEL, test)
    return agree(sent, received, test.streams)
  } finally {
    server.kill()
  }
}

const measuredByIperf = (ends: Ends): readonly Check[] => {
  const measures = (name: string, to: string, unit: string, args: readonly string[]): Check => ({
    name,
    needs: ['iperf3'],
    run: () => iperf3MeasuresUs(ends, to, unit, args),
  })
  const we = (name: string, test: IperfTest): Check => ({
    name,
    needs: ['iperf3'],
    run: () => weMeasure(ends, test),
  })
  return [
    measures('iperf3 sends to our iperf', OURS, 'MBs', []),
    measures('iperf3 receives from our iperf', OURS, 'MBs', ['-R']),
    measures('iperf3 sends by four streams at once', OURS, '4MBs', ['-P', '4']),
    measures('over IPv6, iperf3 sends to our iperf', OURS6, 'MBs6', []),
    measures('over IPv6, iperf3 receives from our iperf', OURS6, 'MBs6', ['-R']),
    we('our iperf sends to iperf3', { seconds: ends.place.seconds, streams: 1, reverse: false }),
    we('our iperf receives from iperf3 by two streams', {
      seconds: ends.place.seconds,
      streams: 2,
      reverse: true,
    }),
  ]
}

/** What `ss -ti` says of a connection in mid-transfer. */
async function ssSays(linux: Namespace, ours: string, url: string, says: RegExp): Promise<Verdict> {
  const curl = linux.start('curl', ['-s', '-o', '/dev/null', '--limit-rate', '2M', `${url}/20000000`])
  try {
    let out = ''
    const said = await within(5, async () => {
      out = (await linux.run('ss', ['-tinoH', 'dst', ours])).out
      return says.test(out)
    })
    return said ? undefined : `ss says: ${out.trim().replaceAll('\n', ' ')}`
  } finally {
    curl.kill()
  }
}

/** ss tells of a window that we have offered beyond 16 bits, while the kernel uploads. */
async function windowBeyond16Bits({ linux }: Ends): Promise<Verdict> {
  const upload = linux.start('sh', [
    '-c',
    `head -c 40000000 /dev/zero | curl -s -T - http://${OURS}/ -H 'Content-Length: 40000000'`,
  ])
  try {
    let most = 0
    const beyond = await within(5, async () => {
      const { out } = await linux.run('ss', ['-tinoH', 'dst', OURS])
      for (const [, window] of out.matchAll(/snd_wnd:(\d+)/g)) most = Math.max(most, Number(window))
      return most > 65_535
    })
    return beyond ? undefined : `the largest window that ss told of was ${most}`
  } finally {
    upload.kill()
  }
}

const options = (ends: Ends): readonly Check[] => [
  {
    name: 'SACK, timestamps and window scaling are negotiated, as ss tells',
    needs: ['ss', 'curl'],
    // 1,460 less 12 for timestamps in each segment.
    run: () => ssSays(ends.linux, OURS, `http://${OURS}`, / ts sack .*wscale:\d+,\d+ .* mss:1448 /),
  },
  {
    name: 'over IPv6, SACK, timestamps and window scaling are negotiated, as ss tells',
    needs: ['ss', 'curl'],
    run: () =>
      ssSays(ends.linux, `[${OURS6}]`, `http://[${OURS6}]`, / ts sack .*wscale:\d+,\d+ .* mss:1428 /),
  },
  {
    name: 'window scaling is used: our window goes beyond 65,535 bytes, as ss tells',
    needs: ['ss', 'curl'],
    run: () => windowBeyond16Bits(ends),
  },
]

const dhcpClients = ({ place, linux }: Ends): readonly Check[] => [
  {
    name: 'udhcpc gets an address from our DHCP server',
    needs: ['udhcpc'],
    run: async () => {
      const outcome = await linux.run('udhcpc', ['-i', DEVICE, '-n', '-q', '-t', '5', '-s', '/bin/true'], 30)
      return /lease of 10\.77\.0\.1\d\d obtained/.test(outcome.err + outcome.out)
        ? undefined
        : failed('udhcpc', outcome)
    },
  },
  {
    name: 'dhclient gets one, and gives it back',
    needs: ['dhclient'],
    run: async () => {
      const files = [
        '-sf',
        '/bin/true',
        '-lf',
        place.path('dhclient.leases'),
        '-pf',
        place.path('dhclient.pid'),
      ]
      const bound = await linux.run('dhclient', ['-1', '-v', ...files, DEVICE], 30)
      if (!/bound to 10\.77\.0\.1\d\d/.test(bound.err)) return failed('dhclient', bound)
      const released = await linux.run('dhclient', ['-r', '-v', ...files, DEVICE], 30)
      return /DHCPRELEASE/.test(released.err) ? undefined : failed('dhclient -r', released)
    },
  },
]

/** How often the kernel has recovered from a loss by what our SACK options told it (TcpExt of /proc/net/netstat). */
async function kernelsSackRecoveries(linux: Namespace): Promise<number> {
  const { out } = await linux.run('cat', ['/proc/net/netstat'])
  const [names = '', values = ''] = out.split('\n').filter(line => line.startsWith('TcpExt:'))
  return Number(values.split(' ')[names.split(' ').indexOf('TCPSackRecovery')])
}

/** Repairs are made by SACK, at the sender that `recoveries` looks at, while `moving` runs on a bad wire. */
async function bySack(
  host: NodeHost,
  recoveries: () => Promise<number> | number,
  moving: () => Promise<Moved>,
): Promise<Verdict> {
  const before = await recoveries()
  const { wrong } = await onABadWire(host, moving)
  if (wrong !== undefined) return wrong
  return (await recoveries()) > before ? undefined : 'nothing was recovered by SACK'
}

const BAD = 'with 1 % loss and reordering '

const badWire = ({ place, host, linux }: Ends): readonly Check[] => {
  const bytes = Math.min(place.megabytes, 20) * 500_000
  const ours = () => host.stack.counters['tcpSackRecoveries'] ?? 0
  const theirs = () => kernelsSackRecoveries(linux)
  const bad = (name: string, needs: readonly string[], work: () => Promise<Verdict>): Check => ({
    name: BAD + name,
    needs,
    run: work,
  })
  const on = (work: () => Promise<Verdict>) => () => onABadWire(host, work)
  return [
    bad('a download keeps its hash, and we recover by the kernel’s SACK', ['curl'], () =>
      bySack(host, ours, () => download(linux, OURS, bytes)),
    ),
    bad('an upload keeps its hash, and the kernel recovers by our SACK', ['curl'], () =>
      bySack(host, theirs, () => upload(linux, OURS, bytes)),
    ),
    bad('a download over IPv6 keeps its hash', ['curl'], () =>
      bySack(host, ours, () => download(linux, `[${OURS6}]`, bytes)),
    ),
    bad('an upload over IPv6 keeps its hash', ['curl'], () =>
      bySack(host, theirs, () => upload(linux, `[${OURS6}]`, bytes)),
    ),
    bad(
      '50 connections at once are all served',
      ['curl'],
      on(() => parallelDownloads(linux, OURS, 50, 50_000)),
    ),
    bad(
      'nc half-closes, and gets the answer all the same',
      ['nc'],
      on(() => netcatHalfCloses(host, linux, OURS)),
    ),
    bad(
      'nc has half-closed, and hears all that we say after that',
      ['nc'],
      on(() => netcatIsHalfClosed(host, linux, KERNEL)),
    ),
  ]
}
