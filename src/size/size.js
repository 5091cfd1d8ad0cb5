/**
 * `npm run size`: what each profile, each switch and each module costs.
 *
 *   npm run size                              tables
 *   npm run size -- --json                    tables, then one line of JSON
 *   npm run size -- --with IP_PING,PROC_FS    the size of that set
 */
import { parseArgs } from 'node:util'
import { bundleProfile, bundleSet, PROFILES } from './bundle.js'
import { pairAround, SWITCHES } from './switches.js'

/** @typedef {import('./bundle.js').Bundle} Bundle */

/** @param {(string | number)[]} cells the first to the left, the others to the right */
const row = ([first = '', ...rest]) =>
  String(first).padEnd(22) + rest.map(cell => String(cell).padStart(12)).join('')

/** @param {readonly string[]} names */
async function printSet(names) {
  const { min, gzip } = await bundleSet(names)
  console.log(row(['set', 'minified', 'gzip']))
  console.log(row([names.join(',') || '(no switch)', min, gzip]))
}

/** @returns {Promise<Record<string, Bundle & { unshaken: Bundle }>>} */
async function measureProfiles() {
  /** @type {Record<string, Bundle & { unshaken: Bundle }>} */
  const profiles = {}
  for (const profile of PROFILES) {
    const unshaken = await bundleProfile(profile, { shaken: false })
    profiles[profile] = { ...(await bundleProfile(profile)), unshaken }
  }
  return profiles
}

/**
 * @param {readonly string[]} around the full profile's switches
 * @returns {Promise<Record<string, { min: number, gzip: number }>>}
 */
async function measureSwitches(around) {
  /** @type {Record<string, { min: number, gzip: number }>} */
  const costs = {}
  /** @type {Map<string, Promise<Bundle>>} */
  const built = new Map()
  const sizeOf = async (/** @type {readonly string[]} */ names) => {
    const key = names.toSorted().join()
    const known = built.get(key) ?? bundleSet(names)
    built.set(key, known)
    return known
  }
  for (const { name } of SWITCHES) {
    const pair = pairAround(name, around)
    const on = await sizeOf(pair.with)
    const off = await sizeOf(pair.without)
    costs[name] = { min: on.min - off.min, gzip: on.gzip - off.gzip }
  }
  return costs
}

/** @param {boolean} json */
async function printAll(json) {
  const profiles = await measureProfiles()
  const switches = await measureSwitches(profiles['full']?.switches ?? [])
  const sizes = Object.entries(profiles)

  console.log('Bytes. With LTO: what nothing calls is left out. Without: all that is imported stays.\n')
  console.log(row(['profile', 'min', 'gzip', 'min, no LTO', 'gzip, no LTO']))
  for (const [name, { min, gzip, unshaken }] of sizes)
    console.log(row([name, min, gzip, unshaken.min, unshaken.gzip]))

  console.log(`\n${row(['switch', 'min', 'gzip', 'full', 'client', 'minimal'])}`)
  for (const [name, { min, gzip }] of Object.entries(switches))
    console.log(row([name, min, gzip, ...sizes.map(([, one]) => (one.switches.includes(name) ? 'on' : '–'))]))

  console.log(`\n${row(['module, min', ...sizes.map(([name]) => name)])}`)
  const bytesIn = sizes.map(([, one]) => new Map(one.modules.map(({ module, bytes }) => [module, bytes])))
  for (const module of new Set(sizes.flatMap(([, one]) => one.modules.map(entry => entry.module))))
    console.log(row([module, ...bytesIn.map(bytes => bytes.get(module) ?? '–')]))

  if (!json) return
  const figures = sizes.map(([name, { min, gzip, unshaken }]) => [
    name,
    { min, gzip, unshaken: unshaken.min },
  ])
  console.log(`\n${JSON.stringify({ profiles: Object.fromEntries(figures), switches })}`)
}

try {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, with: { type: 'string' } } })
  if (values.with === undefined) await printAll(values.json === true)
  else
    await printSet(
      values.with
        .split(',')
        .map(name => name.trim())
        .filter(Boolean),
    )
} catch (error) {
  // A wrong set or option is a sentence; anything else is a fault of ours and shows where it came from.
  const wrongInput = error instanceof RangeError || (error instanceof TypeError && 'code' in error)
  console.error(wrongInput ? error.message : error)
  process.exitCode = 1
}
