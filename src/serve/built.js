/** Runs a TypeScript program in Node, built as the page is built: minified, in a process of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { build } from 'vite'

/**
 * @param {string} entry the program's path
 * @param {readonly string[]} nodeOptions
 * @param {readonly string[]} args
 * @param {(folder: string) => Record<string, string>} [environment] given a folder for the run's own files
 * @param {import('vite').Plugin[]} [plugins]
 * @returns {Promise<number>} its exit status
 */
export async function runBuilt(entry, nodeOptions, args, environment = () => ({}), plugins = []) {
  const out = mkdtempSync(join(tmpdir(), 'lanlet-run-'))
  // Ctrl-C is the program's, which takes down what it has made; then this takes down the folder.
  process.on('SIGINT', () => undefined)
  try {
    await build({
      configFile: false,
      root: dirname(entry),
      plugins,
      logLevel: 'warn',
      build: { outDir: out, emptyOutDir: true, ssr: entry, minify: true, target: 'es2022' },
    })
    const program = join(out, `${basename(entry, '.ts')}.js`)
    const env = { ...process.env, ...environment(out) }
    return (
      spawnSync(process.execPath, [...nodeOptions, program, ...args], { stdio: 'inherit', env }).status ?? 1
    )
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}
