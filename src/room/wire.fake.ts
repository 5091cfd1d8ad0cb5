/**
 * In the place of WebRTC, which Node has not: two pages of one process, joined when an offer has been answered. All before
 * that, and all that is said about it, is real.
 */
import type { Negotiate, Negotiation, NegotiationEvents } from './negotiation.ts'

interface End {
  readonly events: NegotiationEvents
  other: End | undefined
  open: boolean
}

export class FakeWire {
  readonly #offers = new Map<string, End>()
  /** Every connection that was begun, by either side. */
  begun = 0
  /** True: the wire is cut without a word; nothing arrives any more. */
  dead = false
  /** False: offers are made and never answered. */
  answers = true

  readonly negotiate: Negotiate = (initiator, _iceServers, events) => {
    const end: End = { events, other: undefined, open: false }
    const token = String(this.begun++)
    if (initiator) {
      this.#offers.set(token, end)
      queueMicrotask(() => events.onSignal({ type: 'offer', sdp: token }))
    }
    return {
      signal: signal => {
        if (signal.type === 'offer' && this.answers) this.#answer(end, signal.sdp)
        else if (signal.type === 'answer') this.#open(end)
      },
      send: text => this.#send(end, text),
      path: async () => 'direct',
      close: () => this.#close(end),
    } satisfies Negotiation
  }

  #answer(end: End, token: string): void {
    const offerer = this.#offers.get(token)
    if (offerer === undefined) return
    end.other = offerer
    offerer.other = end
    end.events.onSignal({ type: 'answer', sdp: token })
  }

  #open(offerer: End): void {
    for (const end of [offerer, offerer.other]) {
      if (end === undefined) continue
      end.open = true
      end.events.onWay()
      end.events.onConnect({ label: 'frames' } as RTCDataChannel)
    }
  }

  #send(end: End, text: string): boolean {
    if (!end.open) return false
    const { other } = end
    setImmediate(() => {
      if (!this.dead && other?.open) other.events.onControl(text)
    })
    return true
  }

  #close(end: End): void {
    if (!end.open) return
    end.open = false
    const { other } = end
    if (!this.dead) setImmediate(() => this.#ended(other))
  }

  #ended(end: End | undefined): void {
    if (!end?.open) return
    end.open = false
    end.events.onEnd('its page closed the connection or vanished')
  }
}
