/** The gate: a profile may not grow past the gzip size that it has reached, unless somebody raises its gate by hand. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './cache.js'

const FILE = 'src/size/gates.json'

/** Bytes of gzip, by profile. @returns {Record<string, number>} */
export const gates = () => JSON.parse(readFileSync(join(ROOT, FILE), 'utf8'))

/**
 * @param {string} profile
 * @param {number} gzip bytes
 * @param {Record<string, number>} gate
 * @returns {string | undefined} one sentence when it is too large
 */
export function overGate(profile, gzip, gate) {
  const most = gate[profile] ?? 0
  if (gzip <= most) return undefined
  return `The ${profile} profile is ${gzip} bytes of gzip, ${gzip - most} more than its gate of ${most}: save them, or raise "${profile}" in ${FILE} by hand.`
}
