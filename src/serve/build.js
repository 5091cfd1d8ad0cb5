/**
 * Builds the page into dist, when a source is newer than what is there. What each switch costs is measured while the page
 * is served already.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const SOURCES = ['index.html', 'vite.config.ts', 'package-lock.json', 'tsconfig.json', 'src', 'public']

/**
 * @param {string} root the repository
 * @returns {boolean}
 */
export function isBuilt(root) {
  const page = join(root, 'dist', 'index.html')
  // Written last: a build that was broken off lacks it.
  if (!existsSync(page) || !existsSync(join(root, 'dist', 'size.json'))) return false
  const built = statSync(page).mtimeMs
  return SOURCES.every(source => newest(join(root, source)) <= built)
}

/**
 * @param {string} root
 * @returns {Promise<string | undefined>} one sentence when it failed
 */
export async function build(root) {
  if (isBuilt(root)) return undefined
  console.log('Building the page …')
  const vite = await import('vite')
  try {
    await vite.build({ root, logLevel: 'warn', mode: 'served-at-once' })
    return undefined
  } catch (error) {
    return `The page could not be built: ${error instanceof Error ? error.message : error}`
  }
}

/**
 * Measures what the build left out, if it did, and puts it beside the page.
 *
 * @param {string} root
 */
export async function measureSwitches(root) {
  const file = join(root, 'dist', 'size.json')
  if (Object.keys(JSON.parse(readFileSync(file, 'utf8')).switches).length > 0) return
  // What it stands on is not there before the packages are installed.
  const { measureBeside } = await import('../size/beside.js')
  writeFileSync(file, JSON.stringify(await measureBeside()))
}

/**
 * @param {string} path
 * @returns {number} the latest change below it, in ms; a folder's own time tells of what was deleted
 */
function newest(path) {
  if (!existsSync(path)) return 0
  const status = statSync(path)
  if (!status.isDirectory()) return status.mtimeMs
  return readdirSync(path).reduce(
    (latest, name) => Math.max(latest, newest(join(path, name))),
    status.mtimeMs,
  )
}
