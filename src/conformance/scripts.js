/**
 * `npm run scripts`: plays every script, or those whose path or title contains the words that follow.
 *
 *   npm run scripts -- handshake
 *   npm run scripts -- --built handshake      against the built files, dist/stack/*.js
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { bundlePlayer, importPlayer } from './bundle.js'
import { SCRIPTS, scriptFiles } from './script-files.js'

const words = process.argv.slice(2)
const built = words.includes('--built')
const filter = words
  .filter(word => word !== '--built')
  .join(' ')
  .toLowerCase()
const { playScript } = await importPlayer(await bundlePlayer(code => code, built))
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
const report = process.env['REPORT']
if (report !== undefined) writeFileSync(report, JSON.stringify({ ran: played, failed, skipped: 0 }))
process.exitCode = failed > 0 || played === 0 ? 1 : 0
