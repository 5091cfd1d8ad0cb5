/** Which name stands for what: the bindings of a module, and where each one is used. */
import { parse } from './syntax.js'

/** @typedef {import('./syntax.js').Node} Node */

/**
 * @typedef {object} Scope
 * @property {Scope | undefined} outer
 * @property {Scope} whole the function's (or the module's) own scope, which a block of it stands in
 * @property {Node} node
 * @property {Map<string, Binding>} bindings
 */

/**
 * @typedef {object} Binding
 * @property {string} name
 * @property {Scope} scope
 * @property {Use[]} uses in the order of the text, its declaration too
 * @property {boolean} assigned whether it is ever given another value
 * @property {boolean} assignedWithin whether a function within its own does so, when it is called
 */

/**
 * @typedef {object} Use
 * @property {Node} node the identifier
 * @property {readonly Node[]} path the nodes around it, innermost last
 * @property {Scope} scope
 * @property {boolean} shorthand `{ name }` for `{ name: name }`
 * @property {Binding | undefined} binding undefined: a global
 */

/** @typedef {{ tree: Node, module: Scope, uses: Use[] }} Scopes */

const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/
const BLOCK = /^(BlockStatement|SwitchStatement|For\w*Statement|CatchClause)$/

/** @param {string} code a module @returns {Scopes} */
export function scopesOf(code) {
  const tree = parse(code)
  const reader = new Reader(tree)
  reader.visit(tree, [], undefined)
  reader.uses.sort((a, b) => a.node.start - b.node.start)
  for (const use of reader.uses) {
    let scope = /** @type {Scope | undefined} */ (use.scope)
    while (scope !== undefined && !scope.bindings.has(use.node['name'])) scope = scope.outer
    use.binding = scope?.bindings.get(use.node['name'])
    use.binding?.uses.push(use)
    if (use.binding === undefined || !isWritten(use)) continue
    use.binding.assigned = true
    if (use.scope.whole !== use.binding.scope.whole) use.binding.assignedWithin = true
  }
  return { tree, module: reader.module, uses: reader.uses }
}

class Reader {
  /** @type {Use[]} */
  uses = []

  /** @param {Node} tree */
  constructor(tree) {
    this.module = scopeFor(tree, undefined, true)
    this.scope = this.module
  }

  /** @param {any} node @param {Node[]} path @param {string | undefined} key under which it hangs on the last of the path */
  visit(node, path, key) {
    if (Array.isArray(node)) {
      for (const one of node) this.visit(one, path, key)
      return
    }
    if (typeof node?.type !== 'string') return
    if (node.type === 'Identifier') {
      this.identifier(node, path, key)
      return
    }
    const before = this.scope
    if (node.type === 'Program') declareAll(node.body, before)
    else if (FUNCTION.test(node.type)) {
      this.scope = scopeFor(node, before, true)
      for (const parameter of node.params) declare(parameter, this.scope)
    } else if (BLOCK.test(node.type)) {
      if (!FUNCTION.test(path.at(-1)?.type ?? '')) this.scope = scopeFor(node, before, false)
      const heads = [node.init, node.left].filter(head => head?.type === 'VariableDeclaration')
      const cases = node.cases?.flatMap((/** @type {Node} */ one) => one['consequent']) ?? []
      declareAll([...heads, ...cases, ...(Array.isArray(node.body) ? node.body : [])], this.scope)
      if (node.param) declare(node.param, this.scope)
    }
    path.push(node)
    for (const name in node) if (typeof node[name] === 'object') this.visit(node[name], path, name)
    path.pop()
    this.scope = before
  }

  /** @param {Node} node @param {Node[]} path @param {string | undefined} key */
  identifier(node, path, key) {
    const parent = path.at(-1)
    if (parent === undefined) return
    const { type, computed, shorthand } = /** @type {any} */ (parent)
    if (type === 'MemberExpression' && key === 'property' && !computed) return
    if (/^(Property|MethodDefinition|PropertyDefinition)$/.test(type) && key === 'key' && !computed) return
    if (/^(LabeledStatement|BreakStatement|ContinueStatement)$/.test(type)) return
    if (type === 'ExportSpecifier' && key === 'exported') return
    this.uses.push({
      node,
      path: [...path],
      // A function's name stands in the scope around it.
      scope: type === 'FunctionDeclaration' && key === 'id' ? (this.scope.outer ?? this.scope) : this.scope,
      shorthand:
        shorthand === true ||
        (type === 'AssignmentPattern' && path.at(-2)?.['shorthand'] === true && key === 'left'),
      binding: undefined,
    })
  }
}

/** @param {Node} node @param {Scope | undefined} outer @param {boolean} whole @returns {Scope} */
function scopeFor(node, outer, whole) {
  const scope = /** @type {Scope} */ ({ outer, node, bindings: new Map() })
  scope.whole = whole || outer === undefined ? scope : outer.whole
  return scope
}

/** @param {readonly Node[]} statements @param {Scope} scope */
function declareAll(statements, scope) {
  for (const one of statements) {
    if (/^(Function|Class)Declaration$/.test(one.type)) declare(one['id'], scope)
    else for (const { id } of one['declarations'] ?? []) declare(id, scope)
  }
}

/** @param {any} pattern @param {Scope} scope */
function declare(pattern, scope) {
  switch (pattern?.type) {
    case 'Identifier':
      if (!scope.bindings.has(pattern.name))
        scope.bindings.set(pattern.name, {
          name: pattern.name,
          scope,
          uses: [],
          assigned: false,
          assignedWithin: false,
        })
      return
    case 'ObjectPattern':
      for (const property of pattern.properties) declare(property.value ?? property.argument, scope)
      return
    case 'ArrayPattern':
      for (const element of pattern.elements) declare(element, scope)
      return
    case 'AssignmentPattern':
      return declare(pattern.left, scope)
    case 'RestElement':
      return declare(pattern.argument, scope)
  }
}

/** @param {Use} use */
function isWritten({ node, path }) {
  let below = node
  for (const one of path.toReversed()) {
    if (one.type === 'UpdateExpression') return true
    if (one.type === 'AssignmentExpression' || /^For(Of|In)Statement$/.test(one.type))
      return one['left'] === below
    if (!/Pattern$|^Property$|^RestElement$/.test(one.type)) return false
    below = one
  }
  return false
}
