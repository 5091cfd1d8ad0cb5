/** The runner and the stack in one module, in memory, with what is done to its sources on their way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { builtProfiles } from '../size/built-plugin.js'

export const HERE = dirname(fileURLToPath(import.meta.url))
export const STACK = join(HERE, '..', 'stack')

/**
 * @typedef {object} Player
 * @property {(file: string, text: string) => void} playScript
 */

/**
 * The program's text.
 *
 * @param {(code: string, file: string) => string} change
 * @param {boolean} [built] whether the stacks are the built files
 * @returns {Promise<string>}
 */
export async function bundlePlayer(change, built = false) {
  const vitest = import.meta.resolve('vitest')
  const build = await rolldown({
    checks: { pluginTimings: false },
    input: join(HERE, 'play.ts'),
    external: vitest,
    plugins: [
      built && builtProfiles(),
      {
        name: 'sources',
        resolveId: id => (id === 'vitest' ? { id: vitest, external: true } : undefined),
        transform: (code, id) => ({ code: change(code, id), map: null }),
      },
    ],
  })
  const { code } = (await build.generate({ format: 'es' })).output[0]
  await build.close()
  return code
}

/** @param {string} code @returns {Promise<Player>} */
export async function importPlayer(code) {
  const room = mkdtempSync(join(tmpdir(), 'lanlet-scripts-'))
  try {
    const file = join(room, 'play.mjs')
    writeFileSync(file, code)
    return await import(pathToFileURL(file).href)
  } finally {
    rmSync(room, { recursive: true, force: true })
  }
}
