import { expect, test } from 'vitest'
import { formatIpv6, parseIpv6 } from './address6.ts'

/** RFC 5952, 4 and RFC 4291, 2.2: the left is how it may be written, the right how it is written here. */
test.each([
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:0DB8::0001', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['ff02::1', 'ff02::1'],
  ['::ffff:10.0.0.1', '::ffff:a00:1'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
])('%s is written %s', (text, canonical) => {
  expect(formatIpv6(parseIpv6(text) ?? [])).toBe(canonical)
  expect(parseIpv6(canonical)).toEqual(parseIpv6(text))
})

test.each([
  '',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4::5:6:7:8',
  '12345::',
  'g::',
  '::256.0.0.1',
  '1.2.3.4::',
  '10.0.0.1',
  'fe80::1%eth0',
])("'%s' is no address", text => {
  expect(parseIpv6(text)).toBeUndefined()
})
