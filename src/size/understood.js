/**
 * What the passes over the program understand. They are small since the stack is written plainly: a source that is not
 * stops the build with a sentence, so that none of them has to guess.
 */
import { walk } from './syntax.js'

/** @typedef {import('./syntax.js').Node} Node */

/** @type {readonly (readonly [string, (node: Node, parent: Node | undefined, key: string) => boolean])[]} */
const REFUSED = [
  [
    'a function declared within another',
    ({ type }, parent) => type === 'FunctionDeclaration' && !isTop(parent),
  ],
  ['an async function or a generator', ({ async, generator }) => async === true || generator === true],
  ['a label', ({ type }) => type === 'LabeledStatement'],
  ['`try`', ({ type }) => type === 'TryStatement'],
  ['`delete`', ({ type, operator }) => type === 'UnaryExpression' && operator === 'delete'],
  [
    '`arguments`',
    ({ type, name }, _, key) => type === 'Identifier' && name === 'arguments' && key !== 'property',
  ],
  [
    '`var` within a function',
    ({ type, kind }, parent) => type === 'VariableDeclaration' && kind === 'var' && !isTop(parent),
  ],
  [
    'a name declared in a `case` without a block',
    ({ type }, parent) => /Declaration$/.test(type) && parent?.type === 'SwitchCase',
  ],
  [
    'a function called as soon as it is returned',
    ({ type, callee }) => type === 'CallExpression' && callee.type === 'CallExpression',
  ],
]

/** @param {Node | undefined} parent */
const isTop = parent => /^(Program|ExportNamedDeclaration)$/.test(parent?.type ?? '')

/**
 * Throws an Error of one sentence at what the passes do not understand.
 *
 * @param {string} code of a module
 * @param {Node} tree
 */
export function expectUnderstood(code, tree) {
  /** @param {string} what @param {Node} node */
  const refuse = (what, { start, end }) => {
    throw new Error(
      `The passes that make a stack small do not understand ${what}: ${code.slice(start, Math.min(end, start + 80))}`,
    )
  }
  /** @type {Node[]} */
  const classes = []
  walk(tree, (node, parent, key) => {
    if (node.type === 'ClassBody') classes.push(node)
    for (const [what, isIt] of REFUSED) if (isIt(node, parent, key)) refuse(what, node)
    if (node.type === 'ThisExpression' && !classes.some(one => one.start < node.start && node.end <= one.end))
      refuse('`this` outside of a class', node)
  })
}
