/** What mutated code asks on its way, as `$M`: which of two ways it shall go. */

/** @param {string} operator @param {number} a @param {number} b */
function compute(operator, a, b) {
  switch (operator) {
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
    case '===':
      return a === b
    case '!==':
      return a !== b
    case '+':
      return a + b
    default:
      return a - b
  }
}

/** One mutant lives, or none. */
export class Life {
  /** The mutant's number, -1 for none. */
  living = -1
  turns = 0
  turnsMax = Number.POSITIVE_INFINITY

  /** @param {[number, string][]} ids @param {string} operator @param {number} a @param {number} b */
  op(ids, operator, a, b) {
    for (const [id, other] of ids) if (id === this.living) return compute(other, a, b)
    return compute(operator, a, b)
  }

  /** @param {[number, string][]} ids @param {string} operator @param {number} a @param {number} b */
  seq(ids, operator, a, b) {
    return this.op(ids, operator, (a - b) | 0, 0)
  }

  /**
   * @param {number} id
   * @param {string} operator
   * @param {() => unknown} a
   * @param {() => unknown} b
   * @param {boolean} _pure whether `b` only looks
   */
  logic(id, operator, a, b, _pure) {
    return (operator === '&&') !== (id === this.living) ? a() && b() : a() || b()
  }

  /** @param {number} id @param {unknown} condition */
  not(id, condition) {
    return id === this.living ? !condition : condition
  }

  /** @param {number} id @param {string} name @param {number[]} values */
  bound(id, name, ...values) {
    return (name === 'Math.min') !== (id === this.living) ? Math.min(...values) : Math.max(...values)
  }

  /** @param {[number, number?]} ids of one more and one less @param {number} value */
  num([more, less], value) {
    return value + (more === this.living ? 1 : less === this.living ? -1 : 0)
  }

  /** @param {number} id */
  keep(id) {
    return id !== this.living
  }

  turn() {
    if (++this.turns > this.turnsMax) throw new Error('A loop without end.')
  }
}

/** No mutant lives; what a script meets is noted. */
export class Rehearsal extends Life {
  /** Which mutants were met: 1; and would have made a difference there: 2. A script can tell none but these. */
  met
  #aside = 0

  /** @param {number} count of the mutants */
  constructor(count) {
    super()
    this.met = new Uint8Array(count)
  }

  /** @param {number | undefined} id @param {boolean} differs */
  #note(id, differs) {
    if (id !== undefined && this.#aside === 0) this.met[id] = (this.met[id] ?? 0) | (differs ? 3 : 1)
  }

  /** @override @param {[number, string][]} ids @param {string} operator @param {number} a @param {number} b */
  op(ids, operator, a, b) {
    const value = compute(operator, a, b)
    for (const [id, other] of ids) this.#note(id, compute(other, a, b) !== value)
    return value
  }

  /**
   * @override
   * @param {number} id
   * @param {string} operator
   * @param {() => unknown} a
   * @param {() => unknown} b
   * @param {boolean} pure
   */
  logic(id, operator, a, b, pure) {
    const left = a()
    // Where the original does not ask its right side, the mutant does.
    if ((operator === '&&') !== Boolean(left)) {
      this.#note(id, !pure || this.#lookAside(b) !== left)
      return left
    }
    const right = b()
    this.#note(id, right !== left)
    return right
  }

  /** What it would be, without a note of what stands in it. @param {() => unknown} value */
  #lookAside(value) {
    this.#aside++
    try {
      return value()
    } catch {
      return undefined
    } finally {
      this.#aside--
    }
  }

  /** @override @param {number} id @param {unknown} condition */
  not(id, condition) {
    this.#note(id, true)
    return condition
  }

  /** @override @param {number} id @param {string} name @param {number[]} values */
  bound(id, name, ...values) {
    const [least, most] = [Math.min(...values), Math.max(...values)]
    this.#note(id, least !== most)
    return name === 'Math.min' ? least : most
  }

  /** @override @param {[number, number?]} ids @param {number} value */
  num([more, less], value) {
    this.#note(more, true)
    this.#note(less, true)
    return value
  }

  /** @override @param {number} id */
  keep(id) {
    this.#note(id, true)
    return true
  }
}
