/** Every script under scripts/ is a test, named by its first line. */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { describe, test } from 'vitest'
import { playScript } from './play.ts'
import { SCRIPTS, scriptFiles } from './script-files.js'

const folderOf = (file: string): string => relative(SCRIPTS, file).split('/')[0] ?? ''

for (const folder of new Set(scriptFiles().map(folderOf)))
  describe(folder, () => {
    for (const file of scriptFiles().filter(one => folderOf(one) === folder)) {
      const text = readFileSync(file, 'utf8')
      test(text.slice(1, text.indexOf('\n')).trim(), () => playScript(relative(SCRIPTS, file), text))
    }
  })
