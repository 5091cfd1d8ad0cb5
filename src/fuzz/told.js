/**
 * A failure as text, and read back from it: whatever was printed can be played again.
 *
 *     blind, seed 42, host 3 (full client minimal): Wrong: an access …
 *       22013.4 0200000000…
 *
 * One line says what and where, each further one is a frame: when it was sent (ms), and its bytes in hex.
 *
 * @typedef {import('./failure.ts').Failure} Failure
 */

const HEAD = /^(alone|blind|aimed|everything), seed (\d+), host (\d+) \(([^)]*)\): (.*)$/
const FRAME = /^ {2}(\d+(?:\.\d+)?) ((?:[0-9a-f]{2})*)$/

/** @param {Failure} failure */
export function tell({ form, seed, host, profile, what, frames }) {
  const lines = frames.map(({ at, bytes }) => `  ${at} ${Buffer.from(bytes).toString('hex')}`)
  return [`${form}, seed ${seed}, host ${host} (${profile}): ${what}`, ...lines].join('\n')
}

/**
 * All failures in a text, in which other lines may stand as well.
 *
 * @param {string} text
 * @returns {Failure[]}
 */
export function readTold(text) {
  /** @type {(Failure & { frames: { at: number, bytes: Uint8Array }[] })[]} */
  const found = []
  let within = false
  for (const line of text.split(/\r?\n/)) {
    const [, form, seed, host, profile = '', what = ''] = HEAD.exec(line) ?? []
    const [, at, hex = ''] = FRAME.exec(line) ?? []
    if (form !== undefined)
      found.push({
        form: /** @type {Failure['form']} */ (form),
        seed: Number(seed),
        host: Number(host),
        profile,
        what,
        frames: [],
      })
    else if (at !== undefined && within)
      found.at(-1)?.frames.push({ at: Number(at), bytes: Uint8Array.from(Buffer.from(hex, 'hex')) })
    else if (within && line.startsWith('  '))
      throw new RangeError(`This is no frame: '${line.trim().slice(0, 40)}'.`)
    within = form !== undefined || (within && at !== undefined)
  }
  if (found.length === 0) throw new RangeError('There is no failure in it as `npm run fuzz` prints them.')
  return found
}
