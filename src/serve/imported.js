/** A module that was made in memory, imported as if it were a file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * What the module exports. It may import by full URLs alone, since it stands nowhere.
 *
 * @param {string} code
 * @returns {Promise<any>} whoever asks knows what it exports
 */
export async function imported(code) {
  const room = mkdtempSync(join(tmpdir(), 'lanlet-module-'))
  try {
    const file = join(room, 'module.mjs')
    writeFileSync(file, code)
    return await import(pathToFileURL(file).href)
  } finally {
    rmSync(room, { recursive: true, force: true })
  }
}
