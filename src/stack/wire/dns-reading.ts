/** The readable form of a DNS message: every question and every record a field. For traces, tests and the page. */
import type { Layer } from './dissect.ts'
import * as dns from './dns.ts'
import { addressAt, count, hex, Reading } from './readable.ts'

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [dns.TYPE_A]: 'A',
  [dns.TYPE_NS]: 'NS',
  [dns.TYPE_CNAME]: 'CNAME',
  [dns.TYPE_SOA]: 'SOA',
  [dns.TYPE_PTR]: 'PTR',
  16: 'TXT',
  [dns.TYPE_AAAA]: 'AAAA',
  33: 'SRV',
  [dns.TYPE_OPT]: 'OPT',
  [dns.TYPE_NSEC]: 'NSEC',
  [dns.TYPE_ANY]: 'any',
}
const RCODE_NAMES = [
  'no error',
  'format error',
  'server failure',
  'no such name',
  'not implemented',
  'refused',
]
const typeName = (type: number): string => TYPE_NAMES[type] ?? `type ${type}`

interface Section {
  readonly name: string
  readonly count: number
  readonly note: string
}
const SECTIONS: readonly Section[] = [
  { name: 'Question', count: dns.DNS_QUESTIONS, note: 'What is asked: a name, and which kind of record.' },
  { name: 'Answer', count: dns.DNS_ANSWERS, note: 'A record that answers, and for how long it may be kept.' },
  {
    name: 'Authority',
    count: dns.DNS_AUTHORITIES,
    note: 'Who is responsible; in a probe, what is wished for.',
  },
  { name: 'Additional', count: dns.DNS_ADDITIONALS, note: 'What may be of use beside the answer.' },
]
/** A page shows a frame, not a zone. */
const FIELDS_MAX = 64

/** The name at a place of a message as text; '?' when it is malformed. */
function nameText(view: DataView, message: number, at: number, end: number): string {
  const flat = new Uint8Array(dns.NAME_MAX)
  const length = dns.readName(view, message, at, end, flat, 0)
  if (length < 0) return '?'
  let text = ''
  for (let i = 0; (flat[i] ?? 0) !== 0; i += 1 + (flat[i] ?? 0)) {
    const label = flat.subarray(i + 1, i + 1 + (flat[i] ?? 0))
    text +=
      (text && '.') +
      Array.from(label, byte => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('')
  }
  return text || '(root)'
}

/** What a record says, without its name. */
function dataText(view: DataView, message: number, fields: number, end: number): string {
  const type = view.getUint16(fields + dns.RECORD_TYPE)
  const length = view.getUint16(fields + dns.RECORD_LENGTH)
  const at = fields + dns.RECORD_DATA
  if (type === dns.TYPE_A && length === 4) return addressAt(view, at)
  if (type === dns.TYPE_AAAA && length === 16)
    return Array.from({ length: 8 }, (_, i) => view.getUint16(at + i * 2).toString(16)).join(':')
  if (type === dns.TYPE_PTR || type === dns.TYPE_CNAME || type === dns.TYPE_NS)
    return nameText(view, message, at, end)
  return count(length, 'byte')
}

/**
 * One line about the message; 'Truncated: …' when it ends at `end` before its header does, 'Malformed …' when its records do
 * not fit.
 */
export function dnsSummary(view: DataView, at: number, end: number): string {
  if (end - at < dns.DNS_HEADER)
    return `Truncated: ${count(Math.max(0, end - at), 'byte')}, a DNS header is ${dns.DNS_HEADER}`
  const flags = view.getUint16(at + dns.DNS_FLAGS)
  const isAnswer = (flags & dns.DNS_RESPONSE) !== 0
  if (!dns.dnsIsValid(view, at, end - at)) return `Malformed ${isAnswer ? 'answer' : 'query'}`
  if (!isAnswer) return `${isProbe(view, at) ? 'Probe' : 'Query'} ${firstQuestion(view, at, end)}`
  const rcode = flags & dns.DNS_RCODE
  if (rcode !== 0) return `Answer: ${RCODE_NAMES[rcode] ?? `error ${rcode}`}`
  const answers = view.getUint16(at + dns.DNS_ANSWERS)
  if (answers === 0)
    return (flags & dns.DNS_TRUNCATED) !== 0 ? 'Answer: too long, ask by TCP' : 'Answer: nothing'
  const first = dns.recordsAt(view, at, end)
  const fields = dns.skipName(view, first, end)
  const goodbye = view.getUint32(fields + dns.RECORD_TTL) === 0 ? ' (goodbye)' : ''
  const rest = answers > 1 ? ` and ${answers - 1} more` : ''
  const type = typeName(view.getUint16(fields))
  return `Answer ${type} ${nameText(view, at, first, end)} ${dataText(view, at, fields, end)}${goodbye}${rest}`
}

/** RFC 6762, 8.1: a query that brings its own records. */
const isProbe = (view: DataView, at: number): boolean =>
  view.getUint16(at + dns.DNS_QUESTIONS) > 0 && view.getUint16(at + dns.DNS_AUTHORITIES) > 0

function firstQuestion(view: DataView, at: number, end: number): string {
  const questions = view.getUint16(at + dns.DNS_QUESTIONS)
  if (questions === 0) return '(known answers)'
  const first = at + dns.DNS_HEADER
  const type = view.getUint16(dns.skipQuestion(view, first, end) - dns.QUESTION_LENGTH)
  const rest = questions > 1 ? ` and ${questions - 1} more` : ''
  return `${typeName(type)} ${nameText(view, at, first, end)}${rest}`
}

/** The readable form; `isMdns`: by multicast, where the top bit of a class has a meaning of its own. */
export function describeDns(view: DataView, at: number, end: number, isMdns: boolean): Layer {
  const reading = new Reading(view, at, end)
  reading.field('Identification', dns.DNS_ID, 2, 'A random number; the answer repeats it.', i =>
    hex(view.getUint16(i), 4),
  )
  reading.field('Flags', dns.DNS_FLAGS, 2, 'Query or answer, and how it went.', i =>
    flagsText(view.getUint16(i)),
  )
  for (const { name, count: offset } of SECTIONS)
    reading.field(`${name} count`, offset, 2, 'How many of them follow.', i => String(view.getUint16(i)))
  const length = reading.has(0, dns.DNS_HEADER) ? describeSections(reading, isMdns) : dns.DNS_HEADER
  return reading.done(
    isMdns ? 'Multicast Domain Name System' : 'Domain Name System',
    isMdns ? 'RFC 6762, 18' : 'RFC 1035, 4.1',
    length,
    dnsSummary(view, at, reading.end),
  )
}

function flagsText(flags: number): string {
  const words = [
    (flags & dns.DNS_RESPONSE) !== 0 ? 'answer' : 'query',
    (flags & dns.DNS_AUTHORITATIVE) !== 0 ? 'authoritative' : '',
    (flags & dns.DNS_TRUNCATED) !== 0 ? 'truncated' : '',
    (flags & dns.DNS_RECURSION_DESIRED) !== 0 ? 'recursion desired' : '',
    (flags & dns.DNS_RESPONSE) !== 0 ? (RCODE_NAMES[flags & dns.DNS_RCODE] ?? 'error') : '',
  ]
  return words.filter(Boolean).join(', ')
}

/** Returns how long the message is, as far as it can be read. */
function describeSections(reading: Reading, isMdns: boolean): number {
  const { view, at, end } = reading
  let next = at + dns.DNS_HEADER
  let fields = 0
  for (const section of SECTIONS) {
    const isQuestion = section.count === dns.DNS_QUESTIONS
    for (let left = view.getUint16(at + section.count); left > 0; left--) {
      const behind = isQuestion ? dns.skipQuestion(view, next, end) : dns.skipRecord(view, next, end)
      if (behind === -1 || fields++ >= FIELDS_MAX) return cutShort(reading, next, behind)
      const from = next
      reading.field(section.name, from - at, behind - from, section.note, () =>
        isQuestion ? questionText(view, at, from, behind, isMdns) : recordText(view, at, from, end, isMdns),
      )
      next = behind
    }
  }
  return next - at
}

/** What stands at `next` does not fit, or is one too many to show. */
function cutShort(reading: Reading, next: number, behind: number): number {
  const { at, end } = reading
  if (behind === -1 && next < end)
    reading.field(
      'Malformed',
      next - at,
      end - next,
      'A message whose names or records do not fit is dropped and counted.',
      () => count(end - next, 'byte'),
      () => 'A name or a record does not fit in the message.',
    )
  return end - at
}

function questionText(
  view: DataView,
  message: number,
  from: number,
  behind: number,
  isMdns: boolean,
): string {
  const dnsClass = view.getUint16(behind - 2)
  const unicast = isMdns && (dnsClass & dns.TOP_BIT) !== 0 ? ', unicast will do' : ''
  return `${typeName(view.getUint16(behind - 4))} ${nameText(view, message, from, behind)}${unicast}`
}

function recordText(view: DataView, message: number, from: number, end: number, isMdns: boolean): string {
  const fields = dns.skipName(view, from, end)
  const type = view.getUint16(fields + dns.RECORD_TYPE)
  const dnsClass = view.getUint16(fields + dns.RECORD_CLASS)
  if (type === dns.TYPE_OPT) return `OPT, answers of up to ${count(dnsClass, 'byte')}`
  const flush = isMdns && (dnsClass & dns.TOP_BIT) !== 0 ? ', replaces what was known' : ''
  const data = dataText(view, message, fields, end)
  const ttl = count(view.getUint32(fields + dns.RECORD_TTL), 'second')
  return `${typeName(type)} ${nameText(view, message, from, end)} ${data}, ${ttl}${flush}`
}
