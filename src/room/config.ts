/**
 * What a deployment may say of its surroundings: config.json beside the page. Absent, the broker is the one that
 * served the page and no ICE server is asked: pages on one LAN need none, and nobody outside learns of them.
 */

export interface RoomConfig {
  /** ws:// or wss://; absent: `/mqtt` on the page's own origin. */
  readonly brokerUrl?: string
  readonly iceServers: readonly RTCIceServer[]
}

export type ParsedConfig =
  | { readonly kind: 'config'; readonly config: RoomConfig }
  /** `why`: one sentence. */
  | { readonly kind: 'wrong'; readonly why: string }

/** Milliseconds in which config.json is there, or taken to be absent. */
export const ANSWER_WITHIN = 10_000

/** Reads config.json beside the page. Never throws: a config that is not there is the default. */
export async function loadRoomConfig(page: string = document.baseURI): Promise<ParsedConfig> {
  const absent: ParsedConfig = { kind: 'config', config: { iceServers: [] } }
  let text: string
  try {
    const response = await fetch(new URL('config.json', page), { signal: AbortSignal.timeout(ANSWER_WITHIN) })
    // A static server may answer with its page for whatever it does not have.
    if (!response.ok || response.headers.get('Content-Type')?.includes('html')) return absent
    text = await response.text()
  } catch {
    return absent // the server is gone or silent; the page may come from a cache
  }
  try {
    return parseRoomConfig(JSON.parse(text))
  } catch {
    return wrong('it is no JSON')
  }
}

export function parseRoomConfig(value: unknown): ParsedConfig {
  if (!isObject(value)) return wrong('it is no JSON object')
  const { brokerUrl, iceServers = [], ...rest } = value
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) return wrong(`it has a ‘${unknown}’; it may have a brokerUrl and iceServers`)
  if (brokerUrl !== undefined && !isBrokerUrl(brokerUrl))
    return wrong('brokerUrl is no ws:// or wss:// address, such as wss://broker.example.org/mqtt')
  if (!Array.isArray(iceServers) || !iceServers.every(isIceServer))
    return wrong('iceServers is no array of ICE servers, such as [{"urls":"stun:stun.example.org"}]')
  return { kind: 'config', config: { iceServers, ...(brokerUrl === undefined ? {} : { brokerUrl }) } }
}

/** The broker's address: the invitation's, else the deployment's, else `/mqtt` where the page came from. */
export function brokerUrl(invited: string | undefined, config: RoomConfig, page?: string): string {
  const chosen = invited ?? config.brokerUrl
  if (chosen !== undefined) return chosen
  const url = new URL('/mqtt', page ?? location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return url.href
}

export function isBrokerUrl(value: unknown): value is string {
  return typeof value === 'string' && /^wss?:$/.test(URL.canParse(value) ? new URL(value).protocol : '')
}

function isIceServer(value: unknown): value is RTCIceServer {
  if (!isObject(value)) return false
  const { urls, username, credential } = value
  const isUrl = (url: unknown) => typeof url === 'string' && /^(stuns?|turns?):./.test(url)
  return (
    (Array.isArray(urls) ? urls.length > 0 && urls.every(isUrl) : isUrl(urls)) &&
    [username, credential].every(text => text === undefined || typeof text === 'string')
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const wrong = (what: string): ParsedConfig => ({ kind: 'wrong', why: `config.json cannot be used: ${what}.` })
