/** Builds `npm run interop` and runs it. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runBuilt } from '../serve/built.js'

const here = dirname(fileURLToPath(import.meta.url))
process.exitCode = await runBuilt(join(here, 'interop.ts'), [], process.argv.slice(2))
