/** The saboteur and the stack, watched (instrument.js), in one module. */
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { withCountedLoops } from './inputs/loops.js'
import { Marks, watched } from './instrument.js'

const HERE = dirname(fileURLToPath(import.meta.url))
const SOURCES = join(HERE, '..') + sep
const STACK = join(SOURCES, 'stack') + sep
/** Those who watch: their own loops do not count. */
const WATCHERS = [HERE + sep, join(SOURCES, 'simulate') + sep]

/**
 * The program's text, and what its marks stand for.
 *
 * @param {(code: string, file: string) => string} [broken] changes the sources first; files of the stack go by their paths in it
 * @returns {Promise<{ code: string, places: readonly { place: string, isOnTheWay: boolean }[] }>}
 */
export async function bundleSaboteur(broken = code => code) {
  const vitest = import.meta.resolve('vitest')
  const marks = new Marks()
  const build = await rolldown({
    input: join(HERE, 'saboteur.ts'),
    platform: 'node',
    plugins: [
      {
        name: 'watch',
        resolveId: id => (id === 'vitest' ? { id: vitest, external: true } : undefined),
        transform(code, id) {
          if (!id.startsWith(SOURCES) || id.includes(`${sep}testing${sep}`)) return undefined
          const folder = id.startsWith(STACK) ? STACK : SOURCES
          const file = id.slice(folder.length).split(sep).join('/')
          if (folder === SOURCES)
            return WATCHERS.some(watcher => id.startsWith(watcher)) || !id.endsWith('.ts')
              ? undefined
              : { code: withCountedLoops(broken(code, file)), map: null }
          return { code: marks.instrument(watched(broken(code, file), file), file), map: null }
        },
      },
    ],
  })
  const { code } = (await build.generate({ format: 'es' })).output[0]
  await build.close()
  return { code, places: marks.places }
}
