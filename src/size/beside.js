/** Measuring what each switch costs takes many builds: a process of its own makes them, so that who serves a page is not held up. */
import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './cache.js'
import { measure } from './measure.js'

/** @returns {Promise<import('./measure.js').Sizes>} */
export async function measureBeside() {
  await new Promise(resolve => {
    // What it prints is not needed, but what it builds is remembered (cache.js).
    const child = spawn(process.execPath, [join(ROOT, 'src', 'size', 'size.js')], { stdio: 'ignore' })
    const end = () => child.kill()
    process.once('exit', end)
    child.once('error', resolve)
    child.once('close', resolve)
    child.once('close', () => process.off('exit', end))
    if (child.pid !== undefined) setPriority(child.pid, 10)
  })
  return measure()
}
