/**
 * A built file's features are known, so what the sources ask at run time as `s.features.fib.find(…)` is called directly:
 * first each feature is named in the place of the question for it, then each of its functions in the place of the
 * feature. An object that nobody uses as a whole is its members.
 */
import { scopesOf } from './scopes.js'
import { edited, walk } from './syntax.js'

/** @typedef {import('./syntax.js').Node} Node */
/** @typedef {import('./scopes.js').Binding} Binding */
/** @typedef {import('./scopes.js').Use} Use */
/** @typedef {{ start: number, end: number, text: string }} Edit */

/**
 * @param {string} code a module whose local names are none of those at its top
 * @returns {string}
 */
export const named = code => membersNamed(featuresNamed(code))

/** @param {string} code */
function featuresNamed(code) {
  const { tree } = scopesOf(code)
  /** @type {Map<string, string>} */
  const features = new Map()
  /** @type {Edit[]} */
  const edits = []
  walk(tree, node => {
    if (node.type !== 'CallExpression' || node['callee'].name !== 'compose') return
    const [, , given] = node['arguments']
    const rest = given.properties.filter((/** @type {Node} */ { key, value }) => {
      if (value.type === 'Identifier') features.set(key.name, value.name)
      return value.type !== 'Identifier'
    })
    const text = rest.map((/** @type {Node} */ { start, end }) => code.slice(start, end)).join(', ')
    edits.push({ start: given.start, end: given.end, text: `{ ${text} }` })
  })
  walk(tree, (node, parent, key) => {
    if (node.type !== 'MemberExpression' || node['computed']) return
    const { name, property } = node['object']
    const feature = features.get(node['property'].name)
    if ((name ?? property?.name) !== 'features' || feature === undefined) return
    const asked = parent?.['optional'] && (key === 'object' || key === 'callee')
    const isCall = parent?.type === 'CallExpression'
    const end = asked ? code.indexOf('?.', node.end) + 2 : node.end
    edits.push({ start: node.start, end, text: asked && !isCall ? `${feature}.` : feature })
  })
  if (features.size > 0) expectAskedOneByOne(tree)
  return edited(code, edits)
}

/** Throws where features are handed on as a whole, under another name, or taken by a pattern: there they would be missed. @param {Node} tree */
function expectAskedOneByOne(tree) {
  /** @type {Set<Node>} */
  const asked = new Set()
  walk(tree, (node, parent, key) => {
    if (node.type === 'MemberExpression' && !node['computed']) asked.add(node['object'])
    const isFeatures =
      (node.type === 'MemberExpression' && node['property'].name === 'features') ||
      (node.type === 'Identifier' && node['name'] === 'features' && !NAMES.test(`${parent?.type} ${key}`))
    const isOtherName =
      node.type === 'Property' && node['key'].name === 'features' && node['value'].name !== 'features'
    if (isOtherName || (isFeatures && !asked.has(node)))
      throw new Error('A feature is asked for as s.features.x, not by a pattern, nor under another name.')
  })
}

/** Where `features` is but the name: of a property, of a parameter. */
const NAMES = /^(MemberExpression property|Property \w+|\w*Function\w* params)$/

/** @param {string} code @returns {string} */
function membersNamed(code) {
  const { module, uses: all } = scopesOf(code)
  const taken = new Set(all.map(({ node }) => node['name']))
  /** @type {Edit[]} */
  const edits = []
  let waits = false
  for (const { name, uses, assigned } of module.bindings.values()) {
    const own = uses.find(({ path, node }) => path.at(-1)?.['id'] === node)
    const object = own?.path.at(-1)?.['init']
    const declaration = own?.path.at(-2)
    if (assigned || object?.type !== 'ObjectExpression' || declaration?.['declarations'].length !== 1)
      continue
    const members = membersOf(object)
    const reads = uses.filter(use => use !== own)
    if (members === undefined || !reads.every(isRead)) continue
    if (reads.some(({ path }) => path.includes(object))) continue
    for (const key of members.keys())
      if (taken.has(`${name}_${key}`))
        throw new Error(`${name}_${key} is what ${name}.${key} is to be called.`)
    const texts = [...members].map(([key, node]) => declared(code, `${name}_${key}`, node))
    const whole = { start: declaration.start, end: declaration.end, text: texts.join('\n') }
    const others = reads.map(({ path }) => memberNamed(name, members, /** @type {Node} */ (path.at(-1))))
    // Its text is moved as it stands: where another's is read in it, one of the two waits for the next round.
    if (overlap([whole, ...others], edits)) waits = true
    else edits.push(whole, ...others)
  }
  return waits ? membersNamed(edited(code, edits)) : edited(code, edits)
}

/** @param {string} name @param {ReadonlyMap<string, Node>} members @param {Node} read @returns {Edit} */
const memberNamed = (name, members, { start, end, property }) => ({
  start,
  end,
  text: members.has(property.name) ? `${name}_${property.name}` : 'undefined',
})

/** @param {readonly Edit[]} some @param {readonly Edit[]} others */
const overlap = (some, others) =>
  some.some(one => others.some(other => one.start < other.end && other.start < one.end))

/** The members of an object literal, if all that is in it is plain. @param {Node} object @returns {Map<string, Node> | undefined} */
function membersOf({ properties }) {
  /** @type {Map<string, Node>} */
  const members = new Map()
  for (const one of properties) {
    if (one.type !== 'Property' || one.computed || one.kind !== 'init' || one.key.type !== 'Identifier')
      return undefined
    members.set(one.key.name, one)
  }
  let own = true
  walk(properties, ({ type }) => {
    if (/^(ThisExpression|Super)$/.test(type)) own = false
  })
  return own ? members : undefined
}

/** @param {Use} use */
function isRead({ node, path }) {
  const [outer, parent] = /** @type {[Node, Node]} */ (path.slice(-2))
  if (parent.type !== 'MemberExpression' || parent['object'] !== node || parent['computed']) return false
  return (
    !(outer.type === 'AssignmentExpression' && outer['left'] === parent) && outer.type !== 'UpdateExpression'
  )
}

/** @param {string} code @param {string} name @param {Node} property */
function declared(code, name, { method, value }) {
  const text = code.slice(value.start, value.end)
  return method ? `function ${name}${text}` : `const ${name} = ${text};`
}
