/**
 * nmap, which asks in ways that no honest client does, and by the answers tells what is open: RFC 9293, 3.10.7 says what must come
 * back for each, or that nothing may.
 */
import { type Check, failed } from './check.ts'
import { type Ends, FAMILIES, IPV6, type Over } from './kernel-ends.ts'

/** Ours listen on 80 and 5201, and on 7 for datagrams; on 81 and 9 nobody does. */
interface Scan {
  readonly asks: string
  readonly args: readonly string[]
  /** What nmap prints of each port or protocol. */
  readonly finds: readonly string[]
  /** Only of IPv4. */
  readonly only4?: boolean
}

const TCP_PORTS = ['-p', '80,81,5201']
const SILENT = ['80/tcp open|filtered', '81/tcp closed', '5201/tcp open|filtered']
const SCANS: readonly Scan[] = [
  { asks: 'SYNs', args: ['-sS', ...TCP_PORTS], finds: ['80/tcp open', '81/tcp closed', '5201/tcp open'] },
  { asks: 'whole handshakes', args: ['-sT', ...TCP_PORTS], finds: ['80/tcp open', '81/tcp closed'] },
  { asks: 'FINs', args: ['-sF', ...TCP_PORTS], finds: SILENT },
  { asks: 'segments without a flag', args: ['-sN', ...TCP_PORTS], finds: SILENT },
  { asks: 'FIN, PSH and URG', args: ['-sX', ...TCP_PORTS], finds: SILENT },
  {
    asks: 'ACKs',
    args: ['-sA', ...TCP_PORTS],
    finds: ['80/tcp unfiltered', '81/tcp unfiltered', '5201/tcp unfiltered'],
  },
  { asks: 'datagrams', args: ['-sU', '-p', '7,9'], finds: ['7/udp open', '9/udp closed'] },
  {
    asks: 'protocols of IP',
    args: ['-sO', '-p', '1,6,17,47,132'],
    finds: ['1 open', '6 open', '17 open', '47 closed', '132 closed'],
    only4: true,
  },
]

export const scans = (ends: Ends): readonly Check[] =>
  FAMILIES.flatMap(over =>
    SCANS.filter(({ only4 }) => !(only4 && over.words === IPV6)).map(scan => checkOf(ends, over, scan)),
  )

const checkOf = ({ linux }: Ends, over: Over, { asks, args, finds }: Scan): Check => ({
  name: `${over.words}nmap’s ${asks} find ${finds.join(', ')}`,
  needs: ['nmap'],
  long: true,
  run: async () => {
    const six = over.words === IPV6 ? ['-6'] : []
    const outcome = await linux.run('nmap', [...six, '-n', '-Pn', ...args, over.ours])
    const found = outcome.out.replaceAll(/ +/g, ' ')
    return finds.every(line => found.includes(`\n${line}`)) ? undefined : failed('nmap', outcome)
  },
})
