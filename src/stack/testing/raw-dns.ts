/** DNS messages written and read the plain way, without the stack's own code: a second opinion in tests. */
import { u16, u32 } from './raw.ts'

export interface DnsRecord {
  readonly name: string
  readonly type: number
  readonly class?: number
  readonly ttl?: number
  /** Bytes, or a name. */
  readonly data: number[] | string
}
export interface DnsQuestion {
  readonly name: string
  readonly type: number
  readonly class?: number
}
export interface DnsMessage {
  readonly id?: number
  readonly flags?: number
  readonly questions?: readonly DnsQuestion[]
  readonly answers?: readonly DnsRecord[]
  readonly authorities?: readonly DnsRecord[]
  readonly additionals?: readonly DnsRecord[]
}

/** The whole name, no pointers. */
export const flatName = (name: string): number[] => [
  ...name
    .split('.')
    .filter(Boolean)
    .flatMap(label => [label.length, ...[...label].map(c => c.charCodeAt(0))]),
  0,
]

/** A message; `compress` names whose whole text stands earlier become pointers. */
export function dnsBytes(message: DnsMessage, compress = false): number[] {
  const { questions = [], answers = [], authorities = [], additionals = [] } = message
  const out = [
    ...u16(message.id ?? 0),
    ...u16(message.flags ?? 0),
    ...[questions, answers, authorities, additionals].flatMap(section => u16(section.length)),
  ]
  const known = new Map<string, number>()
  const putName = (name: string): void => {
    const labels = name.split('.').filter(Boolean)
    for (let i = 0; i < labels.length; i++) {
      const rest = labels.slice(i).join('.')
      const before = known.get(rest)
      if (compress && before !== undefined) {
        out.push(...u16(0xc000 | before))
        return
      }
      known.set(rest, out.length)
      const label = labels[i] ?? ''
      out.push(label.length, ...[...label].map(c => c.charCodeAt(0)))
    }
    out.push(0)
  }
  for (const question of questions) {
    putName(question.name)
    out.push(...u16(question.type), ...u16(question.class ?? 1))
  }
  for (const record of [...answers, ...authorities, ...additionals]) {
    putName(record.name)
    out.push(...u16(record.type), ...u16(record.class ?? 1), ...u32(record.ttl ?? 300), 0, 0)
    const from = out.length
    if (typeof record.data === 'string') putName(record.data)
    else out.push(...record.data)
    out.splice(from - 2, 2, ...u16(out.length - from))
  }
  return out
}

export interface ReadRecord {
  readonly name: string
  readonly type: number
  readonly class: number
  readonly ttl: number
  /** The raw bytes, or for PTR and CNAME the name. */
  readonly data: number[] | string
}

/** Throws when the message is malformed. */
export function readDns(bytes: ArrayLike<number>): Required<
  Omit<DnsMessage, 'answers' | 'authorities' | 'additionals'>
> & {
  answers: ReadRecord[]
  authorities: ReadRecord[]
  additionals: ReadRecord[]
} {
  let at = 12
  const byte = (i: number): number => {
    const value = bytes[i]
    if (value === undefined) throw new Error('beyond the end')
    return value
  }
  const word = (i: number): number => byte(i) * 256 + byte(i + 1)
  const nameFrom = (from: number): [name: string, behind: number] => {
    const labels: string[] = []
    let i = from
    let behind = -1
    for (let turns = 0; turns < 200; turns++) {
      const length = byte(i)
      if (length >= 0xc0) {
        if (behind === -1) behind = i + 2
        i = word(i) & 0x3fff
        continue
      }
      if (length > 63) throw new Error('a label of another kind')
      if (length === 0) return [labels.join('.'), behind === -1 ? i + 1 : behind]
      labels.push(Array.from({ length }, (_, n) => String.fromCharCode(byte(i + 1 + n))).join(''))
      i += 1 + length
    }
    throw new Error('a loop')
  }
  const takeName = (): string => {
    const [name, behind] = nameFrom(at)
    at = behind
    return name
  }
  const questions = Array.from({ length: word(4) }, () => {
    const name = takeName()
    at += 4
    return { name, type: word(at - 4), class: word(at - 2) }
  })
  const records = (count: number): ReadRecord[] =>
    Array.from({ length: count }, () => {
      const name = takeName()
      const [type, dnsClass, ttl, length] = [
        word(at),
        word(at + 2),
        word(at + 4) * 65536 + word(at + 6),
        word(at + 8),
      ]
      const from = at + 10
      at = from + length
      const data =
        type === 12 || type === 5 ? nameFrom(from)[0] : Array.from({ length }, (_, i) => byte(from + i))
      return { name, type, class: dnsClass, ttl, data }
    })
  return {
    id: word(0),
    flags: word(2),
    questions,
    answers: records(word(6)),
    authorities: records(word(8)),
    additionals: records(word(10)),
  }
}
