/** Builds the bench as the page is built, minified, and runs it in a process of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const here = dirname(fileURLToPath(import.meta.url))
const out = mkdtempSync(join(tmpdir(), 'lanlet-bench-'))
try {
  await build({
    configFile: false,
    root: here,
    logLevel: 'warn',
    build: {
      outDir: out,
      emptyOutDir: true,
      ssr: join(here, 'bench.ts'),
      minify: true,
      target: 'es2022',
    },
  })
  const bench = ['--expose-gc', join(out, 'bench.js'), ...process.argv.slice(2)]
  process.exitCode = spawnSync(process.execPath, bench, { stdio: 'inherit' }).status ?? 1
} finally {
  rmSync(out, { recursive: true, force: true })
}
