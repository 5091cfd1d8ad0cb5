/**
 * Which of the stack's branches can be entered by a frame, or by time that passes: what is named in what is named …, from
 * `input`, `poll`, `output` and `events` on. A name that is imported is followed to where it stands; a property's name to every
 * property of that name, since who is behind an interface is not known. So what is left out is certain, and some of
 * what is counted can only be entered by calls of the host's.
 */
import { walk } from '../size/syntax.js'

/** @typedef {import('../size/syntax.js').Node} Node */
/** @typedef {{ key: string, start: number, end: number, names: Set<string>, properties: Set<string> }} Unit */

const ROOTS = ['input', 'poll', 'output', 'events'].map(name => `create.ts#.${name}`)

export class Reach {
  /** By 'file#name', of a property 'file#.name'. @type {Map<string, Unit>} */
  #units = new Map()
  /** Keys of the units by the name of the property. @type {Map<string, string[]>} */
  #properties = new Map()
  /** By 'file#name': what it is elsewhere. @type {Map<string, string>} */
  #imports = new Map()

  /**
   * @param {string} file its path within src/stack
   * @param {Node} tree
   * @returns {(at: number) => string} the key of the unit that a place stands in, '' outside of all
   */
  add(file, tree) {
    /** @type {Unit[]} */
    const units = []
    const unit = (/** @type {string} */ name, /** @type {Node} */ node) => {
      const key = `${file}#${name}`
      const made = { key, start: node.start, end: node.end, names: new Set(), properties: new Set() }
      units.push(made)
      const had = this.#units.get(key)
      if (had !== undefined) Object.assign(made, { names: had.names, properties: had.properties })
      this.#units.set(key, made)
      if (name.startsWith('.')) this.#properties.set(name, [...(this.#properties.get(name) ?? []), key])
    }
    for (const statement of tree['body']) {
      const declared = statement.declaration ?? statement
      if (statement.type === 'ImportDeclaration') this.#import(file, statement)
      else if (declared.type === 'FunctionDeclaration') unit(declared.id.name, declared)
      else if (declared.type === 'VariableDeclaration')
        for (const each of declared.declarations) unit(each.id.name, each)
    }
    walk(tree, node => {
      const isProperty = node.type === 'Property' || node.type === 'MethodDefinition'
      if (isProperty && node['computed'] !== true) unit(`.${node['key'].name ?? node['key'].value}`, node)
    })
    units.sort((a, b) => a.start - b.start || b.end - a.end)
    /** The innermost: of those that begin before, the last that has not ended. @param {number} at */
    const within = at => {
      let [low, high] = [0, units.length]
      while (low < high) {
        const middle = (low + high) >> 1
        if ((units[middle]?.start ?? 0) <= at) low = middle + 1
        else high = middle
      }
      let last = low - 1
      while (last >= 0 && (units[last]?.end ?? 0) <= at) last--
      return units[last]
    }
    walk(tree, (node, parent, under) => {
      if (node.type !== 'Identifier') return
      const isProperty = parent?.type === 'MemberExpression' && under === 'property' && !parent['computed']
      if (isProperty) within(node.start)?.properties.add(`.${node['name']}`)
      else within(node.start)?.names.add(node['name'])
    })
    return at => within(at)?.key ?? ''
  }

  /** @param {string} file @param {Node} statement */
  #import(file, { source, specifiers }) {
    const parts = [...file.split('/').slice(0, -1)]
    for (const part of source.value.split('/'))
      if (part === '..') parts.pop()
      else if (part !== '.') parts.push(part)
    for (const { local, imported } of specifiers)
      if (imported !== undefined)
        this.#imports.set(`${file}#${local.name}`, `${parts.join('/')}#${imported.name}`)
  }

  /** The keys of all that can be reached. @returns {Set<string>} */
  reached() {
    const found = new Set(ROOTS)
    for (const key of found) {
      const unit = this.#units.get(key)
      if (unit === undefined) continue
      const file = key.slice(0, key.indexOf('#'))
      for (const name of unit.names) {
        const here = `${file}#${name}`
        const there = this.#imports.get(here) ?? here
        if (this.#units.has(there)) found.add(there)
      }
      for (const name of unit.properties) for (const each of this.#properties.get(name) ?? []) found.add(each)
    }
    return found
  }
}
