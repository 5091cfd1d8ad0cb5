/**
 * Installs what the lock file lists and node_modules lacks; does nothing when nothing is missing.
 *
 * npm keeps its own account of what it installed in node_modules/.package-lock.json: comparing the two costs
 * milliseconds, needs no mark of ours, and is right whoever ran npm last.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run, runNode } from './run.js'

/**
 * @typedef {{ packages?: Record<string, { version?: string, optional?: boolean, peer?: boolean }> }} LockFile
 */

/**
 * @param {LockFile} wanted package-lock.json
 * @param {LockFile} installed node_modules/.package-lock.json
 * @returns {string | undefined} the first package that is missing or of another version
 */
export function firstMissing(wanted, installed) {
  const there = installed.packages ?? {}
  for (const [path, { version, optional }] of Object.entries(wanted.packages ?? {})) {
    if (path === '') continue
    const found = there[path]
    // An optional package of another platform is rightly absent.
    if (found === undefined ? !optional : found.version !== version) return path
  }
  return undefined
}

/**
 * @param {string} root the repository
 * @returns {boolean} whether node_modules holds what the lock file lists
 */
export function isInstalled(root) {
  const account = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(account)) return false
  try {
    return firstMissing(readLock(join(root, 'package-lock.json')), readLock(account)) === undefined
  } catch {
    return false // a broken account: install afresh
  }
}

/**
 * @param {string} root
 * @returns {Promise<string | undefined>} one sentence when it failed
 */
export async function install(root) {
  if (isInstalled(root)) return undefined
  console.log('Installing what the lock file lists (npm ci) …')
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--prefix', root]
  const npm = npmScript()
  const status = npm === undefined ? await run('npm', args) : await runNode(npm, args)
  if (status === 0) return undefined
  return `npm ci failed (status ${status}): what it says above is why; with a connection to the npm registry it would work.`
}

/** @param {string} path @returns {LockFile} */
const readLock = path => JSON.parse(readFileSync(path, 'utf8'))

/** npm's own script: the one that started us, else the one that came with this Node. */
function npmScript() {
  const besideNode = join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js') // Windows
  const candidates = [process.env['npm_execpath'], besideNode]
  return candidates.find(path => path?.endsWith('npm-cli.js') && existsSync(path))
}
