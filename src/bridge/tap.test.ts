import { expect, test } from 'vitest'
import { macText } from '../link/mac.ts'
import { readStation } from './tap.ts'

/** As iproute2 prints it, the fields that nobody reads left out. */
const LINK = { ifname: 'lanlet0', address: '3a:5e:00:00:00:07' }
const INET6 = { family: 'inet6', local: 'fe80::1', prefixlen: 64 }
const INET = { family: 'inet', local: '169.254.7.7', prefixlen: 16 }

const read = (link: unknown) => readStation(JSON.stringify([link]))

test('a device is a station of its MAC and its first IPv4 address', () => {
  const station = read({ ...LINK, addr_info: [INET6, INET, { ...INET, local: '10.0.0.1' }] })
  expect(station && macText(station.mac)).toBe(LINK.address)
  expect(station?.address).toBe('169.254.7.7')
})

test('without an address it is a station all the same', () => {
  expect(read({ ...LINK, addr_info: [INET6] })).toMatchObject({ address: undefined })
})

test('as a port of a bridge it is none', () => {
  expect(read({ ...LINK, master: 'br0', addr_info: [] })).toBeUndefined()
})
