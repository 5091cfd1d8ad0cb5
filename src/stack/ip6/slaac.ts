/** Stateless address autoconfiguration, RFC 4862, 5.5.3: of a router's prefix and an identifier of our own an address is made. */
import type { Core } from '../core.ts'
import type { Address } from '../memory/arena.ts'
import {
  DUPLICATE,
  ORIGIN,
  ORIGIN_LINK_LOCAL,
  ORIGIN_ROUTER,
  setLifetimes,
  takeAddress,
  visitOwn,
} from './addresses.ts'
import { putInterfaceId } from './iid.ts'
import { commonBits, putWords } from './kinds.ts'
import { ADDRESS6, copyAddress, FOR_EVER, leftOf, STATE6, VALID_UNTIL } from './records.ts'
import { scratchOf } from './scratch.ts'

/** An interface identifier has 64 bits (RFC 4291, 2.5.1), so a prefix has as many. */
const IID_BITS = 64
/** (e): nobody can make an address end sooner than in two hours who could not before. */
const TWO_HOURS_S = 7_200

/** fe80::/64 and an identifier: the address that every host begins with. */
export function takeLinkLocal(s: Core): void {
  const address = scratchOf(s.m)
  putWords(s.m, address, 0xfe800000, 0, 0, 0)
  putInterfaceId(s, address, 0)
  takeAddress(s, address, IID_BITS, ORIGIN_LINK_LOCAL, FOR_EVER, FOR_EVER)
}

/** A router says that hosts may make addresses of the prefix at `prefix`, with lifetimes in seconds. */
export function addressFromPrefix(
  s: Core,
  prefix: Address,
  bits: number,
  valid: number,
  preferred: number,
): void {
  const { m } = s
  // (c) and (d): a preferred lifetime longer than the valid one, or a length that does not go with ours, is passed over.
  if (preferred > valid || bits !== IID_BITS) return
  let known = 0
  visitOwn(m, a => {
    if (m.get8(a + ORIGIN) === ORIGIN_ROUTER && commonBits(m, a + ADDRESS6, prefix) >= bits) known = a
  })
  if (known !== 0) return renew(s, known, valid, preferred)
  if (valid === 0) return
  const address = scratchOf(m)
  copyAddress(m, address, prefix)
  putInterfaceId(s, address, 0)
  takeAddress(s, address, bits, ORIGIN_ROUTER, valid, preferred)
}

/** (e) 1 … 3. */
function renew(s: Core, a: Address, valid: number, preferred: number): void {
  const { m } = s
  if (m.get8(a + STATE6) === DUPLICATE) return
  const left = leftOf(m, m.get32(a + VALID_UNTIL) >>> 0)
  const granted = valid > TWO_HOURS_S || valid > left ? valid : left <= TWO_HOURS_S ? left : TWO_HOURS_S
  setLifetimes(s, a, granted, preferred)
}
