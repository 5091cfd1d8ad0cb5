/** Writes the library, dist/stack: what `lanlet/full`, `lanlet/client`, `lanlet/minimal` and `lanlet/names` import, with types. The page runs the same files. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleNames, bundleProfile, PROFILES } from './bundle.js'
import { ROOT } from './cache.js'

/** @param {string} [out] a folder, made anew */
export async function writeLibrary(out = join(ROOT, 'dist', 'stack')) {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  for (const profile of PROFILES)
    writeFileSync(join(out, `${profile}.js`), (await bundleProfile(profile)).code)
  writeFileSync(join(out, 'names.js'), await bundleNames())
  writeTypes(join(out, 'types'))
}

/**
 * The declarations of the four entries and of what these name, nothing of the inside.
 *
 * @param {string} out
 */
function writeTypes(out) {
  const all = mkdtempSync(join(tmpdir(), 'lanlet-types-'))
  try {
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const project = join(ROOT, 'src', 'stack', 'tsconfig.json')
    const emit = [
      '--noEmit',
      'false',
      '--declaration',
      '--emitDeclarationOnly',
      '--rewriteRelativeImportExtensions',
    ]
    const done = spawnSync(
      process.execPath,
      [compiler, '-p', project, ...emit, '--outDir', all, '--rootDir', dirname(project)],
      { encoding: 'utf8' },
    )
    if (done.status !== 0)
      throw new Error(`The declarations could not be written: ${done.stdout}${done.stderr}`)
    const wanted = new Set([...PROFILES, 'names'].map(name => join('profiles', `${name}.d.ts`)))
    for (const file of wanted) {
      const text = readFileSync(join(all, file), 'utf8')
      for (const [, target = ''] of text.matchAll(/from ['"](\.[^'"]+)\.[jt]s['"]/g))
        wanted.add(`${join(dirname(file), target)}.d.ts`)
      cpSync(join(all, file), join(out, file), { recursive: true })
      writeFileSync(join(out, file), text.replace(/(from ['"]\.[^'"]+)\.ts(['"])/g, '$1.js$2'))
    }
  } finally {
    rmSync(all, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeLibrary()
