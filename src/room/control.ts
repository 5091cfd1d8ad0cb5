/** What two connected pages say on their control channel: pings of ours, and whatever the page tells. */
import { isObject, parseJson } from './message.ts'

/** The longest control message, in characters. */
export const MAX_CONTROL = 64 * 1024

export type Control = { readonly ping: number } | { readonly pong: number } | { readonly told: unknown }

export const encodeControl = (control: Control): string => JSON.stringify(control)

/** Undefined when it is none. */
export function parseControl(text: string): Control | undefined {
  const value = text.length <= MAX_CONTROL ? parseJson(text) : undefined
  if (!isObject(value) || Object.keys(value).length !== 1) return undefined
  const { ping, pong } = value
  if (Number.isSafeInteger(ping)) return { ping: ping as number }
  if (Number.isSafeInteger(pong)) return { pong: pong as number }
  return 'told' in value ? { told: value['told'] } : undefined
}
