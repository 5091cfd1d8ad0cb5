/**
 * Which Node runs lanlet: what `engines` in package.json says, in code that the oldest Node can still read.
 */

/**
 * @param {string} version such as '20.19.0', without a leading 'v'
 * @returns {string | undefined} one sentence when it is too old, nothing when it will do
 */
export function nodeTooOld(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22
  if (fits) return undefined
  return `lanlet needs Node 20.19 or later, or 22.12 or later; this is Node ${version}: install a newer one from https://nodejs.org.`
}
