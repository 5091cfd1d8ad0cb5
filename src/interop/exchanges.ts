/** What is exchanged with the kernel's TCP, over either family, on a good wire and on a bad one. */
import { pause, type Verdict } from './check.ts'
import { type IperfTest, iperf } from './iperf.ts'
import type { Ends, Over } from './kernel-ends.ts'
import {
  download,
  type Moved,
  netcatHalfCloses,
  netcatIsHalfClosed,
  parallelDownloads,
  upload,
  weSayAndHear,
} from './transfers.ts'

export interface Exchange {
  readonly name: string
  readonly needs: readonly string[]
  /** What its rate is called among the figures. */
  readonly figure?: string
  /** Who sends most of it: they have to find out what was lost on a bad wire. */
  readonly sender?: 'we' | 'they'
  run(ends: Ends, over: Over): Promise<Moved>
}

export const EXCHANGES: readonly Exchange[] = [
  {
    name: 'curl downloads from us, hashes equal',
    needs: ['curl'],
    figure: 'curlDown',
    sender: 'we',
    run: ({ place, linux }, { url }) => download(linux, url, place.megabytes * 1_000_000),
  },
  {
    name: 'curl uploads to us, hashes equal',
    needs: ['curl'],
    figure: 'curlUp',
    sender: 'they',
    run: ({ place, linux }, { url }) => upload(linux, url, place.megabytes * 1_000_000),
  },
  {
    name: 'we send as much to a server there, half-close, and hear as much from it, hashes equal',
    needs: [],
    figure: 'weConnect',
    sender: 'we',
    run: ({ place, host, linux }, { theirs }) =>
      weSayAndHear(host, linux, theirs, place.megabytes * 1_000_000),
  },
  {
    name: '50 connections at once are all served',
    needs: ['curl'],
    run: ({ place, linux }, { url }) =>
      alone(parallelDownloads(linux, url, 50, Math.max(20_000, place.megabytes * 2_000))),
  },
  {
    name: 'nc half-closes, and gets the answer all the same',
    needs: ['nc'],
    run: ({ host, linux }, { ours }) => alone(netcatHalfCloses(host, linux, ours)),
  },
  {
    name: 'nc has half-closed, and hears all that we say after that',
    needs: ['nc'],
    run: ({ host, linux }, { theirs }) => alone(netcatIsHalfClosed(host, linux, theirs)),
  },
  iperf3Measures('iperf3 sends to our iperf', 'iperfUp', 'they', []),
  iperf3Measures('iperf3 receives from our iperf', 'iperfDown', 'we', ['-R']),
  iperf3Measures('iperf3 sends by four streams at once', 'iperfUp4', 'they', ['-P', '4']),
  weMeasure('our iperf sends to iperf3', 'ourIperfUp', 'we', { streams: 1, reverse: false }),
  weMeasure('our iperf receives from iperf3 by two streams', 'ourIperfDown2', 'they', {
    streams: 2,
    reverse: true,
  }),
]

/** Where nobody asks how fast it was. */
const alone = async (verdict: Promise<Verdict>): Promise<Moved> => ({ wrong: await verdict, rate: 0 })

// ---- iperf3 and our iperf measure each other, and must have counted the same --------------------------------------

/** What iperf3 prints with --json, the part that counts. */
interface Iperf3Report {
  readonly error?: string
  readonly end?: {
    readonly sum_sent: { readonly bytes: number }
    readonly sum_received: { readonly bytes: number; readonly bits_per_second: number }
  }
}

/** What is on its way, and in the buffers of a stream's two ends, when the clock strikes, at most. */
const UNDER_WAY = 16 * 1024 * 1024

const agree = (sent: number, received: number, streams: number): Verdict =>
  received > 0 && received <= sent && sent - received <= streams * UNDER_WAY
    ? undefined
    : `${sent} bytes were sent and ${received} received`

/** iperf3 on the kernel's stack measures us. */
function iperf3Measures(
  name: string,
  figure: string,
  sender: 'we' | 'they',
  args: readonly string[],
): Exchange {
  const run = async ({ place, linux }: Ends, { ours }: Over): Promise<Moved> => {
    const seconds = ['-t', String(place.seconds)]
    const { out, err } = await linux.run('iperf3', ['-c', ours, ...seconds, '--json', ...args], 30)
    const { error, end } = JSON.parse(out || '{}') as Iperf3Report
    if (end?.sum_received === undefined || error !== undefined)
      return { wrong: `iperf3: ${error ?? err}`, rate: 0 }
    const wrong = agree(end.sum_sent.bytes, end.sum_received.bytes, 4)
    return { wrong, rate: end.sum_received.bits_per_second / 8e6 }
  }
  return { name, needs: ['iperf3'], figure, sender, run }
}

/** Our iperf measures an iperf3 server there. */
function weMeasure(
  name: string,
  figure: string,
  sender: 'we' | 'they',
  test: Omit<IperfTest, 'seconds'>,
): Exchange {
  const run = async ({ place, host, linux }: Ends, { theirs }: Over): Promise<Moved> => {
    const server = linux.start('iperf3', ['-s', '-1', '-B', theirs, '--forceflush'])
    try {
      await new Promise(resolve => server.stdout?.once('data', resolve))
      await pause(200)
      const { seconds } = place
      const { sent, received } = await iperf(host.sockets, theirs, { ...test, seconds })
      return { wrong: agree(sent, received, test.streams), rate: received / seconds / 1e6 }
    } finally {
      server.kill()
    }
  }
  return { name, needs: ['iperf3'], figure, sender, run }
}
