/**
 * Mutants: a source file in which each condition, boundary, constant and statement asks on its way whether it shall be
 * another. All mutants of all files stand in one program, and a number chooses which one lives; so a mutant costs the
 * scripts that meet it, and no build.
 */
import { parse, walk } from '../size/syntax.js'

/** @typedef {import('../size/syntax.js').Node} Node */
/**
 * @typedef {object} Mutant
 * @property {string} file
 * @property {number} line
 * @property {string} within the function that it stands in
 * @property {'condition' | 'bound' | 'arithmetic' | 'constant' | 'statement'} sort
 * @property {string} change what becomes of what
 */

/** What each operator may become. */
const RELATIONS = /** @type {Record<string, string[]>} */ ({
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
})
const ARITHMETIC = /** @type {Record<string, string[]>} */ ({ '+': ['-'], '-': ['+'] })
const LOGIC = /** @type {Record<string, string>} */ ({ '&&': '||', '||': '&&' })
const SEQUENCE = /** @type {Record<string, string>} */ ({ seqLt: '<', seqLe: '<=', seqGt: '>', seqGe: '>=' })
const LOOPS = ['ForStatement', 'WhileStatement', 'DoWhileStatement', 'ForOfStatement']
const FUNCTIONS = ['FunctionDeclaration', 'ArrowFunctionExpression', 'FunctionExpression']

/** Collects the mutants of many files. */
export class Mutator {
  /** @type {Mutant[]} */
  mutants = []
  /** Constants of a module's top level, by name and by file and name, and the mutants of each. @type {Map<string, () => number[]>} */
  #constants = new Map()

  /**
   * Notes a file's constants: where they are used, in any file, they may be one more or one less.
   *
   * @param {string} code
   * @param {string} file
   */
  noteConstants(code, file) {
    for (const statement of parse(code, 'ts')['body']) {
      const declaration = statement.declaration ?? statement
      if (declaration.type !== 'VariableDeclaration') continue
      for (const { id, init, start } of declaration.declarations) {
        // A `let` may begin with nothing; a list of numbers is none of them.
        if (init === null || /^(Object|Array|TSAs)Expression/.test(init.type)) continue
        if (
          !/^[A-Z][A-Z_0-9]+$/.test(id.name) ||
          !/^[\d_()<>*+\s-]+$|\d{2}/.test(code.slice(init.start, init.end))
        )
          continue
        const change = (/** @type {string} */ by) =>
          this.#add({
            file,
            line: lineAt(code, start),
            within: 'constants',
            sort: 'constant',
            change: `${id.name} becomes ${id.name} ${by}`,
          })
        /** @type {number[] | undefined} */
        let ids
        const idsOf = () => (ids ??= [change('+ 1'), change('- 1')])
        this.#constants.set(id.name, idsOf).set(`${file} ${id.name}`, idsOf)
      }
    }
  }

  /** @param {Mutant} mutant @returns {number} */
  #add(mutant) {
    return this.mutants.push(mutant) - 1
  }

  /**
   * The file with its mutants in it.
   *
   * @param {string} code
   * @param {string} file
   * @returns {string}
   */
  instrument(code, file) {
    const edits = new Edits(code)
    const program = parse(code, 'ts')
    const within = functionsOf(program)
    /** @type {(node: Node, sort: Mutant['sort'], change: string) => number} */
    const add = (node, sort, change) =>
      this.#add({ file, line: lineAt(code, node.start), within: within(node), sort, change })
    const text = (/** @type {Node} */ node) => code.slice(node.start, node.end).replace(/\s+/g, ' ')
    walk(program, (node, parent, key) => {
      if (within(node) === '' || isType(parent)) return
      this.#operator(node, text, add, edits)
      this.#negation(node, parent, key, text, add, edits)
      this.#number(node, parent, key, file, text, add, edits)
      if (node.type === 'ExpressionStatement') {
        const id = add(node, 'statement', `${text(node)} is left out`)
        edits.wrap(node, `{if($M.keep(${id})){`, '}}')
      }
    })
    return edits.apply()
  }

  /**
   * @param {Node} node
   * @param {(node: Node) => string} text
   * @param {(node: Node, sort: Mutant['sort'], change: string) => number} add
   * @param {Edits} edits
   */
  #operator(node, text, add, edits) {
    const operator = node['operator']
    // Where a field of a record lies is no behaviour.
    if (operator === '+' && /^[A-Z_0-9]+$/.test(text(node['right']))) return
    if (node.type === 'BinaryExpression' && (RELATIONS[operator] ?? ARITHMETIC[operator])) {
      const sort = RELATIONS[operator] ? 'condition' : 'arithmetic'
      const ids = (RELATIONS[operator] ?? ARITHMETIC[operator] ?? []).map(other => [
        add(node, sort, `${text(node)} with ${other}`),
        other,
      ])
      edits.wrap(node, `$M.op(${JSON.stringify(ids)},'${operator}',(`, '))')
      edits.token(operator, node['left'].end, '),(')
    } else if (node.type === 'LogicalExpression' && LOGIC[operator]) {
      const id = add(node, 'condition', `${text(node)} with ${LOGIC[operator]}`)
      edits.wrap(node, `$M.logic(${id},'${operator}',()=>(`, `),${onlyLooks(text(node['right']))})`)
      edits.token(operator, node['left'].end, '),()=>(')
    } else if (node.type === 'CallExpression') {
      const { callee } = node
      const relation = SEQUENCE[callee.name]
      if (relation !== undefined) {
        const ids = (RELATIONS[relation] ?? []).map(other => [
          add(node, 'condition', `${text(node)} with ${other}`),
          other,
        ])
        edits.replace(callee.start, callee.end, '$M.seq')
        edits.token('(', callee.end, `(${JSON.stringify(ids)},'${relation}',`)
      } else if (/^Math\.(min|max)$/.test(text(callee))) {
        const id = add(node, 'bound', `${text(node)} with ${text(callee) === 'Math.min' ? 'max' : 'min'}`)
        edits.replace(callee.start, callee.end, '$M.bound')
        edits.token('(', callee.end, `(${id},'${text(callee)}',`)
      }
    }
  }

  /**
   * A condition that is no comparison of its own is turned round as a whole.
   *
   * @param {Node} node
   * @param {Node | undefined} parent
   * @param {string} key
   * @param {(node: Node) => string} text
   * @param {(node: Node, sort: Mutant['sort'], change: string) => number} add
   * @param {Edits} edits
   */
  #negation(node, parent, key, text, add, edits) {
    const asked = key === 'test' || (parent?.type === 'LogicalExpression' && LOGIC[parent['operator']])
    const plain = ['CallExpression', 'Identifier', 'UnaryExpression', 'MemberExpression'].includes(node.type)
    if (!asked || !plain || SEQUENCE[node['callee']?.name] || parent?.type === 'SwitchCase') return
    // Numbers are joined by || as well: those are not turned round.
    if (parent?.type === 'LogicalExpression' && !/^(!|hasFlag|[a-z]\w*$|is[A-Z])/.test(text(node))) return
    edits.wrap(node, `$M.not(${add(node, 'condition', `not ${text(node)}`)},(`, '))')
  }

  /**
   * @param {Node} node
   * @param {Node | undefined} parent
   * @param {string} key
   * @param {string} file
   * @param {(node: Node) => string} text
   * @param {(node: Node, sort: Mutant['sort'], change: string) => number} add
   * @param {Edits} edits
   */
  #number(node, parent, key, file, text, add, edits) {
    if (node.type === 'Literal' && typeof node['value'] === 'number') {
      const idle =
        parent?.type === 'BinaryExpression' && ['|', '&', '===', '!==', '>>>'].includes(parent['operator'])
      if (idle || parent?.type === 'Property' || parent?.type === 'UnaryExpression') return
      edits.wrap(
        node,
        `$M.num([${add(node, 'constant', `${node['value']} becomes ${node['value'] + 1} in ${text(parent ?? node)}`)}],`,
        ')',
      )
    } else if (node.type === 'Identifier' && key !== 'id' && key !== 'key' && key !== 'property') {
      const name = node['name']
      const idsOf = this.#constants.get(`${file} ${name}`) ?? this.#constants.get(name)
      // Where a field of a record lies, `record + FIELD`, is no behaviour.
      const isField = parent?.['operator'] === '+' && key === 'right' && parent['left'].type === 'Identifier'
      if (idsOf === undefined || isField || parent?.type === 'ImportSpecifier' || parent?.type === 'Property')
        return
      edits.wrap(node, `$M.num([${idsOf()}],`, ')')
    }
  }
}

/** Calls that change nothing. */
const LOOKS =
  /^(get8|get16|get32|hasFlag|isMarked|stateOf|flightSize|flightOf|inRecovery|is(?!Newest)[A-Z]\w*|seq[A-Z]\w*|Math\.\w+)$/

/** Whether an expression, by its text, does nothing but look. @param {string} text */
const onlyLooks = text =>
  !/[^=!<>]=[^=>]|\+\+|--|=>/.test(text) &&
  [...text.matchAll(/(?:\bMath\.)?\b\w+(?=\()/g)].every(([name]) => LOOKS.test(name))

/** @param {Node | undefined} node */
const isType = node => node?.type.startsWith('TS') === true && !/^TS(As|NonNull|Satisfies)/.test(node.type)

/** @param {string} code @param {number} at */
const lineAt = (code, at) => code.slice(0, at).split('\n').length

/**
 * Says which function a node stands in; '' where in none.
 *
 * @param {Node} program
 * @returns {(node: Node) => string}
 */
function functionsOf(program) {
  /** @type {{ start: number, end: number, name: string }[]} */
  const found = []
  walk(program, (node, parent) => {
    if (!FUNCTIONS.includes(node.type)) return
    const name = node['id']?.name ?? parent?.['id']?.name ?? parent?.['key']?.name
    // What a function without a name of its own does belongs to the one around it.
    if (name !== undefined) found.push({ start: node['body'].start, end: node['body'].end, name })
  })
  return node => found.findLast(one => one.start <= node.start && node.end <= one.end)?.name ?? ''
}

/**
 * A bound for loops: each turn is counted, and a run that takes too many ends.
 *
 * @param {string} code
 * @returns {string}
 */
export function countTurns(code) {
  const edits = new Edits(code)
  walk(parse(code, 'ts'), node => {
    if (!LOOPS.includes(node.type)) return
    const { body } = node
    if (body.type === 'BlockStatement') edits.replace(body.start, body.start + 1, '{$M.turn();')
    else edits.wrap(body, '{$M.turn();', '}')
  })
  return edits.apply()
}

/** Insertions around nodes that may stand in each other. */
class Edits {
  /** @type {{ at: number, end: number, order: number, text: string }[]} */
  #edits = []
  #count = 0

  /** @param {string} code */
  constructor(code) {
    this.code = code
  }

  /** Nodes are wrapped outer ones first. @param {Node} node @param {string} before @param {string} behind */
  wrap(node, before, behind) {
    this.#count++
    this.#edits.push({ at: node.start, end: node.start, order: this.#count, text: before })
    this.#edits.push({ at: node.end, end: node.end, order: -this.#count, text: behind })
  }

  /** @param {number} at @param {number} end @param {string} text */
  replace(at, end, text) {
    this.#edits.push({ at, end, order: Number.POSITIVE_INFINITY, text })
  }

  /** The first such token behind a place. @param {string} token @param {number} from @param {string} text */
  token(token, from, text) {
    const at = this.code.indexOf(token, from)
    this.replace(at, at + token.length, text)
  }

  apply() {
    let out = ''
    let at = 0
    // Where several meet: what closes, inner ones first; what opens, outer ones first; what replaces.
    for (const edit of this.#edits.toSorted((a, b) => a.at - b.at || a.order - b.order)) {
      out += this.code.slice(at, edit.at) + edit.text
      at = edit.end
    }
    return out + this.code.slice(at)
  }
}
