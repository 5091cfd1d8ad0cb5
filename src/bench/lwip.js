/** Compiles lwip.c against Debian's liblwip-dev and runs it; or says what is missing. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const HEADERS = '/usr/include/lwip'

/**
 * @param {string} here the folder of lwip.c
 * @param {string} out a folder for the program
 * @param {number} samples
 * @returns {string} JSON: samples of throughputMBps, roundTripsPerSecond and connectionsPerSecond, or `missing`, a sentence
 */
export function measureLwip(here, out, samples) {
  if (!existsSync(HEADERS))
    return missing('liblwip-dev is not installed; as root, apt-get install liblwip-dev')
  if (spawnSync('cc', ['--version']).status !== 0)
    return missing('there is no C compiler; as root, apt-get install gcc')
  const program = join(out, 'lwip')
  const compiled = spawnSync('cc', ['-O3', `-I${HEADERS}`, '-o', program, join(here, 'lwip.c'), '-ldl'], {
    encoding: 'utf8',
  })
  if (compiled.status !== 0)
    return missing(`lwip.c does not compile: ${compiled.stderr.trim().split('\n')[0]}`)
  const run = spawnSync(program, [String(samples)], { encoding: 'utf8', timeout: 300_000 })
  return run.status === 0 ? run.stdout.trim() : missing(`it ended: ${run.stderr.trim() || run.signal}`)
}

/** @param {string} why */
const missing = why => JSON.stringify({ missing: why })
