/** Builds the bench as the page is built and runs it, behind native lwIP. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runBuilt } from '../serve/built.js'
import { measureLwip } from './lwip.js'

/** Samples of each figure. */
const SAMPLES = 5

const here = dirname(fileURLToPath(import.meta.url))
process.exitCode = await runBuilt(join(here, 'bench.ts'), ['--expose-gc'], process.argv.slice(2), folder => ({
  BENCH_SAMPLES: String(SAMPLES),
  BENCH_LWIP: measureLwip(here, folder, SAMPLES),
}))
