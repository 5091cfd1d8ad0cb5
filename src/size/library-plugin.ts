/**
 * Puts the library beside the page: the built stacks, which the page's worker loads and runs, and what they cost. In a
 * build they are files of it; in development they are built when they are asked for, again after each change.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'
import { bundleProfile, PROFILES } from './bundle.js'
import { sourcesVersion } from './cache.js'
import { writeLibrary } from './library.js'
import { measure } from './measure.js'

export function libraryPlugin(): Plugin {
  let out = ''
  return {
    name: 'lanlet-library',
    // A file that a browser has kept from an older build would not fit the page's own code.
    config: () => ({ define: { __STACK_VERSION__: JSON.stringify(sourcesVersion()) } }),
    configResolved: ({ root, build }) => {
      out = join(root, build.outDir)
    },
    async writeBundle() {
      await writeLibrary(join(out, 'stack'))
      writeFileSync(join(out, 'size.json'), JSON.stringify(await measure()))
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
      serve('/size.json', 'application/json', async () => JSON.stringify(await measure()))
    },
  }
}
