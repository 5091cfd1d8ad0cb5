/**
 * An invitation: a link whose fragment carries a room's name and key. Browsers keep the fragment to themselves
 * (RFC 3986, 3.5: it is taken off before anything is asked for), so neither reaches a server.
 *
 *   https://example.org/#room=quiet-heron&key=<32 bytes in base64url>[&broker=wss://…]
 */
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { isBrokerUrl } from './config.ts'
import { ADJECTIVES, BIRDS } from './room-names.ts'

export const KEY_BYTES = 32
const KEY_CHARACTERS = 43

export interface Invitation {
  /** Lower-case letters, digits and hyphens, at most 40: 'quiet-heron'. */
  readonly room: string
  /** KEY_BYTES random bytes, shared by all who have the link. */
  readonly key: Uint8Array
  /** ws:// or wss://, in the place of the broker that the page is configured for. */
  readonly broker?: string
}

export type ParsedInvitation =
  | { readonly kind: 'invitation'; readonly invitation: Invitation }
  /** The link invites nowhere: the page was opened by itself. */
  | { readonly kind: 'none' }
  /** `why`: one sentence that says what is wrong and what would be right. */
  | { readonly kind: 'wrong'; readonly why: string }

/** A room of its own: two random words and a fresh key. */
export function newInvitation(): Invitation {
  const [first, second] = crypto.getRandomValues(new Uint32Array(2))
  return {
    room: `${pick(ADJECTIVES, first)}-${pick(BIRDS, second)}`,
    key: crypto.getRandomValues(new Uint8Array(KEY_BYTES)),
  }
}

/** The link to `page` that invites; what `page` has behind its # is replaced. */
export function invitationLink({ room, key, broker }: Invitation, page: string): string {
  const link = new URL(page)
  const fragment = `room=${room}&key=${encodeBase64url(key)}`
  link.hash = broker === undefined ? fragment : `${fragment}&broker=${encodeURIComponent(broker)}`
  return link.href
}

/** Reads a link, or a fragment with or without its #. */
export function parseInvitation(text: string): ParsedInvitation {
  const trimmed = text.trim()
  const mark = trimmed.indexOf('#')
  const fragment = mark >= 0 ? trimmed.slice(mark + 1) : /^[a-z]+:\/\//i.test(trimmed) ? '' : trimmed
  if (fragment === '') return { kind: 'none' }

  const parts = new URLSearchParams(fragment)
  for (const name of parts.keys()) {
    if (!['room', 'key', 'broker'].includes(name))
      return wrong(`it holds ‘${name}’; an invitation holds room=… and key=… only: copy the whole link again`)
    if (parts.getAll(name).length > 1) return wrong(`it holds two ${name}s: copy the link again`)
  }
  const room = parts.get('room')
  if (!room) return wrong('it names no room: there must be room=… behind the #')
  if (!/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(room))
    return wrong(
      'its room name is not lower-case letters, digits and hyphens (at most 40), such as quiet-heron',
    )
  const key = parseKey(parts.get('key'))
  if (typeof key === 'string') return wrong(key)
  const broker = parts.get('broker')
  if (broker !== null && !isBrokerUrl(broker))
    return wrong('its broker is no ws:// or wss:// address, such as wss://broker.example.org/mqtt')
  return { kind: 'invitation', invitation: { room, key, ...(broker === null ? {} : { broker }) } }
}

/** The key, or what is wrong with it. */
function parseKey(text: string | null): Uint8Array | string {
  if (!text) return 'it has no key: there must be key=… behind the room'
  const stranger = /[^A-Za-z0-9_-]/.exec(text)?.[0]
  if (stranger !== undefined)
    return `its key holds ‘${stranger === ' ' ? '+' : stranger}’; a key is letters, digits, - and _: copy the whole link again`
  if (text.length !== KEY_CHARACTERS)
    return `its key has ${text.length} characters and should have ${KEY_CHARACTERS}: copy the whole link again`
  return decodeBase64url(text) ?? 'its key ends in a character that no key ends in: copy the whole link again'
}

const wrong = (what: string): ParsedInvitation => ({
  kind: 'wrong',
  why: `This invitation cannot be used: ${what}.`,
})

/** The lists have a power of two of words, so that no word is likelier than another. */
const pick = (words: readonly string[], random = 0): string => words[random % words.length] ?? ''
