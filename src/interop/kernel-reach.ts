/** Who asks the kernel’s tools whether we are there: arping, ping, traceroute. */
import { type Check, expectRun, failed } from './check.ts'
import { type Ends, IPV6, OURS, OURS6 } from './kernel-ends.ts'
import { DEVICE, type Namespace } from './namespace.ts'

const pings = (linux: Namespace, size: number, to: string, over: string): Check => ({
  name: `${over}ping of ${size.toLocaleString('en')} bytes is answered`,
  needs: ['ping'],
  run: () =>
    expectRun(linux, 'ping', ['-c', '3', '-i', '0.2', '-W', '2', '-s', String(size), to], / 0% packet loss/),
})

const flood = (linux: Namespace, to: string, over: string): Check => ({
  name: `${over}a flood of 5,000 pings is answered whole`,
  needs: ['ping'],
  run: () => expectRun(linux, 'ping', ['-f', '-q', '-c', '5000', to], / 0% packet loss/),
})

const traces = (linux: Namespace, to: string, over: string): Check => ({
  name: `${over}traceroute ends at us`,
  needs: ['traceroute'],
  run: () =>
    expectRun(linux, 'traceroute', ['-n', '-w', '1', '-q', '1', to], new RegExp(`1 +${to} +[0-9.]+ ms`)),
})

export const reachability = ({ linux }: Ends): readonly Check[] => [
  {
    name: 'arping finds our MAC',
    needs: ['arping'],
    run: () => expectRun(linux, 'arping', ['-c', '1', '-I', DEVICE, OURS], /02:77:00:00:00:02/i),
  },
  ...[0, 56, 1472, 1473, 20_000, 65_507].map(size => pings(linux, size, OURS, '')),
  flood(linux, OURS, ''),
  traces(linux, OURS, ''),
  {
    name: 'a port on which nobody listens refuses at once',
    needs: ['curl'],
    run: async () => {
      const outcome = await linux.run('curl', ['-s', '-S', '--max-time', '5', `http://${OURS}:81/`])
      return outcome.status === 7 ? undefined : failed('curl', outcome)
    },
  },
]

export const reachability6 = ({ linux }: Ends): readonly Check[] => [
  ...[56, 1452, 1453, 20_000, 65_507].map(size => pings(linux, size, OURS6, IPV6)),
  flood(linux, OURS6, IPV6),
  traces(linux, OURS6, IPV6),
  {
    name: 'the kernel knows our MAC by neighbour discovery',
    needs: [],
    run: () =>
      expectRun(
        linux,
        'ip',
        ['-6', 'neigh', 'show', OURS6],
        /lladdr 02:77:00:00:00:02 .*(REACHABLE|STALE|DELAY)/,
      ),
  },
]
