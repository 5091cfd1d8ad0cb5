/** TCP’s options as both ends’ own records of a connection tell of them: `ss -ti` there, our `ss` here. */
import { ss } from '../stack/inspect/ss.ts'
import { type Check, type Verdict, within } from './check.ts'
import { type Ends, FAMILIES, type Over } from './kernel-ends.ts'
import { connectWhenListening } from './transfers.ts'

export const options = (ends: Ends): readonly Check[] =>
  FAMILIES.flatMap(over => [
    {
      name: `${over.words}SACK, timestamps and window scaling are negotiated when the kernel connects, as both ends’ ss tell`,
      needs: ['ss', 'curl'],
      run: () => whenItConnects(ends, over),
    },
    {
      name: `${over.words}the same when we connect`,
      needs: ['ss', 'nc'],
      run: () => whenWeConnect(ends, over),
    },
    {
      name: `${over.words}window scaling is used: both windows go beyond 65,535 bytes, as ss tells`,
      needs: ['ss', 'curl'],
      run: () => windowsBeyond16Bits(ends, over),
    },
  ])

interface Told {
  /** All that ss says there, in one line. */
  readonly theirs: string
  /** Our lines about connections with the kernel. */
  readonly ours: string
}

async function toldBy({ host, linux }: Ends, { url, theirs }: Over): Promise<Told> {
  const { out } = await linux.run('ss', ['-tinoH', 'dst', url])
  const lines = ss(host.stack).split('\n')
  const ours = lines.filter(line => line.includes('ESTAB') && line.includes(theirs)).join('\n')
  return { theirs: out.replaceAll(/\s+/g, ' '), ours }
}

/** Both ends say so within five seconds. */
async function bothSay(ends: Ends, over: Over, right: (told: Told) => boolean): Promise<Verdict> {
  let told: Told = { theirs: '', ours: '' }
  const said = await within(5, async () => {
    told = await toldBy(ends, over)
    return right(told)
  })
  return said ? undefined : `their ss says: ${told.theirs.trim()}; ours: ${told.ours}`
}

/** An MSS that is 12 bytes smaller leaves room for timestamps. */
const negotiated = ({ mss }: Over) => {
  const theirs = new RegExp(` ts sack .*wscale:\\d+,\\d+ .* mss:${mss} `)
  return (told: Told) => theirs.test(told.theirs) && told.ours.includes(` mss:${mss} `)
}

async function whenItConnects(ends: Ends, over: Over): Promise<Verdict> {
  const url = `http://${over.url}/20000000`
  const curl = ends.linux.start('curl', ['-s', '-o', '/dev/null', '--limit-rate', '2M', url])
  try {
    return await bothSay(ends, over, negotiated(over))
  } finally {
    curl.kill()
  }
}

async function whenWeConnect(ends: Ends, over: Over): Promise<Verdict> {
  const netcat = ends.linux.start('nc', ['-l', over.theirs, '5003'])
  try {
    const socket = await connectWhenListening(ends.host, over.theirs, 5003)
    // The kernel's estimate of our MSS follows what it has to send.
    netcat.stdin?.write('some words')
    const verdict = await bothSay(ends, over, negotiated(over))
    socket.abort()
    return verdict
  } finally {
    netcat.kill()
  }
}

/** While the kernel uploads and downloads: what we have offered it, and it us. */
async function windowsBeyond16Bits(ends: Ends, over: Over): Promise<Verdict> {
  const url = `http://${over.url}`
  const upload = `head -c 40000000 /dev/zero | curl -s -T - ${url}/ -H 'Content-Length: 40000000'`
  const both = ends.linux.start('sh', ['-c', `curl -s -o /dev/null ${url}/40000000 & ${upload}; wait`])
  const most = (text: string) =>
    [...text.matchAll(/snd_wnd:(\d+)/g)].reduce((largest, [, window]) => Math.max(largest, Number(window)), 0)
  let [ours, theirs] = [0, 0]
  try {
    const beyond = await within(5, async () => {
      const told = await toldBy(ends, over)
      ours = Math.max(ours, most(told.theirs))
      theirs = Math.max(theirs, most(told.ours))
      return ours > 65_535 && theirs > 65_535
    })
    return beyond ? undefined : `the largest window of ours was ${ours}, of theirs ${theirs}`
  } finally {
    both.kill()
  }
}
