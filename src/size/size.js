/**
 * `npm run size`: what each profile, each switch and each module costs.
 *
 *   npm run size                              tables
 *   npm run size -- --json                    tables, then one line of JSON
 *   npm run size -- --with IP_PING,PROC_FS    the size of that set; a space may stand for a comma
 */
import { parseArgs } from 'node:util'
import { bundleSet } from './bundle.js'
import { measure, measureProfiles } from './measure.js'

/** @param {(string | number)[]} cells the first to the left, the others to the right */
const row = ([first = '', ...rest]) =>
  String(first).padEnd(22) + rest.map(cell => String(cell).padStart(12)).join('')

/** @param {readonly string[]} names */
async function printSet(names) {
  const { min, gzip } = await bundleSet(names)
  console.log(row(['set', 'minified', 'gzip']))
  console.log(row([names.join(',') || '(no switch)', min, gzip]))
}

/** @param {boolean} json */
async function printAll(json) {
  const sizes = await measure()
  const built = Object.entries(await measureProfiles())

  console.log(
    'Bytes. With LTO: what nothing calls is left out. Without: of each module that is imported, all is kept.\n',
  )
  console.log(row(['profile', 'min', 'gzip', 'min, no LTO', 'gzip, no LTO']))
  for (const [name, { min, gzip, unshaken }] of built)
    console.log(row([name, min, gzip, unshaken.min, unshaken.gzip]))

  console.log(`\n${row(['switch', 'min', 'gzip', 'full', 'client', 'minimal'])}`)
  for (const [name, { min, gzip }] of Object.entries(sizes.switches))
    console.log(row([name, min, gzip, ...built.map(([, one]) => (one.switches.includes(name) ? 'on' : '–'))]))

  console.log(`\n${row(['module, min', ...built.map(([name]) => name)])}`)
  const bytesIn = built.map(([, one]) => new Map(one.modules.map(({ module, bytes }) => [module, bytes])))
  for (const module of new Set(built.flatMap(([, one]) => one.modules.map(entry => entry.module))))
    console.log(row([module, ...bytesIn.map(bytes => bytes.get(module) ?? '–')]))

  if (json) console.log(`\n${JSON.stringify(sizes)}`)
}

try {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean' }, with: { type: 'string' } },
    allowPositionals: true,
  })
  if (values.with === undefined && positionals.length > 0)
    throw new RangeError(`Switches stand behind --with, not alone: ${positionals.join(' ')}.`)
  if (values.with === undefined) await printAll(values.json === true)
  else
    await printSet(
      [values.with, ...positionals]
        .join()
        .split(/[\s,]+/)
        .filter(Boolean),
    )
} catch (error) {
  // A wrong set or option is a sentence; anything else is a fault of ours and shows where it came from.
  const wrongInput = error instanceof RangeError || (error instanceof TypeError && 'code' in error)
  console.error(wrongInput ? error.message : error)
  process.exitCode = 1
}
