/**
 * libslirp, whose TCP comes from BSD: QEMU's network for guests, here without a guest. It lends us an address, is a gateway to the
 * machine's own 127.0.0.1, which has the address 10.0.2.2 for us, and forwards a port of that to us.
 */
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer } from 'node:net'
import { formatIpv4 } from '../stack/ip/addresses.ts'
import { createStack } from '../stack/profiles/full.ts'
import { formatIpv6 } from '../stack/wire/address6.ts'
import { onABadWire } from './bad-wire.ts'
import { type Check, type Peer, pause, type Verdict, within } from './check.ts'
import { body, bodyHash, serveHttp } from './http-server.ts'
import { MACHINE } from './namespace.ts'
import { NodeHost } from './node-host.ts'
import type { Place } from './place.ts'
import { QEMU, startQemu } from './qemu.ts'
import { download, parallelDownloads, readAll, upload } from './transfers.ts'

const LENT = '10.0.2.15'
const GATEWAY = '10.0.2.2'

export const SLIRP_PEER: Peer = {
  title: 'libslirp',
  needs: [QEMU],
  long: true,
  async meet(place) {
    const host = new NodeHost(createStack, {
      memory: 1024 * 1024,
      mac: Uint8Array.from([2, 0x82, 0, 0, 0, 2]),
      address: 'dhcp',
    })
    place.undo(() => host.end())
    const port = await freePort()
    // Two ports of a hub: libslirp, and the wire to us.
    await startQemu(place, host, [
      ...['-M', 'none', '-netdev', 'hubport,id=ours,hubid=0,netdev=wire'],
      ...['-netdev', `user,id=slirp,hostfwd=tcp:127.0.0.1:${port}-${LENT}:80`],
      ...['-netdev', 'hubport,id=theirs,hubid=0,netdev=slirp'],
    ])
    await within(15, () => formatIpv4(host.stack.address) === LENT)
    serveHttp(host.sockets, '0.0.0.0').catch(error => console.error(error))
    return { host, checks: checksOf(place, host, `127.0.0.1:${port}`) }
  },
}

/** A port of 127.0.0.1 that nobody has. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

const checksOf = (place: Place, host: NodeHost, ours: string): readonly Check[] => {
  const bytes = Math.min(place.megabytes, 20) * 1_000_000
  return [
    {
      name: 'it lends us an address',
      needs: [],
      run: async () => {
        const address = formatIpv4(host.stack.address)
        return address === LENT ? undefined : `ours is ${address}`
      },
    },
    {
      name: 'its router’s prefix becomes an address of ours',
      needs: [],
      run: async () => {
        const own = () => host.stack.ipv6?.addresses.map(({ address }) => formatIpv6(address)) ?? []
        const has = await within(5, () => own().some(address => address.startsWith('fec0:')))
        return has ? undefined : `ours are ${own().join(', ')}`
      },
    },
    {
      name: 'a download through it keeps its hash',
      needs: ['curl'],
      run: async () => (await download(MACHINE, ours, bytes)).wrong,
    },
    {
      name: 'an upload through it keeps its hash',
      needs: ['curl'],
      run: async () => (await upload(MACHINE, ours, bytes)).wrong,
    },
    {
      name: 'we connect out through it, and what we say and hear keeps its hash',
      needs: [],
      run: () => weConnectOut(host, bytes),
    },
    {
      name: 'datagrams of 1 to 60,000 bytes go out through it, and come back byte for byte',
      needs: [],
      run: () => datagramsComeBack(host),
    },
    {
      name: '20 connections at once are all served',
      needs: ['curl'],
      run: () => parallelDownloads(MACHINE, ours, 20, 200_000),
    },
    {
      name: 'with 1 % loss and reordering a download keeps its hash',
      needs: ['curl'],
      run: async () => (await onABadWire(host, () => download(MACHINE, ours, 3_000_000))).wrong,
    },
    {
      name: 'with 1 % loss and reordering an upload keeps its hash',
      needs: ['curl'],
      run: async () => (await onABadWire(host, () => upload(MACHINE, ours, 3_000_000))).wrong,
    },
  ]
}

/** A server on the machine hears us out, says as much, and the hash of what it heard behind that. */
async function weConnectOut(host: NodeHost, bytes: number): Promise<Verdict> {
  const said = body(0, bytes)
  const server = createServer({ allowHalfOpen: true }, connection => {
    const hash = createHash('sha256')
    connection.on('data', data => hash.update(data))
    connection.on('end', () => connection.write(said, () => connection.end(hash.digest('hex'))))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const socket = new host.sockets.TCPSocket(GATEWAY, (server.address() as AddressInfo).port)
    const writer = (await socket.opened).writable.getWriter()
    await writer.write(said)
    await writer.close()
    const heard = await readAll(socket)
    const hash = bodyHash(bytes)
    if (heard.subarray(bytes).toString() !== hash) return 'it heard something else than we said'
    const back = createHash('sha256').update(heard.subarray(0, bytes)).digest('hex')
    return back === hash ? undefined : 'we heard something else than it said'
  } finally {
    server.close()
  }
}

/** A server on the machine that sends back what comes (RFC 862). */
async function datagramsComeBack(host: NodeHost): Promise<Verdict> {
  const server = createSocket('udp4')
  server.on('message', (data, from) => server.send(data, from.port, from.address))
  await new Promise<void>(resolve => server.bind(0, '127.0.0.1', resolve))
  const to = { remoteAddress: GATEWAY, remotePort: server.address().port }
  const { readable, writable } = await new host.sockets.UDPSocket(to).opened
  const [reader, writer] = [readable.getReader(), writable.getWriter()]
  try {
    for (const size of [1, 1_472, 1_473, 9_000, 60_000]) {
      const data = body(size, size)
      await writer.write({ data })
      const late = pause(3_000).then(() => undefined)
      const answer = await Promise.race([reader.read(), late])
      if (answer === undefined) return `the one of ${size} bytes did not come back`
      if (Buffer.compare(answer.value?.data ?? new Uint8Array(0), data) !== 0)
        return `the one of ${size} bytes came back as another`
    }
    return undefined
  } finally {
    server.close()
    await writer.close()
  }
}
