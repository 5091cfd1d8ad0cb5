/**
 * `npm run bench`: a table; `npm run bench -- --json`: the same, and one line of JSON at the end. run.js has measured native
 * lwIP just before, and hands its samples over.
 */
import { checksumMBps, memcpyMBps } from './limits.ts'
import { connections, costBeside, idle, roundTrips, throughput } from './measures.ts'
import { forwardingCost } from './routes.ts'

/** The link of the measure with IP_OFFLOAD, bytes of its largest frame. */
const LARGEST_FRAME = 65_549
const SAMPLES = Number(process.env['BENCH_SAMPLES'])

interface Figure {
  readonly median: number
  readonly samples: readonly number[]
}

function figure(samples: readonly number[]): Figure {
  const sorted = [...samples].sort((a, b) => a - b)
  return { median: sorted[sorted.length >> 1] ?? 0, samples }
}

const rounded = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-GB') : String(Number(value.toPrecision(3)))

function print(name: string, { median, samples }: Figure, unit: string, goal: string): void {
  const spread =
    samples.length > 1 ? `${rounded(Math.min(...samples))} - ${rounded(Math.max(...samples))}` : ''
  console.log(
    `${name.padEnd(44)}${rounded(median).padStart(10)} ${unit.padEnd(8)}${spread.padEnd(20)}${goal}`,
  )
}

console.log(`Node ${process.version}, ${SAMPLES} samples; median, unit, least - most, goal\n`)

/** What lwip.c prints, or why it could not. */
type Lwip = Readonly<
  Record<'throughputMBps' | 'roundTripsPerSecond' | 'connectionsPerSecond', readonly number[]>
>
const lwip: Lwip | { readonly missing: string } = JSON.parse(process.env['BENCH_LWIP'] ?? '')

const limit = { memcpyMBps: figure(memcpyMBps(SAMPLES)), checksumMBps: figure(checksumMBps(SAMPLES)) }
print('limit: copying 1,460 bytes', limit.memcpyMBps, 'MB/s', '')
print('limit: checksum of 1,460 bytes', limit.checksumMBps, 'MB/s', '')

const bulk = throughput(SAMPLES, 256)
const offload = throughput(SAMPLES, 256, LARGEST_FRAME)
const idles = Array.from({ length: SAMPLES }, idle)
const stack = {
  throughputMBps: figure(bulk.throughputMBps),
  offloadMBps: figure(offload.throughputMBps),
  roundTripsPerSecond: figure(roundTrips(SAMPLES, 100_000)),
  connectionsPerSecond: figure(connections(SAMPLES, 20_000)),
  heapBytesPerPacket: figure(bulk.heapBytesPerPacket),
  bytesPerIdleConnection: figure(idles.map(({ bytes }) => bytes)),
  idleConnectionsIn2MiB: figure(idles.map(({ count }) => count)),
}
print('TCP one way, MTU 1500, hashes equal', stack.throughputMBps, 'MB/s', '≥ 1,000')
print('  of it, a packet (both hosts)', figure(bulk.nsPerPacket), 'ns', '')
print('the same with frames of up to 64 KiB', stack.offloadMBps, 'MB/s', '≥ 2,000')
print('64-byte round trips', stack.roundTripsPerSecond, '/s', '≥ 150,000')
print('connect + close', stack.connectionsPerSecond, '/s', '≥ 50,000')
print('heap for each packet', stack.heapBytesPerPacket, 'bytes', '0')
print('an idle connection', stack.bytesPerIdleConnection, 'bytes', '≤ 192')
print('idle connections in 2 MiB', stack.idleConnectionsIn2MiB, '', '≥ 8,000')

const beside = Object.fromEntries(
  [10, 1_000, 8_000].map(others => [others, figure(costBeside(others, SAMPLES, 64))]),
)
for (const [others, cost] of Object.entries(beside)) {
  print(`a packet beside ${Number(others).toLocaleString('en-GB')} connections`, cost, 'ns', 'flat')
}

const native =
  'missing' in lwip
    ? undefined
    : {
        throughputMBps: figure(lwip.throughputMBps),
        roundTripsPerSecond: figure(lwip.roundTripsPerSecond),
        connectionsPerSecond: figure(lwip.connectionsPerSecond),
      }
if (native === undefined) console.log(`\nNative lwIP: skipped, ${'missing' in lwip ? lwip.missing : ''}.`)
else {
  print('native lwIP, C -O3: TCP one way', native.throughputMBps, 'MB/s', '')
  print('  64-byte round trips', native.roundTripsPerSecond, '/s', '')
  print('  connect + close', native.connectionsPerSecond, '/s', '')
}

// Last, since two tables in one process are one more than a stack ever has.
const routes = {
  trie: Object.fromEntries([1, 100, 10_000].map(n => [n, forwardingCost('trie', n, 50_000)])),
  list: Object.fromEntries([1, 100, 10_000].map(n => [n, forwardingCost('list', n, 5_000)])),
}
for (const [kind, costs] of Object.entries(routes))
  for (const [n, ns] of Object.entries(costs))
    print(
      `a datagram forwarded, ${Number(n).toLocaleString('en-GB')} routes, ${kind}`,
      figure([ns]),
      'ns',
      kind === 'trie' ? 'flat' : '',
    )

const ratio = {
  toMemcpy: stack.throughputMBps.median / limit.memcpyMBps.median,
  toChecksum: stack.throughputMBps.median / limit.checksumMBps.median,
  toLwip: native && stack.throughputMBps.median / native.throughputMBps.median,
}
console.log(
  `\nThroughput is ${rounded(ratio.toMemcpy)} of copying and ${rounded(ratio.toChecksum)} of the checksum` +
    (ratio.toLwip === undefined ? '.' : `, and ${rounded(ratio.toLwip)} of native lwIP’s.`),
)
if (process.argv.includes('--json'))
  console.log(JSON.stringify({ stack, limit, lwip: native, ratio, nsPerPacketBeside: beside, routes }))
