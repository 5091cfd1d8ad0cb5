/**
 * The stack as the saboteur runs it: each turn of a loop is counted, each branch leaves a mark, each page and record that
 * is taken or freed is told, and each access to an arena is checked (watch.ts, shadow.ts).
 */
import { edited, parse, walk } from '../size/syntax.js'
import { Reach } from './reachable.js'

const LOOPS = ['ForStatement', 'WhileStatement', 'DoWhileStatement', 'ForOfStatement', 'ForInStatement']
const FUNCTIONS = ['FunctionDeclaration', 'ArrowFunctionExpression', 'FunctionExpression']

/** What may read and write pages and records that are free: who takes them, frees them, and lays them out. */
const TRUSTED = {
  'memory/arena.ts': ['takePage', 'freePage'],
  'memory/slab.ts': ['takeRecord', 'freeRecord'],
  'memory/lay-out.ts': ['layOut'],
}

/** What stands in the place of what, by file. @type {Record<string, readonly (readonly [string, string])[]>} */
const IN_PLACE = {
  'memory/arena.ts': [
    ['new DataView(buffer)', 'new $View(buffer)'],
    ['new Uint8Array(buffer)', 'new $Bytes(buffer)'],
    ['const { windows } = this', '$check(this.buffer, at, length); const { windows } = this'],
    ['page: Page, pool: number): void {', 'page: Page, pool: number): void { $owned(m.buffer, page, pool);'],
  ],
  'memory/slab.ts': [
    ['const page = pageOf(m, record)', '$freed(m.buffer, record, kind.size); const page = pageOf(m, record)'],
    ['m.put32(record, 0)', '$taken(m.buffer, record, kind.size); m.put32(record, 0)'],
    ['m.put32(page + USED, 0)', '$slab(m.buffer, page, kind.pool, kind.size); m.put32(page + USED, 0)'],
  ],
  'memory/lay-out.ts': [
    [
      'm.put32(USED_PEAK, pages - m.get32(FREE_COUNT))',
      'm.put32(USED_PEAK, pages - m.get32(FREE_COUNT)); $laidOut(m.buffer)',
    ],
  ],
  'wire/checksum.ts': [
    ['if ((at & 3) !== 0) return', '$check(m.buffer, at, length); if ((at & 3) !== 0) return'],
  ],
}

/** Collects the marks of many files. */
export class Marks {
  /** What each mark stands for: 'file:line', and the unit it is in. @type {{ place: string, unit: string }[]} */
  #marks = []
  #reach = new Reach()

  /** What each mark stands for: 'file:line', and whether a frame can lead there. */
  get places() {
    const reached = this.#reach.reached()
    return this.#marks.map(({ place, unit }) => ({ place, isOnTheWay: reached.has(unit) }))
  }

  /** @param {string} place @param {string} unit */
  #mark(place, unit) {
    const mark = this.#marks.push({ place, unit }) - 1
    return `if($marks[${mark}]++<$rare)$seldom(${mark});`
  }

  /**
   * @param {string} code
   * @param {string} file its path within src/stack
   */
  instrument(code, file) {
    /** @type {{ start: number, end: number, text: string }[]} */
    const edits = []
    const tree = parse(code, 'ts')
    const unitAt = this.#reach.add(file, tree)
    const mark = (/** @type {number} */ at) =>
      this.#mark(`${file}:${code.slice(0, at).split('\n').length}`, unitAt(at))
    const enter = (/** @type {import('../size/syntax.js').Node} */ body, /** @type {string} */ text) => {
      if (body.type === 'BlockStatement') edits.push({ start: body.start + 1, end: body.start + 1, text })
      else
        edits.push(
          { start: body.start, end: body.start, text: `{${text}` },
          { start: body.end, end: body.end, text: '}' },
        )
    }
    walk(tree, node => {
      if (isByte(node)) {
        const { object, property } = node
        const bytes = code.slice(object.start, object.end)
        edits.push({ start: property.start, end: property.start, text: `$at(${bytes}, ` })
        edits.push({ start: property.end, end: property.end, text: ')' })
      } else if (LOOPS.includes(node.type)) enter(node['body'], '$turn();')
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

/** `m.bytes[…]` or `bytes[…]`: one byte, perhaps of an arena. @param {import('../size/syntax.js').Node} node */
const isByte = ({ type, computed, object }) =>
  type === 'MemberExpression' &&
  computed === true &&
  (object.name === 'bytes' || (object.type === 'MemberExpression' && object.property.name === 'bytes'))

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
  const places = Object.entries(IN_PLACE).find(([path]) => file.endsWith(path))?.[1] ?? []
  return places.reduce((all, [from, to]) => replaced(all, from, to), text)
}

/** @param {string} text @param {string} from @param {string} to */
function replaced(text, from, to) {
  if (!text.includes(from))
    throw new Error(`The stack has no '${from}' any more: say what stands in its place.`)
  return text.replace(from, () => to)
}
