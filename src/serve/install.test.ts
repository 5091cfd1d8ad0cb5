import { expect, test } from 'vitest'
import { firstMissing } from './install.js'

const wanted = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/lit': { version: '3.3.3' },
    'node_modules/cli-of-another-system': { version: '1.0.0', optional: true },
  },
}

test('nothing is missing when every package is there, but for those of other systems', () => {
  expect(firstMissing(wanted, { packages: { 'node_modules/lit': { version: '3.3.3' } } })).toBeUndefined()
})

test('a package that is not there is missing', () => {
  expect(firstMissing(wanted, { packages: {} })).toBe('node_modules/lit')
})

test('a package of another version is missing, an optional one too', () => {
  expect(firstMissing(wanted, { packages: { 'node_modules/lit': { version: '3.3.2' } } })).toBe(
    'node_modules/lit',
  )
  const installed = {
    packages: {
      'node_modules/lit': { version: '3.3.3' },
      'node_modules/cli-of-another-system': { version: '0.9.0', optional: true },
    },
  }
  expect(firstMissing(wanted, installed)).toBe('node_modules/cli-of-another-system')
})
