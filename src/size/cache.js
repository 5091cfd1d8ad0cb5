/**
 * What was built once is not built again. A bundle is known by all that it is made of: the stack's sources, the code
 * that builds and the versions it builds with. So a build, a test and a measurement that follow each other share
 * their work, and a change of one byte makes all anew.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const CACHE = join(ROOT, 'node_modules', '.cache', 'lanlet')
/** The sources of so many versions are remembered. */
const VERSIONS = 4

const MADE_OF = [join('src', 'stack'), join('src', 'size')]
const isSource = (/** @type {string} */ path) =>
  /\.[jt]s$/.test(path) && !/\.test\.ts$|[\\/]testing[\\/]/.test(path)

/** @returns {string} the version of all that a bundle is made of: 16 hex digits */
export function sourcesVersion() {
  const files = MADE_OF.flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(name => join(folder, name)),
  )
  const hash = createHash('sha256')
  for (const file of [...files.filter(isSource).sort(), 'package-lock.json']) {
    const text = readFileSync(join(ROOT, file))
    hash.update(`${file}\0${text.length}\0`).update(text)
  }
  return hash.digest('hex').slice(0, 16)
}

/** @type {Map<string, Promise<any>>} */
const known = new Map()

/**
 * @template T what JSON can say
 * @param {unknown} what names it among all that is made of the same sources
 * @param {() => Promise<T>} make
 * @returns {Promise<T>}
 */
export function cached(what, make) {
  const name = createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 24)
  const file = join(CACHE, sourcesVersion(), `${name}.json`)
  const before = known.get(file)
  if (before !== undefined) return before
  const made = kept(file, make)
  known.set(file, made)
  return made
}

/**
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} make
 * @returns {Promise<T>}
 */
async function kept(file, make) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // Not there, or cut off while it was written: then it is made.
  }
  const value = await make()
  try {
    mkdirSync(dirname(file), { recursive: true })
    forgetOldVersions()
    // Whole or not at all: several processes may write the same.
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(value))
    renameSync(`${file}.${process.pid}`, file)
  } catch {
    // A folder that cannot be written to costs time alone.
  }
  return value
}

function forgetOldVersions() {
  const age = (/** @type {string} */ folder) => statSync(join(CACHE, folder)).mtimeMs
  const newestFirst = readdirSync(CACHE).sort((a, b) => age(b) - age(a))
  for (const folder of newestFirst.slice(VERSIONS))
    rmSync(join(CACHE, folder), { recursive: true, force: true })
}
