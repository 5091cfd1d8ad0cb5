/** What the bundler's folding leaves: numbers that are known and not yet written as such. */
import { localNames } from './names.js'
import { edited, oncePerSource, parse, walk } from './syntax.js'

/** @typedef {import('./syntax.js').Node} Node */
/** @typedef {{ start: number, end: number, text: string }} Edit */

/**
 * `Drop.BadAck` becomes its number, also where the whole of `Drop` is in use and so no minifier dares.
 *
 * @param {string} code a module
 * @param {Iterable<string>} sources of which it was made: they say which objects are `as const`, and so never written
 * @returns {string}
 */
export function withLiterals(code, sources) {
  const tree = parse(code)
  const locals = localNames(tree)
  const tables = new Map()
  for (const [name, table] of [...sources].flatMap(constantTables)) {
    if (tables.has(name))
      throw new Error(`Two sources have a table ${name}: their numbers would be taken for each other.`)
    if (!locals.has(name)) tables.set(name, table)
  }
  /** @type {Edit[]} */
  const literals = []
  walk(tree, node => {
    if (node.type !== 'MemberExpression' || node['computed']) return
    const value = tables.get(node['object'].name)?.get(node['property'].name)
    if (value !== undefined) literals.push({ start: node.start, end: node.end, text: String(value) })
  })
  return edited(code, literals)
}

/** A source's exported objects of numbers that are `as const`, each with its name. */
const constantTables = oncePerSource(source => {
  if (!source.includes('} as const')) return []
  /** @type {[string, Map<string, number>][]} */
  const tables = []
  for (const statement of parse(source, 'ts')['body'])
    for (const { id, init } of statement.declaration?.declarations ?? []) {
      if (init?.type !== 'TSAsExpression' || init.typeAnnotation.typeName?.name !== 'const') continue
      if (init.expression.type !== 'ObjectExpression' || !init.expression.properties.every(isNumber)) continue
      tables.push([
        id.name,
        new Map(
          init.expression.properties.map((/** @type {Node} */ one) => [one['key'].name, one['value'].value]),
        ),
      ])
    }
  return tables
})

/** @param {Node} property */
const isNumber = ({ type, computed, key, value }) =>
  type === 'Property' && !computed && key.type === 'Identifier' && typeof value.value === 'number'

/**
 * `at + 0` is how a record's first field reads once its name is folded; every left side is a number, so it is `at`.
 *
 * @param {string} code
 * @returns {string}
 */
export function withoutZeroes(code) {
  /** @type {Edit[]} */
  const zeroes = []
  walk(parse(code), node => {
    if (node.type !== 'BinaryExpression' || node['operator'] !== '+' || node['right'].value !== 0) return
    if (node['left'].type === 'TemplateLiteral' || typeof node['left'].value === 'string') return
    zeroes.push({ start: node['left'].end, end: node['right'].end, text: '' })
  })
  return edited(code, zeroes)
}
