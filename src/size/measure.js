/** What everything costs, as data: `npm run size` prints it, the page ships it (dist/size.json), the README's plot draws it. */
import { bundleProfile, bundleSet, PROFILES } from './bundle.js'
import { pairAround, SWITCHES } from './switches.js'

/** @typedef {import('./bundle.js').Bundle} Bundle */

/**
 * @typedef {object} ProfileSize
 * @property {number} min bytes of the built file
 * @property {number} gzip bytes of it, at level 9
 * @property {number} unshaken bytes, minified, 'without LTO': the same switches, but of every module that is imported all is kept, also what nothing calls
 * @property {readonly string[]} switches that are on in it
 */

/**
 * @typedef {object} SwitchCost
 * @property {number} min bytes: the full profile with it less the full profile without it
 * @property {number} gzip
 */

/** @typedef {{ profiles: Record<string, ProfileSize>, switches: Record<string, SwitchCost> }} Sizes */

/** @returns {Promise<Record<string, Bundle & { unshaken: Bundle }>>} */
export async function measureProfiles() {
  /** @type {Record<string, Bundle & { unshaken: Bundle }>} */
  const profiles = {}
  for (const profile of PROFILES)
    profiles[profile] = {
      ...(await bundleProfile(profile)),
      unshaken: await bundleProfile(profile, { shaken: false }),
    }
  return profiles
}

/** The sizes of the profiles alone, without the cost of any switch: six builds. @returns {Promise<Sizes>} */
export async function measureFirst() {
  const sizes = Object.entries(await measureProfiles()).map(([name, { min, gzip, unshaken, switches }]) => [
    name,
    { min, gzip, unshaken: unshaken.min, switches },
  ])
  return { profiles: Object.fromEntries(sizes), switches: {} }
}

/** @returns {Promise<Sizes>} */
export async function measure() {
  const { profiles } = await measureFirst()
  const around = profiles['full']?.switches ?? []
  /** @type {Record<string, SwitchCost>} */
  const switches = {}
  for (const { name } of SWITCHES) {
    const pair = pairAround(name, around)
    const on = await bundleSet(pair.with)
    const off = await bundleSet(pair.without)
    switches[name] = { min: on.min - off.min, gzip: on.gzip - off.gzip }
  }
  return { profiles, switches }
}
