/**
 * Puts the library beside the page: the built stacks, which the page's worker loads and runs, and what they cost. In a
 * build they are files of it; in development they are built when they are asked for, again after each change.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'
import { measureBeside } from './beside.js'
import { bundleProfile, PROFILES } from './bundle.js'
import { sourcesVersion } from './cache.js'
import { writeLibrary } from './library.js'
import { measure, measureFirst, type Sizes } from './measure.js'

/** `vite build` in this mode does not wait for the cost of each switch: whoever serves the page has them measured beside it. */
export const SERVED_AT_ONCE = 'served-at-once'

export function libraryPlugin(): Plugin {
  let out = ''
  let atOnce = false
  return {
    name: 'lanlet-library',
    // A file that a browser has kept from an older build would not fit the page's own code.
    config: () => ({ define: { __STACK_VERSION__: JSON.stringify(sourcesVersion()) } }),
    configResolved: ({ root, build, mode }) => {
      out = join(root, build.outDir)
      atOnce = mode === SERVED_AT_ONCE
    },
    async writeBundle() {
      await writeLibrary(join(out, 'stack'))
      writeFileSync(join(out, 'size.json'), JSON.stringify(await (atOnce ? measureFirst() : measure())))
    },
    configureServer({ middlewares }) {
      const serve = (path: string, type: string, make: () => Promise<string>) =>
        middlewares.use(path, (_request, response, next) => {
          make().then(text => {
            response.setHeader('Content-Type', type)
            response.setHeader('Cache-Control', 'no-store')
            response.end(text)
          }, next)
        })
      for (const profile of PROFILES)
        serve(`/stack/${profile}.js`, 'text/javascript', async () => (await bundleProfile(profile)).code)
      const sizes = new SizesSoFar()
      serve('/size.json', 'application/json', async () => JSON.stringify(await sizes.read()))
    },
  }
}

/** The profiles' sizes at once, the switches' as soon as they are measured; anew for each version of the sources. */
class SizesSoFar {
  #version = ''
  #measured: Sizes | undefined

  async read(): Promise<Sizes> {
    const version = sourcesVersion()
    if (this.#version !== version) {
      this.#version = version
      this.#measured = undefined
      void measureBeside().then(sizes => {
        if (this.#version === version) this.#measured = sizes
      })
    }
    return this.#measured ?? measureFirst()
  }
}
