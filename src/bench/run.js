/** Builds the bench and runs it, behind native lwIP. The stack in it is the library's file, which the page runs too. */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runBuilt } from '../serve/built.js'
import { bundleProfile } from '../size/bundle.js'
import { measureLwip } from './lwip.js'

/** Samples of each figure. */
const SAMPLES = 5

const here = dirname(fileURLToPath(import.meta.url))
const { code } = await bundleProfile('full')

/** @type {import('vite').Plugin} */
const library = {
  name: 'library',
  enforce: 'pre',
  resolveId: id => (id.endsWith('/profiles/full.ts') ? { id: './full.mjs', external: true } : undefined),
}

process.exitCode = await runBuilt(
  join(here, 'bench.ts'),
  ['--expose-gc'],
  process.argv.slice(2),
  folder => {
    writeFileSync(join(folder, 'full.mjs'), code)
    return { BENCH_SAMPLES: String(SAMPLES), BENCH_LWIP: measureLwip(here, folder, SAMPLES) }
  },
  [library],
)
