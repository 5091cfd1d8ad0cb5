/** Builds the bench as the page is built, minified, and runs it in a process of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { measureLwip } from './lwip.js'

const here = dirname(fileURLToPath(import.meta.url))
/** Samples of each figure. */
const SAMPLES = 5

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
  const env = {
    ...process.env,
    BENCH_SAMPLES: String(SAMPLES),
    BENCH_LWIP: measureLwip(here, out, SAMPLES),
  }
  process.exitCode = spawnSync(process.execPath, bench, { stdio: 'inherit', env }).status ?? 1
} finally {
  rmSync(out, { recursive: true, force: true })
}
