/**
 * `npm run interop`: others' stacks and tools against ours. `--count N` repeats all of it N times; `--megabytes N` is what a
 * bulk transfer moves; `--json` ends with one line of JSON: `{"ran":N,"failed":N,"skipped":N}`, which also goes to the file that the
 * environment names as REPORT.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CHECKS, makeBench } from './kernel.ts'
import { faultsIn } from './tshark.ts'

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(name)
  if (at < 0) return otherwise
  const value = Number(process.argv[at + 1])
  if (!(Number.isInteger(value) && value >= 1)) {
    console.error(`${name} takes a whole number from 1; '${process.argv[at + 1] ?? ''}' is not.`)
    process.exit(2)
  }
  return value
}

const tally = { ran: 0, failed: 0, skipped: 0 }
const present = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

function tell(name: string, outcome: string | undefined): void {
  tally.ran++
  if (outcome !== undefined) tally.failed++
  console.log(outcome === undefined ? `  ✓ ${name}` : `  ✘ ${name}\n    ${outcome}`)
}

function skip(name: string, why: string): void {
  tally.skipped++
  console.log(`  - ${name}: skipped, ${why}`)
}

async function againstTheKernel(folder: string, relay: string, megabytes: number): Promise<void> {
  console.log('The Linux kernel')
  const bench = await makeBench(relay, folder, megabytes).catch((error: Error) => error.message)
  if (typeof bench === 'string') return skip('all of it', bench.trim())
  try {
    for (const { name, needs, run } of CHECKS) {
      if (present(needs)) tell(name, await run(bench).catch((error: Error) => error.message))
      else skip(name, `${needs} is not installed`)
    }
    const reads = 'tshark reads what was captured without a fault'
    if (present('tshark')) tell(reads, faultsIn(bench.host.captured, folder))
    else skip(reads, 'tshark is not installed')
  } finally {
    bench.linux.remove()
    bench.host.end()
  }
}

const cannot =
  process.platform !== 'linux'
    ? 'this is not Linux'
    : process.getuid?.() !== 0
      ? 'only root can make name spaces and TAP devices'
      : !present('ip')
        ? 'there is no ip: as root, apt-get install iproute2'
        : !present('cc')
          ? 'there is no C compiler: as root, apt-get install gcc libc6-dev'
          : undefined

const folder = mkdtempSync(join(tmpdir(), 'lanlet-interop-'))
const count = option('--count', 1)
const megabytes = option('--megabytes', 100)
try {
  if (cannot === undefined) {
    const relay = join(folder, 'tap-relay')
    execFileSync('cc', ['-O2', '-o', relay, join(process.env['INTEROP_SOURCES'] ?? '', 'tap-relay.c')])
    for (let i = 0; i < count; i++) await againstTheKernel(folder, relay, megabytes)
  } else {
    skip('the Linux kernel', cannot)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${tally.ran} ran, ${tally.failed} failed, ${tally.skipped} skipped`)
const { REPORT } = process.env
if (REPORT !== undefined) writeFileSync(REPORT, JSON.stringify(tally))
if (process.argv.includes('--json')) console.log(JSON.stringify(tally))
process.exit(tally.failed === 0 ? 0 : 1)
