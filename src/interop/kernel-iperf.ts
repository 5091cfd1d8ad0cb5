/** iperf3 on the kernel’s stack and our iperf measure each other, and must have counted the same. */
import { type Check, pause, type Verdict } from './check.ts'
import { type IperfTest, iperf } from './iperf.ts'
import { type Ends, KERNEL, OURS, OURS6 } from './kernel-ends.ts'

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
async function iperf3MeasuresUs({ place, linux }: Ends, to: string, unit: string, args: readonly string[]) {
  const { out, err } = await linux.run(
    'iperf3',
    ['-c', to, '-t', String(place.seconds), '--json', ...args],
    30,
  )
  const { error, end } = JSON.parse(out || '{}') as Iperf3Report
  if (end?.sum_received === undefined || error !== undefined) return `iperf3: ${error ?? err}`
  const up = !args.includes('-R')
  place.measured(`iperf${up ? 'Up' : 'Down'}${unit}`, end.sum_received.bits_per_second / 8e6)
  return agree(end.sum_sent.bytes, end.sum_received.bytes, 4)
}

/** Our iperf measures an iperf3 server there. */
async function weMeasure({ host, linux }: Ends, test: IperfTest): Promise<Verdict> {
  const server = linux.start('iperf3', ['-s', '-1', '-B', KERNEL, '--forceflush'])
  try {
    await new Promise(resolve => server.stdout?.once('data', resolve))
    await pause(200)
    const { sent, received } = await iperf(host.sockets, KERNEL, test)
    return agree(sent, received, test.streams)
  } finally {
    server.kill()
  }
}

export const measuredByIperf = (ends: Ends): readonly Check[] => {
  const measures = (name: string, to: string, unit: string, args: readonly string[]): Check => ({
    name,
    needs: ['iperf3'],
    run: () => iperf3MeasuresUs(ends, to, unit, args),
  })
  const we = (name: string, test: IperfTest): Check => ({
    name,
    needs: ['iperf3'],
    run: () => weMeasure(ends, test),
  })
  return [
    measures('iperf3 sends to our iperf', OURS, 'MBs', []),
    measures('iperf3 receives from our iperf', OURS, 'MBs', ['-R']),
    measures('iperf3 sends by four streams at once', OURS, '4MBs', ['-P', '4']),
    measures('over IPv6, iperf3 sends to our iperf', OURS6, 'MBs6', []),
    measures('over IPv6, iperf3 receives from our iperf', OURS6, 'MBs6', ['-R']),
    we('our iperf sends to iperf3', { seconds: ends.place.seconds, streams: 1, reverse: false }),
    we('our iperf receives from iperf3 by two streams', {
      seconds: ends.place.seconds,
      streams: 2,
      reverse: true,
    }),
  ]
}
