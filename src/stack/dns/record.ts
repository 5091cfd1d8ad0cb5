/** The record that all services for names share: a timed head, and room for the longest name (RFC 1035, 2.3.4). */
import type { Core } from '../core.ts'
import { NOW, POOL_LEASES, POOL_NAMES } from '../memory/layout.ts'
import type { RecordKind } from '../memory/slab.ts'

/** Five a page. */
export const NAME_KIND: RecordKind = { pool: POOL_NAMES, size: 316, urgent: false }
/** A lease of our own server, sixteen a page (dhcp/lease.ts). */
export const LEASE_KIND: RecordKind = { pool: POOL_LEASES, size: 96, urgent: false }

/**
 * A host's own name, in the form that RFC 1123, 2.1 gives. Throws RangeError when it is no such label.
 */
export function checkHostName(name: string): string {
  if (!/^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i.test(name))
    throw new RangeError(
      `A host’s name is one label of 1 to 63 letters, digits and hyphens, with no hyphen at its ends; '${name}' is not.`,
    )
  return name
}

/** Writes a text of ASCII characters. */
export function putText(s: Core, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) s.m.put8(at + i, text.charCodeAt(i))
}

/** Milliseconds on the host's clock, which do not wrap, for deadlines that are days away. */
export const nowOf = (s: Core): number => Math.floor(s.m.view.getFloat64(NOW, true))
