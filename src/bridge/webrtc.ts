/**
 * WebRTC in Node: werift, which is JavaScript alone, in the shape of a browser's where the two differ.
 *
 * A frame channel hands over what arrives as Buffers, has no `onbufferedamountlow`, and takes `maxRetransmits: 0` for 'as
 * often as it takes': a page's wire may lose frames, and then so may ours.
 */
import { networkInterfaces } from 'node:os'
import {
  RTCIceCandidate,
  RTCSessionDescription,
  type RTCDataChannel as WeriftChannel,
  RTCPeerConnection as WeriftConnection,
} from 'werift'
import type { FrameChannel } from '../link/channel-port.ts'
import type { WebRtc } from '../room/negotiation.ts'

/** Less than one retransmission, and yet not werift's 0. */
const NEVER_AGAIN = 0.5

/** `device`: the TAP device, whose addresses are no way to anybody. */
export const nodeWebRtc = (device: string): WebRtc => {
  class Connection extends WeriftConnection {
    constructor({ iceServers }: RTCConfiguration) {
      super({ iceServers: (iceServers ?? []) as never, iceInterfaceAddresses: addressesExcept(device) })
    }
    // By the number of its arguments simple-peer tells what promises its answer from what calls back.
    override getStats() {
      return super.getStats()
    }
    override async createOffer(): Promise<RTCSessionDescription> {
      return rewritable(await super.createOffer())
    }
    override async createAnswer(): Promise<RTCSessionDescription> {
      return rewritable(await super.createAnswer())
    }
  }
  // The few members that simple-peer and negotiation.ts use are alike.
  return {
    RTCPeerConnection: Connection,
    RTCSessionDescription: Description,
    RTCIceCandidate,
  } as unknown as WebRtc
}

class Description extends RTCSessionDescription {
  constructor({ sdp, type }: RTCSessionDescriptionInit) {
    super(sdp ?? '', type as 'offer' | 'answer')
  }
}

/** simple-peer edits a description's text before it is set; werift's cannot be written. */
const rewritable = (description: RTCSessionDescription): RTCSessionDescription =>
  Object.defineProperty(description, 'sdp', { value: description.sdp, writable: true })

/** Our addresses but those of one device. werift looks at the values alone. */
function addressesExcept(device: string): Record<string, string> {
  const others = Object.entries(networkInterfaces()).filter(([name]) => name !== device)
  return Object.fromEntries(others.flatMap(([, all]) => all ?? []).map(({ address }, i) => [`${i}`, address]))
}

/** A frame channel as a channel port takes it. */
export class NodeChannel implements FrameChannel {
  readonly #channel: WeriftChannel
  binaryType: BinaryType = 'arraybuffer'
  onopen: ((event: Event) => void) | null = null
  onclose: ((event: Event) => void) | null = null
  onbufferedamountlow: ((event: Event) => void) | null = null
  onmessage: ((event: MessageEvent) => void) | null = null

  /** `given`: a channel of a connection of `nodeWebRtc`. */
  constructor(given: RTCDataChannel) {
    const channel = given as unknown as WeriftChannel
    this.#channel = channel
    if (channel.maxRetransmits === 0) Object.defineProperty(channel, 'maxRetransmits', { value: NEVER_AGAIN })
    channel.onopen = () => this.onopen?.(new Event('open'))
    channel.onclose = () => this.onclose?.(new Event('close'))
    channel.bufferedAmountLow.subscribe(() => this.onbufferedamountlow?.(new Event('bufferedamountlow')))
    channel.onmessage = ({ data }) => {
      const bytes = typeof data === 'string' ? data : Uint8Array.from(data).buffer
      this.onmessage?.(new MessageEvent('message', { data: bytes }))
    }
  }

  get readyState(): RTCDataChannelState {
    return this.#channel.readyState
  }
  get bufferedAmount(): number {
    return this.#channel.bufferedAmount
  }
  get bufferedAmountLowThreshold(): number {
    return this.#channel.bufferedAmountLowThreshold
  }
  set bufferedAmountLowThreshold(bytes: number) {
    this.#channel.bufferedAmountLowThreshold = bytes
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    this.#channel.send(Buffer.from(data))
  }

  close(): void {
    this.#channel.close()
  }
}
