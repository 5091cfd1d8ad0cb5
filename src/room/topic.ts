/**
 * Where a room's messages travel: one topic that all its members hear, and one that each session alone hears.
 * Both are made from the invitation's key (see sealing.ts), so that a broker learns neither the room's name nor its key.
 */
import type { PeerId } from './room.ts'

/** The one form a topic of lanlet has; the embedded broker carries no other. */
export const TOPIC = /^lanlet\/[0-9a-f]{32}(\/[0-9a-f]{32})?$/

/** The largest message on a topic, in bytes: an SDP of a few kB, sealed, with room to spare. */
export const MAX_MESSAGE = 16 * 1024

export const roomTopic = (hex: string): string => `lanlet/${hex}`

/** The topic that `session` alone listens to. */
export const sessionTopic = (room: string, session: PeerId): string => `${room}/${session}`
