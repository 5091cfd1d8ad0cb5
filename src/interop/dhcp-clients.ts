/** Two DHCP clients of Linux, and our DHCP server: they borrow, prolong, come again and give back. */
import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { type Check, failed, type Verdict, within } from './check.ts'
import type { Ends } from './kernel-ends.ts'
import { DEVICE } from './namespace.ts'

/** Seconds: the shortest that our server lends for. */
export const LEASE = 60
/** It has one address to lend, so who gets it shows who has it. */
export const LENT = '10.77.0.100'

export const dhcpClients = (ends: Ends): readonly Check[] => [
  {
    name: 'udhcpc borrows an address, prolongs the lease, and gives it back to be lent again',
    needs: ['udhcpc'],
    run: () => udhcpcLivesOn(ends),
  },
  {
    name: 'dhclient borrows one, has the same when it comes again, and gives it back',
    needs: ['dhclient', 'udhcpc'],
    run: () => dhclientComesAgain(ends),
  },
  {
    name: 'dhclient prolongs its lease by itself after half of it',
    needs: ['dhclient'],
    long: true,
    run: () => dhclientProlongs(ends),
  },
]

/** What a program that goes on says. */
class Said {
  text = ''
  readonly program: ChildProcess

  constructor(program: ChildProcess) {
    this.program = program
    for (const stream of [program.stdout, program.stderr])
      stream?.on('data', chunk => {
        this.text += String(chunk)
      })
  }

  /** Where it does not say so in time: what it said. */
  async says(words: RegExp, seconds = 10): Promise<Verdict> {
    const said = await within(seconds, () => words.test(this.text))
    return said ? undefined : `it says: ${this.text.trim().replaceAll('\n', ' | ').slice(-400)}`
  }

  end(): void {
    this.program.kill()
  }
}

/** What udhcpc calls to have its address on the device: it renews and releases from there. Each takes away what it has put there itself. */
const SCRIPT = `#!/bin/sh
case $1 in
  bound | renew) ip address replace $ip/24 dev $interface; touch $0.$PPID ;;
  deconfig) if [ -e $0.$PPID ]; then ip address delete ${LENT}/24 dev $interface; fi ;;
esac
`

/** It goes on until it is ended: its id is its MAC, or `id`. */
class Udhcpc extends Said {
  constructor({ place, linux }: Ends, id: readonly string[] = []) {
    const script = place.path('udhcpc.script')
    writeFileSync(script, SCRIPT, { mode: 0o755 })
    // `ip netns exec` becomes the program: signals reach it.
    super(linux.start('udhcpc', ['-i', DEVICE, '-f', '-t', '5', '-T', '2', '-s', script, ...id]))
  }

  obtains(seconds?: number): Promise<Verdict> {
    return this.says(new RegExp(`lease of ${LENT} obtained`), seconds)
  }

  renews(): Promise<Verdict> {
    this.program.kill('SIGUSR1')
    return this.says(/renew[\s\S]*lease of \S+ obtained/)
  }

  releases(): Promise<Verdict> {
    this.program.kill('SIGUSR2')
    return this.says(/sending release[\s\S]*entering released state/)
  }
}

async function udhcpcLivesOn(ends: Ends): Promise<Verdict> {
  const client = new Udhcpc(ends)
  try {
    const wrong = (await client.obtains()) ?? (await client.renews())
    if (wrong !== undefined) return wrong
    if (await isFree(ends, 3)) return `${LENT} was lent twice`
    return (await client.releases()) ?? (await isLentAgain(ends))
  } finally {
    client.end()
  }
}

/** Whether another client gets it within so many seconds; it gives it back at once. */
async function isFree(ends: Ends, seconds: number): Promise<boolean> {
  const another = new Udhcpc(ends, ['-C', '-x', '0x3d:0001020304'])
  try {
    return (await another.obtains(seconds)) === undefined && (await another.releases()) === undefined
  } finally {
    another.end()
  }
}

const isLentAgain = async (ends: Ends): Promise<Verdict> =>
  (await isFree(ends, 10)) ? undefined : `${LENT} was given back, and is not lent again`

const dhclientFiles = ({ place }: Ends, name: string): readonly string[] => [
  ...['-sf', '/bin/true', '-lf', place.path(`${name}.leases`), '-pf', place.path(`${name}.pid`)],
]

async function dhclientComesAgain(ends: Ends): Promise<Verdict> {
  const { linux } = ends
  const files = dhclientFiles(ends, 'dhclient')
  const bound = await linux.run('dhclient', ['-1', '-v', ...files, DEVICE], 30)
  if (!bound.err.includes(`bound to ${LENT}`)) return failed('dhclient', bound)
  await linux.run('dhclient', ['-x', ...files, DEVICE], 30)
  // It remembers its lease and asks for that address at once (RFC 2131, 3.2).
  const again = await linux.run('dhclient', ['-1', '-v', ...files, DEVICE], 30)
  if (/DHCPDISCOVER/.test(again.err) || !again.err.includes(`bound to ${LENT}`))
    return failed('dhclient, again', again)
  const released = await linux.run('dhclient', ['-r', '-v', ...files, DEVICE], 30)
  if (!released.err.includes(`DHCPRELEASE of ${LENT}`)) return failed('dhclient -r', released)
  return isLentAgain(ends)
}

async function dhclientProlongs(ends: Ends): Promise<Verdict> {
  const said = new Said(ends.linux.start('dhclient', ['-d', '-v', ...dhclientFiles(ends, 'prolong'), DEVICE]))
  try {
    // T1 is half of the lease, less what the client draws (RFC 2131, 4.4.5).
    return await said.says(/bound to \S+ --[\s\S]*DHCPREQUEST[\s\S]*bound to \S+ --/, LEASE)
  } finally {
    said.end()
  }
}
