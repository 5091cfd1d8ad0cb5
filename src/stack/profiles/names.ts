/**
 * The words beside the numbers: what a program that uses a profile writes (`Event.Readable`, `EAGAIN`) and what it
 * tells people (`errnoSentence`). Apart from the profiles, because a host can do without.
 */
export { Drop } from '../drop.ts'
export { dropSentence } from '../drop-names.ts'
export * from '../errno.ts'
export { errnoName, errnoSentence } from '../errno-names.ts'
export { Event, NameType, Option, Protocol } from '../stack.ts'
