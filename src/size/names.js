/**
 * Shortening names so that they compress.
 *
 * A minifier gives each function's variables letters by how often that function uses them, so `m`, the arena, is `e`
 * here and `n` there, and gzip meets two texts where there is one. The sources call one thing by one name throughout;
 * so the names that all of them share keep one letter throughout, and the minifier is told to leave those alone. Six
 * names are best: each takes a letter from the rest.
 */
import { edited, parse, walk } from './syntax.js'

/** @typedef {import('./syntax.js').Node} Node */

const COMMON = 6
const LETTERS = 'etnrioascludfphmgvybwxkTSCAEODPLNRFMIkBzHUjqVGWYXKQJZ_$'

/**
 * @param {string} code a module, its names still long
 * @returns {{ code: string, letters: string[] }} the letters are taken: nothing else may be called so
 */
export function shareLetters(code) {
  const tree = parse(code)
  const { locals, top, references } = names(tree)
  const common = [...locals]
    .filter(name => !top.has(name))
    .sort((a, b) => count(references, b) - count(references, a))
    .slice(0, COMMON)
  const letters = assignLetters(common)
  const taken = new Set(letters.values())
  for (const name of taken)
    if (references.has(`${name}_${name}`)) throw new Error(`${name}_${name} is what ${name} is to be called.`)
  const edits = [...references].flatMap(([name, uses]) => {
    const short = letters.get(name) ?? (taken.has(name) ? `${name}_${name}` : name)
    return short === name ? [] : uses.flatMap(use => rename(use, name, short))
  })
  return { code: edited(code, edits), letters: [...taken] }
}

/**
 * Every letter once: a name of one letter keeps it, the others take their initial, if free.
 *
 * @param {string[]} names
 * @returns {Map<string, string>}
 */
function assignLetters(names) {
  const free = [...LETTERS]
  /** @type {Map<string, string>} */
  const letters = new Map()
  const give = (/** @type {string} */ name, /** @type {number} */ index) =>
    letters.set(name, free.splice(index, 1)[0] ?? name)
  for (const name of names) if (name.length === 1 && free.includes(name)) give(name, free.indexOf(name))
  for (const name of names) if (!letters.has(name)) give(name, Math.max(0, free.indexOf(name[0] ?? '')))
  return letters
}

/** @typedef {{ node: Node, shorthand: boolean }} Use */

/** @param {Map<string, Use[]>} references @param {string} name */
const count = (references, name) => references.get(name)?.length ?? 0

/**
 * @param {Node} tree
 * @returns {{ locals: Set<string>, top: Set<string>, references: Map<string, Use[]> }} the names bound below the top and at it, and where each name stands for a binding
 */
function names(tree) {
  /** @type {Node[]} */
  const declared = tree['body'].flatMap((/** @type {Node} */ one) => one['declarations'] ?? [one])
  const top = new Set(declared.flatMap(one => one['id']?.name ?? []))
  /** @type {Set<string>} */
  const locals = new Set()
  /** @type {Map<string, Use[]>} */
  const references = new Map()
  /** What stands for a key, too. @type {Set<Node>} */
  const shorthands = new Set()
  walk(tree, (node, parent, key) => {
    if (node.type === 'VariableDeclarator' && !declared.includes(node)) bound(node['id'], locals)
    if (/Function/.test(node.type)) for (const parameter of node['params']) bound(parameter, locals)
    if (node.type === 'Property' && node['shorthand']) shorthands.add(node['value'].left ?? node['value'])
    if (node.type !== 'Identifier' || parent === undefined || !isReference(parent, key)) return
    const uses = references.get(node['name']) ?? []
    references.set(node['name'], [...uses, { node, shorthand: shorthands.has(node) }])
  })
  return { locals, top, references }
}

/** @param {Node} tree @returns {Set<string>} the names bound below the top */
export const localNames = tree => names(tree).locals

/** @param {Node} parent @param {string} key */
function isReference(parent, key) {
  if (parent['computed']) return true
  if (parent.type === 'MemberExpression') return key !== 'property'
  if (/^(Property|MethodDefinition|PropertyDefinition)$/.test(parent.type)) return key !== 'key'
  return !/^(ExportSpecifier|LabeledStatement|BreakStatement|ContinueStatement)$/.test(parent.type)
}

/** @param {Node | null} pattern @param {Set<string>} into */
function bound(pattern, into) {
  walk(pattern, (node, parent, key) => {
    if (node.type === 'Identifier' && (parent === undefined || (isReference(parent, key) && key !== 'right')))
      into.add(node['name'])
  })
}

/** @param {Use} use @param {string} name @param {string} short */
function rename({ node: { start, end }, shorthand }, name, short) {
  const text = shorthand ? `${name}:${short}` : short
  return [{ start, end, text }]
}
