/** The runner and the stack in one module, in memory, with what is done to its sources on their way. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { imported } from '../serve/imported.js'
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
export const importPlayer = code => imported(code)
