/**
 * The stack as the saboteur runs it: each turn of a loop is counted, each branch leaves a mark, and each access to an arena
 * is checked against its pages (watch.ts).
 */
import { edited, parse, walk } from '../size/syntax.js'

const LOOPS = ['ForStatement', 'WhileStatement', 'DoWhileStatement', 'ForOfStatement', 'ForInStatement']
const FUNCTIONS = ['FunctionDeclaration', 'ArrowFunctionExpression', 'FunctionExpression']

/** What may read and write pages that are free: who takes them, frees them, and lays them out. */
const TRUSTED = { 'memory/arena.ts': ['takePage', 'freePage'], 'memory/lay-out.ts': ['layOut'] }

/** Collects the marks of many files. */
export class Marks {
  /** What each mark stands for: 'file:line'. @type {string[]} */
  places = []

  /**
   * @param {string} code
   * @param {string} file its path within src/stack
   */
  instrument(code, file) {
    /** @type {{ start: number, end: number, text: string }[]} */
    const edits = []
    const mark = (/** @type {number} */ at) =>
      `$marks[${this.places.push(`${file}:${code.slice(0, at).split('\n').length}`) - 1}]=1;`
    const enter = (/** @type {import('../size/syntax.js').Node} */ body, /** @type {string} */ text) => {
      if (body.type === 'BlockStatement') edits.push({ start: body.start + 1, end: body.start + 1, text })
      else
        edits.push(
          { start: body.start, end: body.start, text: `{${text}` },
          { start: body.end, end: body.end, text: '}' },
        )
    }
    walk(parse(code, 'ts'), node => {
      if (LOOPS.includes(node.type)) enter(node['body'], '$turn();')
      else if (FUNCTIONS.includes(node.type) && node['body']?.type === 'BlockStatement')
        enter(node['body'], mark(node.start))
      else if (node.type === 'IfStatement') {
        enter(node['consequent'], mark(node['consequent'].start))
        if (node['alternate'] !== null && node['alternate'].type !== 'IfStatement')
          enter(node['alternate'], mark(node['alternate'].start))
      } else if (node.type === 'SwitchCase' && node['consequent'].length > 0) {
        const { start } = node['consequent'][0]
        edits.push({ start, end: start, text: mark(start) })
      }
    })
    return edited(code, edits)
  }
}

/**
 * The arena with checked accessors.
 *
 * @param {string} code
 * @param {string} file
 */
export function watched(code, file) {
  const names = Object.entries(TRUSTED).find(([path]) => file.endsWith(path))?.[1] ?? []
  const text = names.reduce(
    (all, name) =>
      replaced(
        all,
        `export function ${name}(`,
        `export function ${name}(...all) { return $trusted(${name}$, all) }\nfunction ${name}$(`,
      ),
    code,
  )
  if (file.endsWith('wire/checksum.ts'))
    return replaced(
      text,
      'if ((at & 3) !== 0) return',
      '$check(m.buffer, at, length); if ((at & 3) !== 0) return',
    )
  if (!file.endsWith('memory/arena.ts')) return text
  return [
    ['new DataView(buffer)', 'new $View(buffer)'],
    ['new Uint8Array(buffer)', 'new $Bytes(buffer)'],
    ['const { windows } = this', '$check(this.buffer, at, length); const { windows } = this'],
  ].reduce((all, [from = '', to = '']) => replaced(all, from, to), text)
}

/** @param {string} text @param {string} from @param {string} to */
function replaced(text, from, to) {
  if (!text.includes(from))
    throw new Error(`The stack has no '${from}' any more: say what stands in its place.`)
  return text.replace(from, () => to)
}
