/** DHCP and DNS of the scripts: to bytes and back, and against the stack's readers, which have nothing in common with them. */
import { expect, test } from 'vitest'
import { dhcpIsValid, messageTypeOf, option32, readOption } from '../../stack/wire/dhcp.ts'
import { dissect } from '../../stack/wire/dissect.ts'
import { dnsIsValid, recordsAt } from '../../stack/wire/dns.ts'
import { decodePacket, encodePacket } from './codec.ts'
import { HEARD_NOTHING, hear } from './heard.ts'
import { formatLike, parsePacket } from './packet.ts'

const ends = {
  hostMac: '02:00:00:00:00:01',
  peerMac: '02:00:00:00:00:02',
  host: '192.0.2.1',
  host6: '2001:db8::1',
  linkLocal: 'fe80::1',
  peer: '192.0.2.2',
  router: 'fe80::99',
  routerMac: '02:00:00:00:00:99',
}
const numbers = { peerAddress: '', peerPort: 0, hostPort: 0, hostIss: 0, peerIss: 0, stamp: 0 }
const heard = { ...HEARD_NOTHING, xid: 77, id: 4711, port: 50_000 }
const bytesOf = (line: string): Uint8Array => encodePacket(parsePacket(line), ends, numbers, 0, heard)
/** The line as it is read from its own bytes, in the words that it uses. */
const there = (line: string): string =>
  formatLike(
    parsePacket(line),
    decodePacket(bytesOf(line), () => numbers, heard),
  )

test('a message is read as it was written', () => {
  for (const line of [
    'dhcp ack xid 9 ciaddr 192.0.2.9 yiaddr 192.0.2.9 server 192.0.2.2 lease 600 mask 255.255.255.0 router 192.0.2.3,192.0.2.4 mtu 600 domain home.arpa t1 100 t2 150 client-id 010203 sname 00 ports 67>68 to 255.255.255.255 link-to broadcast',
    'mdns query ports 5353>5353 to 224.0.0.251 ttl 255 link-to 01:00:5e:00:00:fb ? alice.local ANY qu ! alice.local A 192.0.2.1 ttl 120',
    'mdns answer flags 8400 ports 5353>5353 to 224.0.0.251 ttl 255 = 1.2.0.192.in-addr.arpa PTR alice.local ttl 9 flush = alice.local NSEC alice.local:A,AAAA ttl 120 flush',
    'dns answer ports 53>4000 dns-id 7 tc edns 1232 ? www.example.com A = www.example.com CNAME b.example.com ttl 1 = b.example.com A 10.0.0.1 ttl 2 ! example.com SOA 60 ttl 3 + ns.example.com AAAA 2001:db8::1 ttl 4 + x.example.com TYPE16 0461626364 ttl 5 class 3',
  ])
    expect(there(line.replace(' sname 00', ''))).toBe(line.replace(' sname 00', ''))
})

test('the stack’s own readers understand what is sent', () => {
  for (const line of [
    'dhcp offer yiaddr 192.0.2.9 server 192.0.2.2 lease 600',
    'dns answer ? www.example.com A = www.example.com A 10.0.0.1',
    'mdns answer = alice.local A 192.0.2.1 flush',
  ])
    expect(JSON.stringify(dissect(bytesOf(line)))).not.toMatch(/wrong|malformed|truncated/i)
  const dhcp = bytesOf('dhcp offer yiaddr 192.0.2.9 lease 600 overload 1 file 0604c0000235ff')
  const view = new DataView(dhcp.buffer)
  const length = dhcp.length - 42
  expect(dhcpIsValid(view, 42, length)).toBe(true)
  expect([messageTypeOf(view, 42, length), option32(view, 42, length, 51), view.getUint32(46)]).toEqual([
    2, 600, 77,
  ])
  const into = new Uint8Array(4)
  expect([readOption(view, 42, length, 6, into, 0, 4), ...into]).toEqual([4, 192, 0, 2, 53])
  const dns = bytesOf('dns answer ? a.example A = a.example A 10.0.0.1')
  expect(dnsIsValid(new DataView(dns.buffer), 42, dns.length - 42)).toBe(true)
  expect(recordsAt(new DataView(dns.buffer), 42, dns.length)).toBe(42 + 12 + 11 + 4)
})

test('names whose end stands in a message already point there, unless they shall be flat', () => {
  const length = (line: string) => bytesOf(line).length
  const pointed = length('dns answer ? www.example.com A = web.example.com A 10.0.0.1')
  expect(length('dns answer flat ? www.example.com A = web.example.com A 10.0.0.1') - pointed).toBe(11)
})

test('an answer has the id, the port and the question of the host’s last query', () => {
  const query = parsePacket('dns query dns-id 4711 ports 50000>53 ? www.example.com A')
  const context = hear(HEARD_NOTHING, query)
  const frame = encodePacket(parsePacket('dns answer'), ends, numbers, 0, context)
  expect(
    formatLike(
      parsePacket('dns answer ports 1 dns-id 1 ? a A'),
      decodePacket(frame, () => numbers),
    ),
  ).toBe('dns answer ports 53>50000 dns-id 4711 ? www.example.com A')
})

test('what the host sends and nobody may send is found out', () => {
  const forged = (line: string, at: number, byte: number) => () => {
    const frame = bytesOf(`${line} no-checksum`)
    frame[at] = byte
    return decodePacket(frame.fill(0, 40, 42), () => numbers)
  }
  expect(() => decodePacket(bytesOf('dhcp discover'), () => numbers)).toThrow('less than 300 bytes')
  expect(forged('dns query ? a.b A', 54, 0xc0)).toThrow()
})
