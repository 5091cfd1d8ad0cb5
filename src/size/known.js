/** What a function has read of a stack once, and what never changes there, it knows: neither it nor a block within it reads that again. */
import { scopesOf } from './scopes.js'
import { edited } from './syntax.js'

/** @typedef {import('./scopes.js').Binding} Binding */
/** @typedef {import('./scopes.js').Scope} Scope */
/** @typedef {import('./syntax.js').Node} Node */

/** A stack's arena, features and segment, and the arena's view, are the same ones from its beginning to its end. */
const CONSTANT = /^(m|view|features|segment)$/

/**
 * @param {string} code a module
 * @returns {string} the same without a `const { m } = s` inside another, and with `m` for `s.m` behind it
 */
export function knownOnce(code) {
  const { uses } = scopesOf(code)
  const useOf = new Map(uses.map(use => [use.node, use]))
  /** For each binding, which of its properties were read, into what. @type {Map<Binding, Map<string, Binding>>} */
  const known = new Map()
  /** @type {{ start: number, end: number, text: string }[]} */
  const edits = []
  for (const { node, binding, path, scope } of uses) {
    const parent = path.at(-1)
    if (binding === undefined || binding.assigned || parent === undefined) continue
    const facts = known.get(binding) ?? new Map()
    known.set(binding, facts)
    if (parent.type === 'MemberExpression' && parent['object'] === node && !parent['computed']) {
      const fact = facts.get(parent['property'].name)
      if (fact && seesFrom(scope, fact)) edits.push({ ...parent, text: fact.name })
    }
    const declaration = path.at(-2)
    if (
      parent.type !== 'VariableDeclarator' ||
      parent['init'] !== node ||
      parent['id'].type !== 'ObjectPattern'
    )
      continue
    const news = parent['id'].properties.filter((/** @type {Node} */ { key, value }) => {
      const own = useOf.get(value)?.binding
      if (own === undefined || own.assigned || !CONSTANT.test(key.name)) return true
      const fact = facts.get(key.name)
      const isOld =
        fact?.name === own.name && scope !== fact.scope && scope.outer && seesFrom(scope.outer, fact)
      if (!isOld) facts.set(key.name, own)
      return !isOld
    })
    if (news.length === parent['id'].properties.length || declaration?.['declarations'].length !== 1) continue
    const pattern = news.map((/** @type {Node} */ { start, end }) => code.slice(start, end)).join(', ')
    edits.push(news.length > 0 ? { ...parent['id'], text: `{ ${pattern} }` } : { ...declaration, text: '' })
  }
  return edited(code, edits)
}

/** Whether a binding's name means it there. @param {Scope} scope @param {Binding} binding */
function seesFrom(scope, binding) {
  let one = /** @type {Scope | undefined} */ (scope)
  while (one !== undefined && !one.bindings.has(binding.name)) one = one.outer
  return one?.bindings.get(binding.name) === binding
}
