/** A small name server (RFC 1035) on our UDP sockets, for others' resolvers: it has IPv4 addresses, and knows of nothing else. */
import type { DirectSockets } from '../host/sockets/direct-sockets.ts'
import { parseIpv4 } from '../stack/ip/addresses.ts'
import {
  CLASS_IN,
  DNS_ANSWERS,
  DNS_AUTHORITATIVE,
  DNS_FLAGS,
  DNS_HEADER,
  DNS_OPCODE,
  DNS_PORT,
  DNS_QUESTIONS,
  DNS_RECURSION_DESIRED,
  DNS_RESPONSE,
  QUESTION_LENGTH,
  RCODE_NO_NAME,
  skipQuestion,
  TYPE_A,
} from '../stack/wire/dns.ts'

const TTL_SECONDS = 60
/** A pointer to the name of the question, the fixed fields, an address. */
const RECORD = 16

/** Serves until the socket is closed. */
export async function serveNames(
  sockets: DirectSockets,
  addresses: ReadonlyMap<string, string>,
): Promise<void> {
  const { readable, writable } = await new sockets.UDPSocket({ localPort: DNS_PORT }).opened
  const writer = writable.getWriter()
  for await (const { data, remoteAddress, remotePort } of readable as unknown as AsyncIterable<{
    readonly data: Uint8Array
    readonly remoteAddress: string
    readonly remotePort: number
  }>) {
    const answer = answerTo(data, addresses)
    if (answer !== undefined) await writer.write({ data: answer, remoteAddress, remotePort })
  }
}

/** undefined to what is no question. */
function answerTo(
  asked: Uint8Array,
  addresses: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> | undefined {
  const question = new DataView(asked.buffer, asked.byteOffset, asked.byteLength)
  if (asked.length < DNS_HEADER || question.getUint16(DNS_QUESTIONS) !== 1) return undefined
  const flags = question.getUint16(DNS_FLAGS)
  const end = skipQuestion(question, DNS_HEADER, asked.length)
  if ((flags & DNS_RESPONSE) !== 0 || end === -1) return undefined
  const name = nameOf(asked.subarray(DNS_HEADER, end - QUESTION_LENGTH))
  const known = addresses.get(name)
  const has = known !== undefined && question.getUint16(end - QUESTION_LENGTH) === TYPE_A
  const answer = new Uint8Array(end + (has ? RECORD : 0))
  const view = new DataView(answer.buffer)
  answer.set(asked.subarray(0, end))
  view.setUint16(
    DNS_FLAGS,
    DNS_RESPONSE |
      DNS_AUTHORITATIVE |
      (flags & (DNS_OPCODE | DNS_RECURSION_DESIRED)) |
      (known === undefined ? RCODE_NO_NAME : 0),
  )
  answer.fill(0, DNS_ANSWERS, DNS_HEADER)
  if (has) putAddress(view, end, parseIpv4(known) ?? 0)
  return answer
}

function putAddress(view: DataView, at: number, address: number): void {
  view.setUint16(DNS_ANSWERS, 1)
  // RFC 1035, 4.1.4: the name is that of the question.
  view.setUint16(at, 0xc000 | DNS_HEADER)
  view.setUint16(at + 2, TYPE_A)
  view.setUint16(at + 4, CLASS_IN)
  view.setUint32(at + 6, TTL_SECONDS)
  view.setUint16(at + 10, 4)
  view.setUint32(at + 12, address)
}

/** 'boot.lan.test' of labels behind their lengths. */
function nameOf(labels: Uint8Array): string {
  const parts: string[] = []
  for (let at = 0; at < labels.length && labels[at] !== 0; at += 1 + (labels[at] ?? 0))
    parts.push(new TextDecoder().decode(labels.subarray(at + 1, at + 1 + (labels[at] ?? 0))))
  return parts.join('.').toLowerCase()
}
