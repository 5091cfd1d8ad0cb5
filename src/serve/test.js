/**
 * `npm test`: installs what is missing, a browser too, and runs everything: types and style, units, the build, the page in
 * a browser. Every step is run, whatever became of the one before, save where nothing could come of it. The last line is the tally.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from './install.js'
import { nodeTooOld } from './node-version.js'
import { runNode, starts } from './run.js'
import { readTally, sum, tallyChecks, tallyLine, tallyPlaywright, tallyVitest } from './tally.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
process.chdir(root)
const reports = join(root, 'test-results', 'reports')
const bin = {
  tsc: 'node_modules/typescript/bin/tsc',
  biome: 'node_modules/@biomejs/biome/bin/biome',
  vitest: 'node_modules/vitest/vitest.mjs',
  vite: 'node_modules/vite/bin/vite.js',
  playwright: 'node_modules/@playwright/test/cli.js',
}
/** @type {string[]} */
const broken = []

/**
 * @param {string} name
 * @param {() => Promise<string | number | undefined>} work resolves to a status, or to one sentence when it failed
 * @returns {Promise<boolean>} whether it went well
 */
async function step(name, work) {
  console.log(`\n── ${name}`)
  const outcome = await work()
  if (outcome === 0 || outcome === undefined) return true
  if (typeof outcome === 'string') console.error(outcome)
  broken.push(name)
  return false
}

const tallies = []
const ready =
  (await step('Node', async () => nodeTooOld(process.versions.node))) &&
  (await step('packages', () => install(root)))

if (ready) {
  rmSync(reports, { recursive: true, force: true })
  mkdirSync(reports, { recursive: true })

  await step('types', () => runNode(bin.tsc, ['-p', 'tsconfig.json']))
  await step('types of the stack alone', () => runNode(bin.tsc, ['-p', 'src/stack/tsconfig.json']))
  await step('style and import direction', () => runNode(bin.biome, ['check', '.']))

  const units = join(reports, 'vitest.json')
  await step('units', () =>
    runNode(bin.vitest, ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${units}`]),
  )
  tallies.push(readTally(units, tallyVitest))

  const storms = join(reports, 'simulate.json')
  await step('storms, 200 seeds', () => runNode('src/simulate/simulate.js', [], { REPORT: storms }))
  tallies.push(readTally(storms, tallyChecks))

  const frames = join(reports, 'fuzz.json')
  await step('the saboteur, 40,000 frames', () => runNode('src/fuzz/fuzz.js', [], { REPORT: frames }))
  tallies.push(readTally(frames, tallyChecks))

  const scripts = join(reports, 'scripts-built.json')
  await step('packet scripts against the built files', () =>
    runNode('src/conformance/scripts.js', ['--built'], { REPORT: scripts }),
  )
  tallies.push(readTally(scripts, tallyChecks))

  const twins = join(reports, 'simulate-built.json')
  await step('storms in which the built files do what the sources do, 50 seeds', () =>
    runNode('src/simulate/simulate.js', ['--built', '--seeds', '50'], { REPORT: twins }),
  )
  tallies.push(readTally(twins, tallyChecks))

  const checks = join(reports, 'interop.json')
  await step('others’ stacks and tools, in short', () =>
    runNode('src/interop/run.js', ['--short'], { REPORT: checks }),
  )
  tallies.push(readTally(checks, tallyChecks))

  const built = await step('the page is built', () => runNode(bin.vite, ['build', '--logLevel', 'warn']))
  const { ensureBrowser } = await import('./browser.js')
  const { debianInstall } = await import('./debian.js')
  const browser = await step('a browser', () => ensureBrowser(root))
  await step('tshark', async () => {
    if ((await starts('tshark', ['--version'])) || (await debianInstall('tshark'))) return undefined
    console.log('tshark: skipped, it is not here and cannot be installed: captures are not read by it.')
    return undefined
  })
  if (built && browser) {
    const pages = join(reports, 'playwright.json')
    await step('the page in a browser', () =>
      runNode(bin.playwright, ['test', '--reporter=list,json'], { PLAYWRIGHT_JSON_OUTPUT_FILE: pages }),
    )
    tallies.push(readTally(pages, tallyPlaywright))
  }
}

console.log(broken.length === 0 ? '\nAll is well.' : `\nFailed: ${broken.join(', ')}.`)
const tally = sum(tallies)
// By its exit code, not process.exit: what is printed must have left.
process.exitCode = broken.length === 0 && tally.failed === 0 ? 0 : 1
console.log(tallyLine(tally))
