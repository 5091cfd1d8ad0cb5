/**
 * A function that is called from one place only is written out there, and so is one that is a short expression. What it
 * cost to name it, to call it and to hand it the arena once more is saved, and no closure stands in its place: its text
 * becomes a block of its caller, its parameters names in that block.
 */
import { named } from './direct.js'
import { knownOnce } from './known.js'
import { scopesOf } from './scopes.js'
import { edited, parse, walk } from './syntax.js'
import { expectUnderstood } from './understood.js'

/** @typedef {import('./syntax.js').Node} Node */
/** @typedef {import('./scopes.js').Use} Use */
/** @typedef {import('./scopes.js').Binding} Binding */
/** @typedef {{ start: number, end: number }} Range */
/** @typedef {Range & { text: string }} Edit */

/** An expression is written out for each of so many calls, … */
const FEW = 3
/** … and for any number if, with names of one letter, it is longer than the call by so many characters at most. */
const LONGER = 8

/**
 * @param {string} code a module, not yet minified
 * @returns {string}
 */
export function writtenOut(code) {
  expectUnderstood(code, parse(code))
  const text = settled(settled(halves(named(distinct(code))), oneRound), knownOnce)
  const known = globals(code).add('undefined')
  for (const name of globals(text))
    if (!known.has(name)) throw new Error(`Nothing is called ${name} any more.`)
  return text
}

/** What a module uses and does not declare. @param {string} code */
const globals = code =>
  new Set(scopesOf(code).uses.flatMap(({ node, binding }) => (binding === undefined ? [node['name']] : [])))

/** @param {string} code @param {(code: string) => string} step */
function settled(code, step) {
  let [before, after] = ['', code]
  while (after !== before) [before, after] = [after, step(after)]
  return after
}

/** No local name is also that of something at the top, or of JavaScript's own: so a function's text means the same wherever it stands. @param {string} code */
function distinct(code) {
  const { uses, module } = scopesOf(code)
  const taken = new Set(uses.map(({ node }) => node['name']))
  const outside = new Set([...module.bindings.keys(), ...globals(code)])
  const hiding = uses.filter(
    ({ binding }) => binding && binding.scope !== module && outside.has(binding.name),
  )
  return edited(
    code,
    hiding.map(use => renamed(use, freeName(use.node['name'], taken))),
  )
}

/** @param {string} name @param {ReadonlySet<string>} taken @returns {string} a name like it that is not taken */
function freeName(name, taken) {
  let other = `${name}_`
  while (taken.has(other)) other += '_'
  return other
}

/** `return a ? b() : c()` in two, so that a block can stand for each call. What minifies later puts the rest together again. @param {string} code */
function halves(code) {
  /** @type {Edit[]} */
  const edits = []
  walk(scopesOf(code).tree, ({ type, argument, start, end }) => {
    if (type !== 'ReturnStatement' || argument?.type !== 'ConditionalExpression') return
    const { test, consequent, alternate } = argument
    if (consequent.type !== 'CallExpression' && alternate.type !== 'CallExpression') return
    edits.push({ start, end: test.start, text: '{ if (' })
    edits.push({ start: test.end, end: consequent.start, text: ') return ' })
    edits.push({ start: consequent.end, end: alternate.start, text: '; return ' })
    edits.push({ start: alternate.end, end, text: '; }' })
  })
  return edited(code, edits)
}

/** Of two that stand in each other, the inner one goes first and the other waits for the next round. @param {string} code */
function oneRound(code) {
  const writer = new Writer(code)
  /** @type {Edit[]} */
  const edits = []
  /** Whose text went elsewhere: there nothing more may change. @type {Set<Node>} */
  const read = new Set()
  for (const one of writer.candidates())
    for (const call of one.calls) {
      const edit = writer.write(one, call)
      if (edit === undefined || overlaps(edit, edits) || overlaps(edit, read)) continue
      if (!read.has(one.declaration) && overlaps(one.declaration, edits)) continue
      read.add(one.declaration)
      edits.push(edit)
      const { start, end } = one.declaration
      if (one.calls.length === 1) edits.push({ start, end, text: '' })
    }
  return edited(code, edits)
}

/** @param {Range} range @param {Iterable<Range>} others */
function overlaps({ start, end }, others) {
  for (const other of others) if (other.start < end && start < other.end) return true
  return false
}

/**
 * @typedef {object} Candidate
 * @property {Node} node the function
 * @property {Node} declaration the statement that is all its own
 * @property {Use[]} calls
 * @property {Node | undefined} expression all that it returns, if it does nothing else
 */

class Writer {
  /** @param {string} code */
  constructor(code) {
    this.code = code
    this.scopes = scopesOf(code)
    /** @type {Map<Node, Use>} */
    this.useOf = new Map(this.scopes.uses.map(use => [use.node, use]))
    /** What a name means that no function declares. */
    const outside = this.scopes.uses.filter(
      ({ binding }) => binding === undefined || binding.scope === this.scopes.module,
    )
    this.outside = new Set(outside.map(({ node }) => node['name']))
  }

  /** Functions at the top that are called, and no more than that. */
  candidates() {
    return [...this.scopes.module.bindings.values()].flatMap(binding => candidate(binding) ?? [])
  }

  /** @param {Candidate} one @param {Use} use @returns {Edit | undefined} what stands in the place of the call */
  write(one, use) {
    const call = /** @type {Node} */ (use.path.at(-1))
    const given = call['arguments']
    if (use.path.includes(one.node) || given.length > one.node['params'].length) return undefined
    if (given.some((/** @type {Node} */ { type }) => type === 'SpreadElement')) return undefined
    const expression = one.expression && this.expression(one, one.expression, call)
    return expression ?? (one.calls.length === 1 ? this.block(one, use, call) : undefined)
  }

  /** @param {Candidate} one @param {Node} body @param {Node} call @returns {Edit | undefined} */
  expression({ node, calls }, body, call) {
    const inside = this.usesIn(body)
    if (inside.some(({ shorthand }) => shorthand) || has(body, /Function|Assignment|Update/)) return undefined
    /** @type {Edit[]} */
    const edits = []
    for (const [i, parameter] of node['params'].entries()) {
      const given = call['arguments'][i]
      const uses = inside.filter(({ binding }) => binding === this.useOf.get(parameter)?.binding)
      if (parameter.type !== 'Identifier' || !mayMove(given, uses.length, body)) return undefined
      if (given && this.useOf.get(given)?.binding?.assignedWithin && !onlyReads(body)) return undefined
      const text = given === undefined ? 'undefined' : this.text(given)
      edits.push(...uses.map(use => renamed(use, isName(given) ? text : `(${text})`)))
    }
    const text = this.with(body, edits)
    if (calls.length > FEW && inLetters(text) > inLetters(this.text(call)) + LONGER) return undefined
    return { start: call.start, end: call.end, text: `(${text})` }
  }

  /** @param {Candidate} one @param {Use} use @param {Node} call @returns {Edit | undefined} */
  block({ node }, use, call) {
    const place = placeOf(use, node)
    if (place === undefined) return undefined
    const instead = this.clearOf(node, [...this.usesIn(call).map(one => one.node['name']), place.name])
    const head = node['params'].map((/** @type {Node} */ parameter, /** @type {number} */ i) => {
      const given = givenTo(parameter, call['arguments'][i])
      const pattern = parameter['left'] ?? parameter
      const binding = this.useOf.get(pattern)?.binding
      if (given === undefined) return undefined
      if (binding === undefined || binding.assigned || !this.isConstant(given))
        return `let ${this.with(pattern, this.renamings(pattern, instead))} = ${this.text(given)};`
      instead.set(binding, this.text(given))
      return ''
    })
    if (head.includes(undefined)) return undefined
    const { body } = node
    const text = this.with(body, [...place.edits, ...this.renamings(body, instead)])
    const inner = body.type === 'BlockStatement' ? text.slice(1) : `${place.result}${text}; }`
    return { start: place.start, end: place.end, text: place.around(`{ ${head.join(' ')} ${inner}`) }
  }

  /**
   * New names for what a function calls as the call's surroundings call something else.
   *
   * @param {Node} node
   * @param {readonly (string | undefined)[]} names
   * @returns {Map<Binding, string>}
   */
  clearOf(node, names) {
    const taken = new Set([...names, ...this.usesIn(node).map(use => use.node['name']), ...this.outside])
    /** @type {Map<Binding, string>} */
    const others = new Map()
    for (const { binding } of this.usesIn(node)) {
      if (binding === undefined || !names.includes(binding.name) || others.has(binding)) continue
      if (binding.scope === this.scopes.module) continue
      others.set(binding, freeName(binding.name, taken))
    }
    return others
  }

  /** @param {Node} node @param {ReadonlyMap<Binding, string>} instead */
  renamings(node, instead) {
    return this.usesIn(node).flatMap(use => {
      const text = use.binding && instead.get(use.binding)
      return text === undefined ? [] : [renamed(use, text)]
    })
  }

  /** @param {Node} given */
  isConstant(given) {
    return given.type === 'Literal' || (isName(given) && !this.useOf.get(given)?.binding?.assigned)
  }

  /** @param {Node} node */
  text(node) {
    return this.code.slice(node.start, node.end)
  }

  /** @param {Node} node @param {readonly Edit[]} edits @returns {string} its text with these in it */
  with(node, edits) {
    const from = node.start
    const moved = edits.map(({ start, end, text }) => ({ start: start - from, end: end - from, text }))
    return edited(this.text(node), moved)
  }

  /** @param {Node} node @returns {Use[]} */
  usesIn(node) {
    const { uses } = this.scopes
    let [from, to] = [0, uses.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if (/** @type {Use} */ (uses[middle]).node.start < node.start) from = middle + 1
      else to = middle
    }
    while (to < uses.length && /** @type {Use} */ (uses[to]).node.end <= node.end) to++
    return uses.slice(from, to)
  }
}

/** @param {Binding} binding @returns {Candidate | undefined} */
function candidate({ uses, assigned }) {
  const calls = uses.filter(isCall)
  const [own, ...others] = uses.filter(use => !isCall(use))
  if (own === undefined || others.length > 0 || assigned || calls.length === 0) return undefined
  const parent = /** @type {Node} */ (own.path.at(-1))
  const node = parent.type === 'VariableDeclarator' ? parent['init'] : parent
  const declaration = /** @type {Node} */ (node === parent ? node : own.path.at(-2))
  if (!/^(FunctionDeclaration|ArrowFunctionExpression)$/.test(node?.type)) return undefined
  if (node.async || node.generator || declaration['declarations']?.length > 1) return undefined
  const expression = expressionOf(node)
  return expression === undefined && calls.length > 1 ? undefined : { node, declaration, calls, expression }
}

/** Whether a name is called, within a function. @param {Use} use */
const isCall = ({ node, path }) =>
  path.at(-1)?.['callee'] === node &&
  path.at(-1)?.type === 'CallExpression' &&
  path.some(({ type }) => type.includes('Function'))

/** @param {Node} node a function @returns {Node | undefined} */
function expressionOf({ body }) {
  if (body.type !== 'BlockStatement') return body
  const [first, second] = body.body
  return first?.type === 'ReturnStatement' && second === undefined ? (first.argument ?? undefined) : undefined
}

/**
 * What a parameter is at a call; undefined where only the call would know.
 *
 * @param {Node} parameter
 * @param {Node | undefined} given
 * @returns {Node | undefined}
 */
function givenTo({ type, right }, given) {
  if (type === 'RestElement') return undefined
  if (type !== 'AssignmentPattern') return given
  const value = given ?? right
  return value.type === 'Literal' ? value : undefined
}

/**
 * @typedef {object} Place where a block can stand for a call
 * @property {number} start
 * @property {number} end
 * @property {string} [name] what the result is called there
 * @property {Edit[]} edits of the function's text: what it does in the place of returning
 * @property {string} result before an expression that is the whole function
 * @property {(block: string) => string} around
 */

/**
 * `f();`, `return f();`, `const x = f();`, `() => f()`.
 *
 * @param {Use} use
 * @param {Node} node the function
 * @returns {Place | undefined}
 */
function placeOf(use, node) {
  const [outmost, outer, parent, call] = /** @type {[Node, Node, Node, Node]} */ (use.path.slice(-4))
  const returns = returnsOf(node)
  const ends = returns.some(({ last }) => last)
  const isLast = /Function/.test(outmost.type) && outer['body']?.at?.(-1) === parent
  const { start, end } = parent
  /** @param {string} one */
  const same = one => one
  if (parent.type === 'ExpressionStatement') {
    if (returns.some(one => one.node['argument'])) return undefined
    const label = `done_${use.node['name']}`
    const edits = isLast ? [] : returns.map(one => ({ ...one.node, text: `break ${label};` }))
    return { start, end, edits, result: '', around: edits.length > 0 ? one => `${label}: ${one}` : same }
  }
  if (parent.type === 'ReturnStatement')
    return {
      start,
      end,
      edits: [],
      result: 'return ',
      around: isLast || ends ? same : one => `{ ${one} return; }`,
    }
  if (parent.type === 'ArrowFunctionExpression')
    // Not within parentheses, where the block would be an object.
    return parent['body'] === call && end === call.end
      ? { ...call, edits: [], result: 'return ', around: same }
      : undefined
  if (parent.type !== 'VariableDeclarator' || parent['id'].type !== 'Identifier') return undefined
  if (outmost.type !== 'BlockStatement' || outer['declarations'].length > 1 || returns.length > 1 || !ends)
    return undefined
  // `x = a, b` would be another thing.
  if (returns.some(one => one.node['argument']?.type === 'SequenceExpression')) return undefined
  const { name } = parent['id']
  const edits = returns.map(one => ({
    ...one.node,
    end: one.node.start + 'return'.length,
    text: `${name} =`,
  }))
  const isBlock = node['body'].type === 'BlockStatement'
  return {
    ...outer,
    name,
    edits: isBlock ? edits : [],
    result: `${name} = `,
    around: one => `let ${name}; ${one}`,
  }
}

/** A function's own ways out, and which of them is its last statement. @param {Node} node @returns {{ node: Node, last: boolean }[]} */
function returnsOf({ body }) {
  if (body.type !== 'BlockStatement') return [{ node: { ...body, argument: body }, last: true }]
  /** @type {{ node: Node, last: boolean }[]} */
  const found = []
  /** @param {any} one */
  const look = one => {
    if (Array.isArray(one)) one.forEach(look)
    if (typeof one?.type !== 'string' || one.type.includes('Function')) return
    if (one.type === 'ReturnStatement') found.push({ node: one, last: one === body.body.at(-1) })
    for (const key in one) if (typeof one[key] === 'object') look(one[key])
  }
  look(body)
  return found
}

/** Whether an argument may stand, as often as this, where its parameter does. @param {Node | undefined} given @param {number} uses @param {Node} body */
const mayMove = (given, uses, body) =>
  given === undefined ||
  isName(given) ||
  given.type === 'Literal' ||
  given['argument']?.type === 'Literal' ||
  (given['property']?.name === 'm' && isName(given['object'])) ||
  (onlyReads(given) && (uses === 0 || (uses === 1 && onlyReads(body))))

const READS = /^(get8|get16|get32|getUint8|getUint16|getInt32|max|min|imul|clz32|floor|ceil)$/

/** Whether an expression only reads: then it may be read a little earlier or later among others that do. @param {Node} node */
function onlyReads(node) {
  let calls = true
  walk(node, ({ type, callee }) => {
    if (type === 'CallExpression' && !READS.test(callee.property?.name)) calls = false
  })
  return calls && !has(node, /Function|Assignment|Update|New|Spread|Template|Object|Array|Await|Yield/)
}

/** @param {Node} node @param {RegExp} types */
function has(node, types) {
  let found = false
  walk(node, ({ type }) => {
    if (types.test(type)) found = true
  })
  return found
}

/** @param {Node | undefined} node */
const isName = node => node?.type === 'Identifier'

/** @param {Use} use @param {string} text @returns {Edit} */
const renamed = ({ node, shorthand }, text) => ({
  start: node.start,
  end: node.end,
  text: shorthand ? `${node['name']}: ${text}` : text,
})

/** How long a text is with names of one letter. @param {string} text */
const inLetters = text => text.replace(/[\w$]+/g, 'a').replace(/\s+/g, '').length
