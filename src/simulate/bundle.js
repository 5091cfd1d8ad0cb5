/** The simulation and the stack in one module, in which every allocation first asks whether it is to fail. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { imported } from '../serve/imported.js'
import { builtProfiles } from '../size/built-plugin.js'

const HERE = dirname(fileURLToPath(import.meta.url))
const ALLOCATORS = { 'memory/arena.ts': ['takePage', 'keepInput'], 'memory/slab.ts': ['takeRecord'] }

/**
 * A source with the question in front of its allocators' work.
 *
 * @param {string} code
 * @param {string} file
 */
function asking(code, file) {
  const allocators = Object.entries(ALLOCATORS).find(([path]) => file.endsWith(path))?.[1] ?? []
  return allocators.reduce((text, name) => {
    const head = new RegExp(`export function ${name}\\(m: Arena[^{]*\\{`)
    if (!head.test(text)) throw new Error(`${file} has no allocator ${name}: name the one that it has.`)
    return text.replace(head, '$& if (globalThis.refusesAllocation?.(m.buffer)) return 0;')
  }, code)
}

/**
 * @param {boolean} [built] whether the stacks are the built files; those ask nothing before they allocate
 * @returns {Promise<string>} the program's text
 */
export async function bundleSimulation(built = false) {
  const vitest = import.meta.resolve('vitest')
  const build = await rolldown({
    checks: { pluginTimings: false },
    input: join(HERE, 'simulation.ts'),
    platform: 'node',
    plugins: [
      built && builtProfiles(),
      {
        name: 'refusals',
        resolveId: id => (id === 'vitest' ? { id: vitest, external: true } : undefined),
        transform: (code, id) => ({ code: asking(code, id), map: null }),
      },
    ],
  })
  const { code } = (await build.generate({ format: 'es' })).output[0]
  await build.close()
  return code
}

/**
 * @param {string} code
 * @returns {Promise<typeof import('./simulation.ts')>}
 */
export const importSimulation = code => imported(code)
