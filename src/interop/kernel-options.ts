/** TCP’s options as the kernel’s own records of a connection tell of them (ss -ti). */
import { type Check, type Verdict, within } from './check.ts'
import { type Ends, OURS, OURS6 } from './kernel-ends.ts'
import type { Namespace } from './namespace.ts'

/** What `ss -ti` says of a connection in mid-transfer. */
async function ssSays(linux: Namespace, ours: string, url: string, says: RegExp): Promise<Verdict> {
  const curl = linux.start('curl', ['-s', '-o', '/dev/null', '--limit-rate', '2M', `${url}/20000000`])
  try {
    let out = ''
    const said = await within(5, async () => {
      out = (await linux.run('ss', ['-tinoH', 'dst', ours])).out
      return says.test(out)
    })
    return said ? undefined : `ss says: ${out.trim().replaceAll('\n', ' ')}`
  } finally {
    curl.kill()
  }
}

/** ss tells of a window that we have offered beyond 16 bits, while the kernel uploads. */
async function windowBeyond16Bits({ linux }: Ends): Promise<Verdict> {
  const upload = linux.start('sh', [
    '-c',
    `head -c 40000000 /dev/zero | curl -s -T - http://${OURS}/ -H 'Content-Length: 40000000'`,
  ])
  try {
    let most = 0
    const beyond = await within(5, async () => {
      const { out } = await linux.run('ss', ['-tinoH', 'dst', OURS])
      for (const [, window] of out.matchAll(/snd_wnd:(\d+)/g)) most = Math.max(most, Number(window))
      return most > 65_535
    })
    return beyond ? undefined : `the largest window that ss told of was ${most}`
  } finally {
    upload.kill()
  }
}

export const options = (ends: Ends): readonly Check[] => [
  {
    name: 'SACK, timestamps and window scaling are negotiated, as ss tells',
    needs: ['ss', 'curl'],
    // 1,460 less 12 for timestamps in each segment.
    run: () => ssSays(ends.linux, OURS, `http://${OURS}`, / ts sack .*wscale:\d+,\d+ .* mss:1448 /),
  },
  {
    name: 'over IPv6, SACK, timestamps and window scaling are negotiated, as ss tells',
    needs: ['ss', 'curl'],
    run: () =>
      ssSays(ends.linux, `[${OURS6}]`, `http://[${OURS6}]`, / ts sack .*wscale:\d+,\d+ .* mss:1428 /),
  },
  {
    name: 'window scaling is used: our window goes beyond 65,535 bytes, as ss tells',
    needs: ['ss', 'curl'],
    run: () => windowBeyond16Bits(ends),
  },
]
