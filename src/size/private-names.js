/**
 * Which property names may be shortened: those that the stack's sources declare, save what users write themselves
 * (src/stack/stack.ts is that list) and what JavaScript's own objects are called.
 */
import { oncePerSource, parse, walk } from './syntax.js'

const OWN_OBJECTS = [
  Object,
  Function,
  Array,
  String,
  Number,
  Math,
  Map,
  Set,
  RangeError,
  ArrayBuffer,
  DataView,
  Uint8Array,
  Uint32Array,
]
const BUILT_IN = new Set(
  OWN_OBJECTS.flatMap(one => {
    const names = [one, 'prototype' in one ? one.prototype : {}].map(object =>
      Object.getOwnPropertyNames(object),
    )
    return names.flat()
  }).concat(Object.getOwnPropertyNames(Object.getPrototypeOf(Uint8Array.prototype)), 'done', 'value', 'next'),
)
const DECLARES =
  /^(TSPropertySignature|TSMethodSignature|PropertyDefinition|MethodDefinition|TSParameterProperty)$/

/** The members of a source's interfaces and classes. */
export const declaredMembers = oncePerSource(code => {
  /** @type {Set<string>} */
  const members = new Set()
  walk(parse(code, 'ts'), node => {
    if (DECLARES.test(node.type) && !node['computed'] && node['key']?.type === 'Identifier')
      members.add(node['key'].name)
  })
  return members
})

/**
 * @param {Iterable<string>} sources the modules that are built
 * @param {string} face what users see of them
 * @returns {string[]}
 */
export function privateNames(sources, face) {
  const seen = declaredMembers(face)
  const all = new Set([...sources].flatMap(source => [...declaredMembers(source)]))
  return [...all].filter(name => name.length > 1 && !seen.has(name) && !BUILT_IN.has(name)).sort()
}
