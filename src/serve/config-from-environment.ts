/**
 * What the environment says of the page's surroundings, checked before the page is served:
 * BROKER_URL, a broker in the place of the embedded one; ICE_SERVERS, a JSON array of RTCIceServer.
 */
import { parseRoomConfig, type RoomConfig } from '../room/config.ts'

/** Throws one sentence when a variable is wrong. */
export function configFromEnvironment(environment: NodeJS.ProcessEnv): RoomConfig {
  const { BROKER_URL: brokerUrl, ICE_SERVERS: servers } = environment
  let iceServers: unknown = []
  try {
    if (servers) iceServers = JSON.parse(servers)
  } catch {
    throw new Error(`ICE_SERVERS is no JSON: give an array such as [{"urls":"stun:stun.example.org"}].`)
  }
  const parsed = parseRoomConfig({ ...(brokerUrl ? { brokerUrl } : {}), iceServers })
  if (parsed.kind === 'wrong') throw new Error(`BROKER_URL or ICE_SERVERS is wrong: ${parsed.why}`)
  return parsed.config
}
