/**
 * `npm run interop`: others' stacks and tools against ours.
 *
 *     --short         leaves out what takes long: libslirp and iPXE in QEMU, transfers of 100 MB
 *     --only WORD     those peers alone in whose title the word is
 *     --check WORD    those checks alone in whose sentence the word is
 *     --megabytes N   what a bulk transfer moves; 100, or 10 in the short form
 *     --count N       all of it N times
 *     --json          ends with one line of JSON, `{"ran":N,"failed":N,"skipped":N,…}` with what was measured
 *
 * That line also goes to the file which the environment names as REPORT.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { compileRelay } from '../bridge/relay.ts'
import { AVAHI_PEER } from './avahi.ts'
import { type Check, type Peer, pause, type Verdict } from './check.ts'
import { GRUB_PEER } from './grub.ts'
import { IPXE_PEER } from './ipxe.ts'
import { KERNEL_PEER } from './kernel.ts'
import { sweep } from './namespace.ts'
import { Place } from './place.ts'
import { installMissing, missing } from './programs.ts'
import { ROUTER_PEER } from './router.ts'
import { SLIRP_PEER } from './slirp.ts'
import type { Passed } from './tape.ts'
import { faultsIn } from './tshark.ts'

const PEERS: readonly Peer[] = [KERNEL_PEER, ROUTER_PEER, AVAHI_PEER, SLIRP_PEER, IPXE_PEER, GRUB_PEER]

/** What stands behind an option. */
const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(name)
  return at < 0 ? undefined : (process.argv[at + 1] ?? '')
}

function numberOf(name: string, otherwise: number): number {
  const text = option(name)
  const value = text === undefined ? otherwise : Number(text)
  if (Number.isInteger(value) && value >= 1) return value
  console.error(`${name} takes a whole number from 1; '${text}' is not.`)
  process.exit(2)
}

/** No check takes so long, ms. */
const LONGEST = 200_000
const short = process.argv.includes('--short')
const only = option('--only') ?? ''
const sentence = option('--check') ?? ''
const count = numberOf('--count', 1)
const place = new Place(numberOf('--megabytes', short ? 10 : 100), short ? 1 : 5)
const chosen = PEERS.filter(({ title, long }) => !(short && long) && title.includes(only))
/** What passed on the wire to a peer. */
interface Captured {
  readonly title: string
  readonly frames: readonly Passed[]
}
const captures: Captured[] = []
const tally = { ran: 0, failed: 0, skipped: 0 }

function tell(name: string, verdict: Verdict, ms?: number): void {
  tally.ran++
  if (verdict !== undefined) tally.failed++
  const took = ms !== undefined && ms >= 1_000 ? ` (${(ms / 1000).toFixed(1)} s)` : ''
  console.log(verdict === undefined ? `  ✓ ${name}${took}` : `  ✘ ${name}${took}\n    ${verdict}`)
}

function skip(name: string, why: string): void {
  tally.skipped++
  console.log(`  - ${name}: skipped, ${why}`)
}

async function check({ name, needs, run }: Check): Promise<void> {
  const lacks = missing(needs)
  if (lacks !== undefined) return skip(name, lacks)
  const begun = performance.now()
  const tooLong = pause(LONGEST).then(() => `it was not over after ${LONGEST / 1000} s`)
  const verdict = await Promise.race([run(), tooLong]).catch((error: Error) => error.message)
  tell(name, verdict, performance.now() - begun)
}

async function against(peer: Peer): Promise<void> {
  console.log(peer.title)
  const lacks = missing(peer.needs)
  if (lacks !== undefined) return skip('all of it', lacks)
  try {
    const { host, checks } = await peer.meet(place)
    for (const one of checks) {
      if ((short && one.long) || !one.name.includes(sentence)) continue
      host.tape.during = one.name
      await check(one)
    }
    captures.push({ title: peer.title, frames: host.tape.frames })
  } catch (error) {
    tell('the bench is set up', error instanceof Error ? error.message.trim() : String(error))
  } finally {
    place.clear()
  }
}

/** tshark reads what passed on all of the wires, as many at once as there are. */
async function readBack(captures: readonly Captured[]): Promise<void> {
  console.log(
    'What passed, as tshark reads it: no malformed frame, no wrong checksum, no warning without a reason',
  )
  const lacks = missing(['tshark'])
  if (lacks !== undefined) return skip('all of it', lacks)
  const reading = captures.map(async ({ title, frames }, i) => {
    const faults = await faultsIn(frames, place.path(`${i}.pcapng`)).catch((error: Error) => error.message)
    tell(`${title}: ${frames.length.toLocaleString('en')} frames`, faults)
  })
  await Promise.all(reading)
}

/** Why nothing can be checked here. */
function cannot(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'only root can make name spaces and TAP devices'
  const lacks = missing(['ip', 'cc'])
  if (lacks !== undefined) return lacks
  try {
    execFileSync('unshare', ['--net', 'ip', 'tuntap', 'add', 'tap0', 'mode', 'tap'], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return `name spaces or TAP devices cannot be made here: ${(error as Error).message.trim()}`
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    place.leave()
    process.exit(130)
  })
try {
  if (process.platform === 'linux') await installMissing(!short)
  const why = cannot()
  if (why === undefined) {
    sweep()
    compileRelay(place.relay)
    for (let i = 0; i < count; i++) {
      for (const peer of chosen) await against(peer)
      await readBack(captures.splice(0))
    }
  } else {
    skip('others’ stacks', why)
  }
} finally {
  place.leave()
}

const median = (values: readonly number[]): number =>
  Math.round(values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0)
const figures = Object.fromEntries([...place.figures].map(([name, values]) => [name, median(values)]))
console.log(`${tally.ran} ran, ${tally.failed} failed, ${tally.skipped} skipped`)
const report = JSON.stringify({ ...tally, ...figures })
const { REPORT } = process.env
if (REPORT !== undefined) writeFileSync(REPORT, report)
if (process.argv.includes('--json')) console.log(report)
process.exit(tally.failed === 0 ? 0 : 1)
