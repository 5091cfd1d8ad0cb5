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
 * @param {string} code one of the stack's modules
 * @param {ReadonlySet<string>} present
 * @returns {string} the same, with `undefined` for each feature that is not present
 */
export function withoutFeatures(code, present) {
  if (!code.includes('features.')) return code
  /** @type {{ start: number, end: number, text: string }[]} */
  const absent = []
  walk(parse(code, 'ts'), node => {
    if (node.type !== 'MemberExpression' || node['computed'] || present.has(node['property'].name)) return
    const { type, name, property } = node['object']
    if ((type === 'Identifier' ? name : property?.name) !== 'features') return
    absent.push({ start: node.start, end: node.end, text: 'undefined' })
  })
  return edited(code, absent)
}
