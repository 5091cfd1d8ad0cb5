/**
 * Negotiation: one WebRTC connection to one other page, by simple-peer.
 *
 * simple-peer's own channel, reliable and ordered, stays for control. Frames get a channel beside it, unordered and
 * without retransmission (a wire may lose frames). It is handed out in the task that creates it, or in which it arrives: only
 * in that task may it be transferred to a worker.
 *
 *   page that offers                                   page that answers
 *     connected                                          connected
 *     ◀───────────────────── FRAMES_WANTED ──────────────
 *     creates the frame channel, hands it out
 *     ─────── DATA_CHANNEL_OPEN (RFC 8832, 5.1) ────────▶ hands it out
 *
 * So neither hands out a channel whose first frames the other side would not know what to do with: what follows
 * DATA_CHANNEL_OPEN is kept in order until it is acknowledged (RFC 8832, 6).
 */
import Peer from 'simple-peer/simplepeer.min.js'
import type { Signal } from './message.ts'

const FRAMES = 'frames'
export const FRAME_CHANNEL: RTCDataChannelInit = { ordered: false, maxRetransmits: 0 }
const FRAMES_WANTED = 'frames wanted'
/** The most that may wait on the control channel, in bytes: a page that takes no answers gets none. */
const CONTROL_CEILING = 1_048_576

export type Path = 'direct' | 'relayed'

export interface Negotiation {
  /** A signal from the other page, already checked by parseMessage. */
  signal(signal: Signal): void
  /** Sends text on the control channel; false when it is not open. */
  send(text: string): boolean
  /** Which way the connection goes, read from getStats; undefined when it cannot be told. */
  path(): Promise<Path | undefined>
  /** Ends it. No event follows. */
  close(): void
}

export interface NegotiationEvents {
  onSignal(signal: Signal): void
  /** ICE has found a way; the channel is being opened. */
  onWay(): void
  /** Connected. The frame channel is transferable during this call. */
  onConnect(frames: RTCDataChannel): void
  onControl(text: string): void
  /** ICE hears nothing at the moment: it may come back. */
  onDoubt(): void
  /** It is over. `why`: one clause, such as 'it closed the connection'. */
  onEnd(why: string): void
}

/** The boundary at which tests put something else than WebRTC. */
export type Negotiate = (
  initiator: boolean,
  iceServers: readonly RTCIceServer[],
  events: NegotiationEvents,
) => Negotiation

/** Whether the browser lets a page use WebRTC at all; settings and extensions may take it away. */
export const canNegotiate = (): boolean => typeof RTCPeerConnection === 'function'

/** The three constructors that make WebRTC: a browser's own, or what stands in for them elsewhere. */
export type WebRtc = Pick<
  typeof globalThis,
  'RTCPeerConnection' | 'RTCSessionDescription' | 'RTCIceCandidate'
>

export const negotiate: Negotiate = (...connection) => negotiateBy(globalThis)(...connection)

export const negotiateBy =
  (rtc: WebRtc): Negotiate =>
  (initiator, iceServers, events) => {
    // Made here, and given to simple-peer by its `wrtc` option, to have hold of it.
    const connection = new rtc.RTCPeerConnection({ iceServers: [...iceServers] })
    const peer = new Peer({ initiator, wrtc: withConnection(rtc, connection) })
    let over = false
    const end = (why: string) => {
      if (over) return
      over = true
      events.onEnd(why)
    }
    peer.on('signal', data => {
      const signal = asSignal(data)
      if (signal !== undefined && !over) events.onSignal(signal)
    })
    let framed = false
    const frame = (channel: RTCDataChannel) => {
      framed = true
      events.onConnect(channel)
    }
    // simple-peer takes every channel that arrives for its own.
    let takenByPeer = connection.ondatachannel
    connection.ondatachannel = event => {
      if (over) return
      if (event.channel.label === FRAMES && !framed) frame(event.channel)
      else if (event.channel.label !== FRAMES && takenByPeer !== null) {
        takenByPeer.call(connection, event)
        takenByPeer = null // one, and no other in its place
      } else event.channel.close()
    }
    peer.on('connect', () => {
      if (!initiator && !over) peer.send(FRAMES_WANTED)
    })
    peer.on('data', (data: Uint8Array) => {
      if (over) return
      const text = new TextDecoder().decode(data)
      if (framed || text !== FRAMES_WANTED) events.onControl(text)
      else if (initiator) frame(connection.createDataChannel(FRAMES, FRAME_CHANNEL))
    })
    peer.on('error', error => end(reason(error)))
    peer.on('close', () => end('it closed the connection'))
    peer.on('iceStateChange', (state: RTCIceConnectionState) => {
      if (over) return
      if (state === 'connected' && !peer.connected) events.onWay()
      if (state === 'disconnected') events.onDoubt()
    })

    return {
      signal: signal => {
        if (!peer.destroyed) peer.signal(signal as Parameters<typeof peer.signal>[0])
      },
      send: text => {
        if (!peer.connected || peer.destroyed || peer.bufferSize > CONTROL_CEILING) return false
        try {
          peer.send(text)
          return true
        } catch {
          return false // the channel is closing; 'close' follows
        }
      },
      path: () => pathOf(connection),
      close: () => {
        over = true
        peer.destroy()
      },
    }
  }

/** The constructors that simple-peer asks for, the first of which yields the connection that is there. */
function withConnection({ RTCSessionDescription, RTCIceCandidate }: WebRtc, connection: RTCPeerConnection) {
  const OurConnection = function OurConnection() {
    return connection
  } as unknown as typeof RTCPeerConnection
  return { RTCPeerConnection: OurConnection, RTCSessionDescription, RTCIceCandidate }
}

/** simple-peer's other signals ask for media, of which there is none. */
function asSignal(data: Peer.SignalData): Signal | undefined {
  if (data.type === 'candidate') return { type: 'candidate', candidate: data.candidate }
  if ((data.type === 'offer' || data.type === 'answer') && 'sdp' in data && data.sdp !== undefined)
    return { type: data.type, sdp: data.sdp }
  return undefined
}

function reason(error: Error): string {
  const code = 'code' in error ? error.code : undefined
  if (code === 'ERR_ICE_CONNECTION_FAILURE' || code === 'ERR_CONNECTION_FAILURE')
    return 'no network path between the two pages carries packets'
  if (code === 'ERR_SET_REMOTE_DESCRIPTION' || code === 'ERR_ADD_ICE_CANDIDATE' || code === 'ERR_SIGNALING')
    return 'it sent an offer, answer or candidate that the browser does not take'
  if (code === 'ERR_DATA_CHANNEL') return 'its page closed the connection or vanished'
  return error.message
}

async function pathOf(connection: RTCPeerConnection): Promise<Path | undefined> {
  if (connection.connectionState === 'closed') return undefined
  const stats: Map<string, Record<string, unknown>> = new Map()
  for (const [id, record] of (await connection.getStats()) as unknown as Iterable<
    [string, Record<string, unknown>]
  >)
    stats.set(id, record)
  const all = [...stats.values()]
  const transport = all.find(({ type }) => type === 'transport')
  // Firefox names no pair in its transport, and marks the pair instead.
  const pair =
    stats.get(String(transport?.['selectedCandidatePairId'])) ??
    all.find(({ type, selected }) => type === 'candidate-pair' && selected === true)
  const ends = [pair?.['localCandidateId'], pair?.['remoteCandidateId']].map(id => stats.get(String(id)))
  if (ends.some(end => end === undefined)) return undefined
  return ends.some(end => end?.['candidateType'] === 'relay') ? 'relayed' : 'direct'
}
