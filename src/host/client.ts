/**
 * The page's end of the bridge to the worker: commands out, replies and updates back.
 *
 * A worker may end without a word, and all of its hosts with it. Then another begins in its place, with an empty segment
 * whose frames, connections and times go on counting; whoever uses this is told, and puts the hosts back.
 */
import { relayChannel } from '../link/relay.ts'
import { type PackedUpdate, unpackUpdate } from './packed-update.ts'
import type { Beat, Begin, Command, Counted, PeerId, Replies, Reply, Request, Update } from './protocol.ts'
import { Watch } from './watch.ts'

export interface SegmentConnection {
  /** Rejects with an error whose message is one sentence: what is wrong and what would be right. */
  request<K extends Command['kind']>(
    command: Extract<Command, { kind: K }>,
    transfer?: Transferable[],
  ): Promise<Replies[K]>
  /**
   * Joins a peer's channel to the switch. Call it in the task that created the channel: then it moves into the
   * worker where the browser can do that; else this thread relays its batches.
   */
  addPeer(peer: PeerId, name: string, channel: RTCDataChannel): Promise<void>
  onUpdate(take: (update: Update) => void): void
  /** The worker has ended, with everything in it, and another has begun, with nothing in it. `why` is one sentence. */
  onRestart(take: (why: string) => void): void
  /** The worker could not be loaded, or ends each time; `why` is one sentence. All requests reject with it. */
  onFailure(take: (why: string) => void): void
}

type FromWorker = PackedUpdate | Reply | Beat | { readonly kind: 'ready' }

interface Waiting {
  resolve(value: Replies[Command['kind']]): void
  reject(why: Error): void
}

/** The requests that have no reply yet, by their ids. */
class WaitingRequests extends Map<number, Waiting> {
  answer(reply: Reply): void {
    const asked = this.get(reply.id)
    this.delete(reply.id)
    if (reply.ok) asked?.resolve(reply.value)
    else asked?.reject(new Error(reply.message))
  }

  rejectAll(why: string): void {
    for (const { reject } of this.values()) reject(new Error(why))
    this.clear()
  }
}

const ENDED = 'The worker that ran the hosts has ended.'
/** A page on which workers end more often than this would only begin again and again. */
const RESTARTS_AT_MOST = 3

/** Starts a worker with an empty segment. `stacks`: the folder of the built stacks, a URL that ends with a slash. */
export function connectSegment(stacks: string): SegmentConnection {
  const waiting = new WaitingRequests()
  const updateTakers: ((update: Update) => void)[] = []
  const restartTakers: ((why: string) => void)[] = []
  const failureTakers: ((why: string) => void)[] = []
  let requests = 0
  /** Of a worker that has begun. */
  let watch: Watch | undefined
  let failure: string | undefined
  let counted: Counted | undefined
  let restarts = 0

  const fail = (why: string) => {
    if (failure !== undefined) return
    failure = why
    stop()
    waiting.rejectAll(why)
    for (const take of failureTakers) take(why)
  }

  const take = (data: FromWorker) => {
    if (data.kind === 'ready')
      watch = new Watch(() => worker.postMessage({ kind: 'beat' } satisfies Beat), restart)
    else if (data.kind === 'reply') waiting.answer(data)
    else if (data.kind === 'update') {
      const update = unpackUpdate(data)
      ;({ counted } = update)
      for (const each of updateTakers) each(update)
    }
  }

  const begin = (): Worker => {
    const begun = beginWorker({ stacks, after: counted })
    begun.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      watch?.heard()
      take(data)
    }
    begun.onerror = event => {
      event.preventDefault()
      // A worker that runs on after an error in one task is not lost; one that never began is.
      if (watch !== undefined) console.error('The segment’s worker reports:', event.message)
      else fail('The worker that runs the hosts could not be loaded; reload the page.')
    }
    begun.onmessageerror = () => fail('A message of the worker could not be read; reload the page.')
    return begun
  }

  const stop = () => {
    worker.terminate()
    watch?.end()
    watch = undefined
  }

  const restart = () => {
    if (restarts === RESTARTS_AT_MOST)
      return fail(`${ENDED} It has done so ${RESTARTS_AT_MOST + 1} times; reload the page.`)
    restarts++
    stop()
    waiting.rejectAll(ENDED)
    worker = begin()
    for (const each of restartTakers) each(ENDED)
  }

  const request: SegmentConnection['request'] = (command, transfer = []) =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(new Error(failure))
      const id = ++requests
      // Throws at once, before anything waits, when something cannot be cloned or transferred.
      worker.postMessage({ id, command } satisfies Request, transfer)
      waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
    })

  const addPeer = async (peer: PeerId, name: string, channel: RTCDataChannel): Promise<void> => {
    if (failure !== undefined) throw new Error(failure)
    if (isTransferable(channel, worker, ++requests, { kind: 'add-peer', peer, name, channel })) {
      await new Promise((resolve, reject) => waiting.set(requests, { resolve, reject }))
      return
    }
    const { port1, port2 } = new MessageChannel()
    relayChannel(channel, port1)
    await request({ kind: 'add-peer-relay', peer, name, relay: port2 }, [port2])
  }

  let worker = begin()

  return {
    request,
    addPeer,
    onUpdate: taker => updateTakers.push(taker),
    onRestart: taker => restartTakers.push(taker),
    onFailure: taker => (failure === undefined ? failureTakers.push(taker) : taker(failure)),
  }
}

function beginWorker(how: Begin): Worker {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    type: 'module',
    name: 'lanlet segment',
  })
  worker.postMessage(how)
  return worker
}

/** Tries to send the command with its channel; false where this browser, or this moment, does not allow it. */
function isTransferable(channel: RTCDataChannel, worker: Worker, id: number, command: Command): boolean {
  try {
    worker.postMessage({ id, command } satisfies Request, [channel as unknown as Transferable])
    return true
  } catch (error) {
    if (error instanceof DOMException || error instanceof TypeError) return false
    throw error
  }
}
