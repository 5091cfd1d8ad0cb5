/** The turns of loops are counted outside the stack as well, in all that takes what others wrote. */
import { edited, parse, walk } from '../../size/syntax.js'

const LOOPS = ['ForStatement', 'WhileStatement', 'DoWhileStatement', 'ForOfStatement', 'ForInStatement']

/** @param {string} code TypeScript */
export function withCountedLoops(code) {
  /** @type {{ start: number, end: number, text: string }[]} */
  const edits = []
  walk(parse(code, 'ts'), node => {
    if (!LOOPS.includes(node.type)) return
    const { body } = node
    if (body.type === 'BlockStatement')
      edits.push({ start: body.start + 1, end: body.start + 1, text: '$turn();' })
    else
      edits.push(
        { start: body.start, end: body.start, text: '{$turn();' },
        { start: body.end, end: body.end, text: '}' },
      )
  })
  return edited(code, edits)
}
