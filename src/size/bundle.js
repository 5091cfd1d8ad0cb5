/**
 * One stack as one standalone ES module: bundled, shaken, folded, its private names shortened. This is what the
 * package holds, what the page runs and what is measured.
 */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { minifySync } from 'rolldown/utils'
import { minify } from 'terser'
import { cached, ROOT } from './cache.js'
import { featuresOf, withoutFeatures } from './features.js'
import { writtenOut } from './inline.js'
import { withLiterals, withoutZeroes } from './literals.js'
import { shareLetters } from './names.js'
import { alikeTogether } from './order.js'
import { privateNames } from './private-names.js'
import { compositionOf, SWITCHES, switchesNamed } from './switches.js'
import { parse } from './syntax.js'

const STACK = join(ROOT, 'src', 'stack')

/** @typedef {'full' | 'client' | 'minimal'} Profile */
/** @type {readonly Profile[]} */
export const PROFILES = ['full', 'client', 'minimal']

/**
 * @typedef {object} Bundle
 * @property {string} code
 * @property {number} min bytes
 * @property {number} gzip bytes, at level 9
 * @property {string} readable the same program, before it was made short
 * @property {readonly string[]} switches that are in it
 * @property {readonly { module: string, bytes: number }[]} modules minified bytes of each, largest first; they sum to `min`
 */

/** @param {Profile} profile @param {{ shaken?: boolean }} [options] @returns {Promise<Bundle>} */
export const bundleProfile = (profile, options) =>
  cached({ profile, ...options }, () => bundle(join(STACK, 'profiles', `${profile}.ts`), options))

/**
 * Any set of switches. Throws a RangeError of one sentence when it is not legal.
 *
 * @param {readonly string[]} names
 * @returns {Promise<Bundle>}
 */
export async function bundleSet(names) {
  const text = compositionOf(switchesNamed(names))
  return cached({ text }, () => bundle(join(STACK, 'profiles', 'set.ts'), { text }))
}

/** The words beside the numbers, src/stack/profiles/names.ts, as a module of its own. */
export async function bundleNames() {
  const build = await rolldown({ input: join(STACK, 'profiles', 'names.ts'), cwd: ROOT })
  try {
    return (await build.generate({ format: 'es', minify: true })).output[0].code
  } finally {
    await build.close()
  }
}

/**
 * @param {string} entry a file below src/stack
 * @param {{ shaken?: boolean, text?: string }} [options] shaken: what nothing calls is left out, as with LTO; without it, all of each module that is imported stays. text: the entry's, if it is no file.
 * @returns {Promise<Bundle>}
 */
async function bundle(entry, { shaken = true, text } = {}) {
  /** @type {Map<string, string>} */
  const sources = new Map()
  const features = featuresOf(text ?? readFileSync(entry, 'utf8'))
  const build = await rolldown({
    input: entry,
    cwd: ROOT,
    treeshake: shaken,
    optimization: { inlineConst: { mode: 'all', pass: 3 } },
    plugins: [
      {
        name: 'sources',
        resolveId: id => (id === entry && text !== undefined ? entry : undefined),
        load: id => (id === entry ? text : undefined),
        transform(code, id) {
          sources.set(id, code)
          return { code: withoutFeatures(code, features), map: null }
        },
      },
    ],
  })
  try {
    const plain = (await build.generate({ format: 'es' })).output[0]
    const whole = shaken
      ? writtenOut(plain.code)
      : (await build.generate({ format: 'es', minify: false })).output[0].code
    const folded = minifySync(entry, whole, {
      module: true,
      compress: shaken || { unused: false },
      mangle: false,
      codegen: { removeWhitespace: true },
    }).code
    const { code, letters } = shareLetters(withoutZeroes(withLiterals(folded, sources.values())))
    const shortened = await shorten(code, letters, privateNames(sources.values(), face()), shaken)
    return {
      code: shortened.code,
      min: Buffer.byteLength(shortened.code),
      gzip: gzipSync(shortened.code, { level: 9 }).length,
      readable: plain.code,
      switches: SWITCHES.filter(one =>
        plain.modules[join(STACK, one.from)]?.renderedExports.includes(one.export),
      ).map(({ name }) => name),
      modules: byModule(shortened, plain.modules),
    }
  } finally {
    await build.close()
  }
}

const face = () => readFileSync(join(STACK, 'stack.ts'), 'utf8')

/** A read of the arena whose value nobody uses is left out. */
const READS = ['m', 's.m'].flatMap(arena =>
  ['get8', 'get16', 'get32', 'view.getUint8', 'view.getUint16', 'view.getInt32'].map(
    read => `${arena}.${read}`,
  ),
)

/**
 * A second minifier, since it leaves 5 % fewer bytes than the bundler's own. It moves no function
 * into its caller (`reduce_funcs`, `inline`), since it would make a closure for each packet: inline.js has done that.
 *
 * @param {string} code
 * @param {string[]} letters
 * @param {string[]} properties
 * @param {boolean} shaken
 * @returns {Promise<{ code: string, original: Map<string, string> }>}
 */
async function shorten(code, letters, properties, shaken) {
  /** @type {{ vars?: { props: Record<string, string> } }} */
  const nameCache = {}
  const { code: shortened } = await minify(code, {
    ecma: 2020,
    module: shaken,
    nameCache,
    compress: {
      passes: 2,
      toplevel: shaken,
      unused: shaken,
      reduce_funcs: false,
      inline: 1,
      unsafe_arrows: true,
      unsafe_methods: true,
      pure_getters: true,
      pure_funcs: READS,
      keep_fargs: false,
      hoist_funs: true,
    },
    mangle: {
      toplevel: true,
      reserved: letters,
      properties: { builtins: true, regex: new RegExp(`^(${properties.join('|')})$`) },
    },
  })
  if (shortened === undefined) throw new Error('The minifier gave nothing.')
  const names = Object.entries(nameCache.vars?.props ?? {})
  return {
    code: alikeTogether(shortened),
    original: new Map(names.map(([long, short]) => [short, long.slice(1)])),
  }
}

/**
 * A declaration's bytes belong to the module that declared its name, with what was written out in it (inline.js); what
 * stands between declarations to none.
 *
 * @param {{ code: string, original: Map<string, string> }} shortened
 * @param {Record<string, { code: string | null }>} modules
 */
function byModule({ code, original }, modules) {
  const owners = ownersOf(modules)
  /** @type {Map<string, number>} */
  const bytes = new Map()
  let rest = Buffer.byteLength(code)
  for (const statement of parse(code)['body'])
    for (const one of statement.declarations ?? [statement]) {
      const short = one.id?.name
      if (short === undefined) continue
      const name = original.get(short) ?? short
      // A member of an object that direct.js has taken apart is called object_member.
      const module = owners.get(name) ?? owners.get(name.split('_')[0] ?? '') ?? '(between modules)'
      const size = Buffer.byteLength(code.slice(one.start, one.end))
      bytes.set(module, (bytes.get(module) ?? 0) + size)
      rest -= size
    }
  bytes.set('(between modules)', (bytes.get('(between modules)') ?? 0) + rest)
  return [...bytes].map(([module, size]) => ({ module, bytes: size })).sort((a, b) => b.bytes - a.bytes)
}

/**
 * @param {Record<string, { code: string | null }>} modules by their files
 * @returns {Map<string, string>} each top-level name's module, from src/stack
 */
function ownersOf(modules) {
  /** @type {Map<string, string>} */
  const owners = new Map()
  for (const [file, { code }] of Object.entries(modules))
    for (const statement of parse(code ?? '')['body'])
      for (const one of statement.declarations ?? [statement])
        if (one.id) owners.set(one.id.name, relative(STACK, file))
  return owners
}
