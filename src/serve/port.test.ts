import { describe, expect, test } from 'vitest'
import { nodeTooOld } from './node-version.js'
import { DEFAULT_PORT, portRefused, readPort } from './port.js'

describe('PORT', () => {
  test.each([
    [undefined, DEFAULT_PORT],
    ['', DEFAULT_PORT],
    ['8080', 8080],
    ['65535', 65535],
  ])('%s chooses %i', (text, port) => {
    expect(readPort(text)).toEqual({ ok: true, port })
  })

  test.each(['0', '65536', '-1', '80.5', 'http', '0x50', '1e3', ' 80'])(
    '‘%s’ is refused, and what would be right is said',
    text => {
      const read = readPort(text)
      expect(read).toMatchObject({ ok: false, why: expect.stringContaining(`‘${text}’`) })
      expect(read).toMatchObject({ why: expect.stringContaining('PORT=8080') })
    },
  )

  test('a taken port is said to be taken, with another to try', () => {
    const error = Object.assign(new Error('listen'), { code: 'EADDRINUSE' })
    expect(portRefused(8080, error)).toMatch(/8080 is taken.*PORT=8081 npm start/)
  })
})

describe('Node', () => {
  test.each(['20.19.0', '20.20.2', '22.12.0', '23.0.0', '26.1.0'])('%s will do', version => {
    expect(nodeTooOld(version)).toBeUndefined()
  })
  test.each(['18.20.0', '20.18.3', '21.7.0', '22.11.0'])(
    '%s is too old, and what to install is said',
    version => {
      expect(nodeTooOld(version)).toMatch(new RegExp(`${version}.*nodejs.org`))
    },
  )
})
