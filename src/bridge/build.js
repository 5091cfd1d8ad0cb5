/**
 * Writes the program `lanlet`, dist/bridge: one file for Node with all that it needs, WebRTC too, beside the licences of
 * what is in it. Who takes the library alone installs nothing with it.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const here = dirname(fileURLToPath(import.meta.url))

/** @param {string} [out] a folder, made anew */
export async function writeBridge(out = join(here, '..', '..', 'dist', 'bridge')) {
  await build({
    configFile: false,
    root: here,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      outDir: out,
      emptyOutDir: true,
      ssr: 'lanlet.ts',
      minify: true,
      target: 'es2022',
      license: { fileName: 'LICENSES.md' },
      rolldownOptions: { output: { banner: '#!/usr/bin/env node' } },
    },
  })
  return join(out, 'lanlet.js')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeBridge()
