/**
 * `npm run scripts`: plays every script, or those whose path or title contains the words that follow.
 *
 *   npm run scripts -- handshake
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { bundlePlayer, importPlayer } from './bundle.js'
import { SCRIPTS, scriptFiles } from './script-files.js'

const filter = process.argv.slice(2).join(' ').toLowerCase()
const { playScript } = await importPlayer(await bundlePlayer(code => code))
const began = performance.now()
let played = 0
let failed = 0
for (const file of scriptFiles()) {
  const text = readFileSync(file, 'utf8')
  const name = relative(SCRIPTS, file)
  if (!`${name} ${text.split('\n', 1)[0]}`.toLowerCase().includes(filter)) continue
  played++
  try {
    playScript(name, text)
  } catch (error) {
    failed++
    console.log(`${error instanceof Error ? error.message : error}\n`)
  }
}
const seconds = ((performance.now() - began) / 1000).toFixed(1)
console.log(`${played} scripts, ${played - failed} as expected, ${failed} not; ${seconds} s`)
process.exitCode = failed > 0 || played === 0 ? 1 : 0
