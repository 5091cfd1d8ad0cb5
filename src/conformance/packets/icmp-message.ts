/** What ICMP and ICMPv6 share in notation: a message's name or its numbers, its length in parentheses, what it quotes in brackets. */
import { type Fields, lengthOf, numberOf, parseFields, type Words, wrong } from '../notation.ts'
import { formatQuote, parseQuote, type Quote } from './quote.ts'

export interface IcmpMessage {
  readonly type: number
  readonly code: number
  /** Bytes behind the header; undefined: not named. */
  readonly length: number | undefined
  /** The datagram of the other side that an error is about. */
  readonly quote: Quote | undefined
  readonly fields: Fields
}

/** How a protocol's messages are written. */
export interface IcmpNotation {
  readonly protocol: string
  /** Messages of one word or two, with their type and code. */
  readonly messages: Readonly<Record<string, readonly [type: number, code: number]>>
  readonly words: Words
  /** One that has no name, for whoever mistypes. */
  readonly example: string
}

export function parseMessage(
  { protocol, messages, words, example }: IcmpNotation,
  tokens: readonly string[],
): IcmpMessage {
  const [first = '', second = '', third = '', fourth = ''] = tokens
  const numbered = first === 'type'
  const name = [`${first} ${second}`, first].find(one => messages[one] !== undefined) ?? ''
  const named = messages[name]
  if (!numbered && named === undefined)
    return wrong(`There is no ${protocol} message '${first} ${second}'; any is written as '${example}'.`)
  if (numbered && third !== 'code') return wrong(`An ${protocol} type is followed by its code: '${example}'.`)
  const [type, code] = named ?? [numberOf(second), numberOf(fourth)]
  const rest = tokens.slice(numbered ? 4 : name.split(' ').length)
  const length = rest.find(token => token.startsWith('('))
  const quote = rest.find(token => token.startsWith('['))
  return {
    type,
    code,
    length: length === undefined ? undefined : lengthOf(length),
    quote: quote === undefined ? undefined : parseQuote(quote.slice(1, -1).trim()),
    fields: parseFields(
      rest.filter(token => token !== length && token !== quote),
      words,
    ),
  }
}

/** The message as it is written, without its fields. */
export function formatMessage(
  { messages }: IcmpNotation,
  { type, code, length, quote }: IcmpMessage,
): string {
  const name = Object.entries(messages).find(([, [t, c]]) => t === type && c === code)?.[0]
  const size = length === undefined ? '' : ` (${length})`
  const about = quote === undefined ? '' : ` [${formatQuote(quote)}]`
  return `${name ?? `type ${type} code ${code}`}${size}${about}`
}

/** IP's numbers of what can be quoted. */
export const QUOTED: Readonly<Record<Quote['protocol'], number>> = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 }
