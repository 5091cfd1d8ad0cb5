/** Where the scripts lie. */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const SCRIPTS = join(dirname(fileURLToPath(import.meta.url)), 'scripts')

/**
 * All of them, by their paths.
 *
 * @returns {string[]}
 */
export const scriptFiles = () =>
  readdirSync(SCRIPTS, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.pkt'))
    .sort()
    .map(name => join(SCRIPTS, name))
