/** Who asks the kernel’s tools whether we are there: arping, ping, traceroute. */
import { type Check, expectRun, failed } from './check.ts'
import { type Ends, IPV6, OURS, OURS6 } from './kernel-ends.ts'
import { DEVICE, type Namespace } from './namespace.ts'

/** Nobody has it. */
const FREE = '10.77.0.99'

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

/** Of each kind of question the answer is another: port unreachable, an echo reply, a SYN-ACK, a reset. */
const traces = (linux: Namespace, to: string, over: string): readonly Check[] =>
  [
    { by: 'UDP', args: [] },
    { by: 'echo requests', args: ['-I'] },
    { by: 'SYNs to an open port', args: ['-T', '-p', '80'] },
    { by: 'SYNs to a closed port', args: ['-T', '-p', '81'] },
  ].map(({ by, args }) => ({
    name: `${over}traceroute by ${by} ends at us`,
    needs: ['traceroute'],
    run: () =>
      expectRun(
        linux,
        'traceroute',
        ['-n', '-w', '1', '-q', '1', ...args, to],
        new RegExp(`\\n +1 +${to} +[0-9.]+ ms\\s*$`),
      ),
  }))

export const reachability = ({ linux }: Ends): readonly Check[] => [
  {
    name: 'arping finds our MAC',
    needs: ['arping'],
    run: () => expectRun(linux, 'arping', ['-c', '1', '-I', DEVICE, OURS], /02:77:00:00:00:02/i),
  },
  {
    name: 'arping -D finds that our address is taken, and another is not (RFC 5227)',
    needs: ['arping'],
    run: async () => {
      const taken = await linux.run('arping', ['-D', '-c', '2', '-w', '2', '-I', DEVICE, OURS])
      const free = await linux.run('arping', ['-D', '-c', '1', '-w', '1', '-I', DEVICE, FREE])
      if (taken.status !== 1 || !/02:77:00:00:00:02/i.test(taken.out)) return failed('arping -D', taken)
      return free.status === 0 ? undefined : failed('arping -D', free)
    },
  },
  ...[0, 56, 1472, 1473, 20_000, 65_507].map(size => pings(linux, size, OURS, '')),
  flood(linux, OURS, ''),
  ...traces(linux, OURS, ''),
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
  ...traces(linux, OURS6, IPV6),
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
