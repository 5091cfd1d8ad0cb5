/**
 * Sealing: nothing leaves the page for signalling but what this file has sealed.
 *
 * From the invitation's key HKDF (RFC 5869) makes one key to seal with and one name for the room's topic; the room's
 * name is its salt, so a link with another name leads elsewhere. A message is sealed with XChaCha20-Poly1305: its 24-byte
 * nonce is long enough to be drawn at random each time. The topic is associated data: a message that was moved to
 * another topic does not open.
 *
 *   | version 1 | nonce 24 | sealed text, and a tag of 16 |
 *
 * In JavaScript, not WebCrypto, which plain-http origins such as http://192.168.1.5 do not have.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Invitation } from './invitation.ts'
import { MAX_MESSAGE, roomTopic } from './topic.ts'

const VERSION = 1
const NONCE_BYTES = 24
const TAG_BYTES = 16
const OVERHEAD = 1 + NONCE_BYTES + TAG_BYTES

export type Opened =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: 'oversize' | 'malformed' | 'not-authentic' }

export interface Sealing {
  /** The room's topic. */
  readonly topic: string
  /** Throws a RangeError when `text` is longer than a message may be. */
  seal(topic: string, text: string): Uint8Array
  /** Never throws. 'not-authentic': another key, another topic, or altered on its way. */
  open(topic: string, message: Uint8Array): Opened
}

export function createSealing({ room, key }: Pick<Invitation, 'room' | 'key'>): Sealing {
  const derive = (purpose: string, bytes: number) =>
    hkdf(sha256, key, utf8(`lanlet room ${room}`), utf8(`lanlet 1 ${purpose}`), bytes)
  const sealingKey = derive('sealing', 32)
  const cipher = (topic: string, nonce: Uint8Array) =>
    xchacha20poly1305(sealingKey, nonce, utf8(`lanlet ${VERSION} ${topic}`))

  return {
    topic: roomTopic(hex(derive('topic', 16))),

    seal(topic, text) {
      const plain = utf8(text)
      if (plain.length + OVERHEAD > MAX_MESSAGE)
        throw new RangeError(`a message holds at most ${MAX_MESSAGE - OVERHEAD} bytes, not ${plain.length}`)
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
      const message = new Uint8Array(OVERHEAD + plain.length)
      message[0] = VERSION
      message.set(nonce, 1)
      message.set(cipher(topic, nonce).encrypt(plain), 1 + NONCE_BYTES)
      return message
    },

    open(topic, message) {
      if (message.length > MAX_MESSAGE) return { ok: false, reason: 'oversize' }
      if (message.length < OVERHEAD || message[0] !== VERSION) return { ok: false, reason: 'malformed' }
      const nonce = message.slice(1, 1 + NONCE_BYTES)
      try {
        const plain = cipher(topic, nonce).decrypt(message.subarray(1 + NONCE_BYTES))
        return { ok: true, text: new TextDecoder().decode(plain) }
      } catch {
        return { ok: false, reason: 'not-authentic' }
      }
    },
  }
}

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
