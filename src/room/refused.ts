/** What came and was refused, counted by reason: rubbish costs a counter and nothing else. */

export const REFUSALS = {
  oversize: 'longer than a message may be',
  malformed: 'no sealed message of this version',
  'not-authentic': 'sealed with another key or for another topic, or altered',
  'ill-formed': 'sealed with the key, but no message',
  replayed: 'heard before',
  misdirected: 'meant for another session',
  unexpected: 'out of turn: a signal without a welcome',
  'too-many': 'beyond what a room holds or answers',
  control: 'no control message, on the channel of a peer',
} as const

export type Refusal = keyof typeof REFUSALS
export type Refused = Readonly<Record<Refusal, number>>

export class RefusedCounters {
  readonly counts: Record<Refusal, number> = {
    oversize: 0,
    malformed: 0,
    'not-authentic': 0,
    'ill-formed': 0,
    replayed: 0,
    misdirected: 0,
    unexpected: 0,
    'too-many': 0,
    control: 0,
  }

  count(reason: Refusal): void {
    this.counts[reason]++
  }
}
