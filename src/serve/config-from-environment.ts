/**
 * What the environment says of the page's surroundings, checked before the page is served:
 * BROKER_URL, a broker in the place of the embedded one; ICE_SERVERS, a JSON array of RTCIceServer.
 */
import { parseRoomConfig, type RoomConfig } from '../room/config.ts'

/** Throws one sentence when a variable is wrong. */
export function configFromEnvironment({ BROKER_URL, ICE_SERVERS }: NodeJS.ProcessEnv): RoomConfig {
  let iceServers: unknown = []
  try {
    if (ICE_SERVERS) iceServers = JSON.parse(ICE_SERVERS)
  } catch {
    throw new Error(`ICE_SERVERS is no JSON: give an array such as [{"urls":"stun:stun.example.org"}].`)
  }
  const parsed = parseRoomConfig({ iceServers, ...(BROKER_URL ? { brokerUrl: BROKER_URL } : {}) })
  if (parsed.kind === 'config') return parsed.config
  const name = parsed.why.includes('brokerUrl') ? 'BROKER_URL' : 'ICE_SERVERS'
  throw new Error(`${name} cannot be used: ${parsed.why.replace(/^[^:]*: /, '')}`)
}
