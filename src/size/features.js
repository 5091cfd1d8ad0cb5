/**
 * A built file's features are known when it is built, so what asks whether one is there is answered then: code that
 * stands behind a feature that is off goes with it. The sources ask at run time, as `s.features.ping`.
 */
import { edited, parse, walk } from './syntax.js'

/**
 * @param {string} entry a composition root
 * @returns {Set<string>} the features that it hands to `compose`
 */
export function featuresOf(entry) {
  /** @type {Set<string>} */
  const features = new Set()
  walk(parse(entry, 'ts'), node => {
    if (node.type !== 'CallExpression' || node['callee'].name !== 'compose') return
    for (const property of node['arguments'][2].properties) features.add(property.key.name)
  })
  return features
}

/**
 * The lists of the core (core.ts; tcp/options.ts) by the features that fill them.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const LISTS = {
  services: ['mdns', 'dns', 'dhcpServer', 'dhcpClient'],
  options: ['windowScale', 'timestamps', 'sack', 'fastOpen'],
  optionsFor: ['windowScale', 'timestamps', 'sack', 'fastOpen'],
}

/** @param {import('./syntax.js').Node} list `s.services`, `optionsFor(s, flags)` */
const nameOf = list => (list['callee'] ?? list['property'])?.name

/**
 * @param {string} code one of the stack's modules
 * @param {ReadonlySet<string>} present
 * @returns {string} the same, with `undefined` for each feature that is not present, and without loops over nothing
 */
export function withoutFeatures(code, present) {
  const empty = Object.keys(LISTS).filter(list => !LISTS[list]?.some(feature => present.has(feature)))
  if (!['features.', ...empty].some(name => code.includes(name))) return code
  /** @type {{ start: number, end: number, text: string }[]} */
  const absent = []
  let end = 0
  walk(parse(code, 'ts'), node => {
    // Of a loop that is left out nothing is left to answer.
    if (node.start < end) return
    if (node.type === 'ForOfStatement' && empty.includes(nameOf(node['right']))) {
      absent.push({ start: node.start, end: node.end, text: ';' })
      end = node.end
    }
    if (node.type !== 'MemberExpression' || node['computed'] || present.has(node['property'].name)) return
    const { type, name, property } = node['object']
    if ((type === 'Identifier' ? name : property?.name) !== 'features') return
    absent.push({ start: node.start, end: node.end, text: 'undefined' })
  })
  return edited(code, absent)
}
