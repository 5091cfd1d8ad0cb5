/** Reading and editing a program by its syntax tree. */
import { parseAst } from 'rolldown/parseAst'

/**
 * A node of the tree, seen as what a walk needs of it.
 *
 * @typedef {{ type: string, start: number, end: number, [key: string]: any }} Node
 */

/**
 * @param {string} code
 * @param {'js' | 'ts'} [lang]
 * @returns {Node}
 */
export const parse = (code, lang = 'js') =>
  /** @type {Node} */ (/** @type {unknown} */ (parseAst(code, { lang })))

/**
 * Visits every node, parents first.
 *
 * @param {unknown} node
 * @param {(node: Node, parent: Node | undefined, key: string) => void} visit
 * @param {Node} [parent]
 * @param {string} [key] under which the node hangs on its parent
 */
export function walk(node, visit, parent, key = '') {
  if (Array.isArray(node)) for (const one of node) walk(one, visit, parent, key)
  else if (isNode(node)) {
    visit(node, parent, key)
    for (const [name, child] of Object.entries(node))
      if (typeof child === 'object') walk(child, visit, node, name)
  }
}

/** @param {unknown} value @returns {value is Node} */
const isNode = value =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'

/**
 * @param {string} code
 * @param {{ start: number, end: number, text: string }[]} edits that do not overlap
 * @returns {string}
 */
export function edited(code, edits) {
  const sorted = edits.toSorted((a, b) => a.start - b.start)
  let at = 0
  let out = ''
  for (const { start, end, text } of sorted) {
    out += code.slice(at, start) + text
    at = end
  }
  return out + code.slice(at)
}

/**
 * What is read off a source is read once: many bundles are made of the same sources.
 *
 * @template T
 * @param {(source: string) => T} read
 * @returns {(source: string) => T}
 */
export function oncePerSource(read) {
  /** @type {Map<string, T>} */
  const known = new Map()
  return source => {
    const found = known.get(source) ?? read(source)
    known.set(source, found)
    return found
  }
}
