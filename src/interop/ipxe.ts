/**
 * iPXE, a boot loader with a TCP/IP stack of its own, in a machine that QEMU emulates. Our DHCP server lends it an address and names
 * our name server, that our HTTP server. What it has loaded is looked up in the memory of that machine.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { formatIpv4 } from '../stack/ip/addresses.ts'
import { createStack } from '../stack/profiles/full.ts'
import { type Check, type Peer, type Verdict, within } from './check.ts'
import { serveNames } from './dns-server.ts'
import { body, serveHttp } from './http-server.ts'
import { NodeHost } from './node-host.ts'
import type { Place } from './place.ts'
import { IPXE, QEMU, startQemu } from './qemu.ts'

const OURS = '10.83.0.2'
const NAME = 'boot.lan.test'
const BYTES = 20_000_000

const MEGABYTES_OF_MEMORY = 128

const SCRIPT = `#!ipxe
ifconf --configurator dhcp net0
echo lent \${net0/ip} by \${net0/dhcp-server}, names by \${net0/dns}
imgfetch --name blob http://${NAME}/${BYTES} && echo fetched || echo failed \${errno}
sleep 1000
`

export const IPXE_PEER: Peer = {
  title: 'iPXE',
  needs: [QEMU, IPXE],
  long: true,
  async meet(place) {
    const host = new NodeHost(createStack, {
      memory: 1024 * 1024,
      mac: Uint8Array.from([2, 0x83, 0, 0, 0, 2]),
      address: `${OURS}/24`,
      dhcpServer: { first: '10.83.0.100', last: '10.83.0.120', dns: [OURS], domain: 'lan.test' },
    })
    place.undo(() => host.end())
    const script = place.path('boot.ipxe')
    writeFileSync(script, SCRIPT)
    serveHttp(host.sockets, '0.0.0.0').catch(error => console.error(error))
    serveNames(host.sockets, new Map([[NAME, OURS]])).catch(error => console.error(error))
    await within(10, () => formatIpv4(host.stack.address) === OURS)
    const monitor = place.path('monitor')
    let said = ''
    await startQemu(
      place,
      host,
      [
        ...[
          '-accel',
          'tcg',
          '-m',
          String(MEGABYTES_OF_MEMORY),
          '-monitor',
          `unix:${monitor},server=on,wait=off`,
        ],
        // Without a screen its BIOS prints to the serial line.
        ...['-vga', 'none', '-M', 'pc,graphics=off', '-serial', 'stdio'],
        ...['-device', 'virtio-net-pci,netdev=wire,romfile=', '-kernel', IPXE, '-initrd', script],
      ],
      text => {
        said += text
      },
    )
    return { host, checks: checksOf(place, monitor, () => said) }
  },
}

const checksOf = (place: Place, monitor: string, said: () => string): readonly Check[] => {
  const says = async (seconds: number, right: RegExp): Promise<Verdict> =>
    (await within(seconds, () => right.test(said())))
      ? undefined
      : `its console says: ${said().replaceAll(/\s+/g, ' ').slice(-300)}`
  return [
    {
      name: 'it has an address of our DHCP server, and its name server',
      needs: [],
      run: () => says(60, /lent 10\.83\.0\.1\d\d by 10\.83\.0\.2, names by 10\.83\.0\.2/),
    },
    {
      name: 'it resolves the name of our HTTP server and downloads 20 MB from it',
      needs: [],
      run: () => says(120, /fetched/),
    },
    {
      name: 'in its memory stands what we served, byte for byte',
      needs: [],
      run: async () => {
        const memory = await memoryOf(monitor, place.path('memory'))
        const right = body(0, BYTES)
        const at = memory.indexOf(right.subarray(0, 256))
        return at >= 0 && memory.compare(right, 0, BYTES, at, at + BYTES) === 0
          ? undefined
          : 'it is not there'
      },
    },
  ]
}

/** The memory of the emulated machine, which QEMU's monitor writes to a file. */
async function memoryOf(monitor: string, file: string): Promise<Buffer> {
  const socket = connect(monitor)
  let said = ''
  socket.on('data', chunk => {
    said += String(chunk)
  })
  socket.write(`pmemsave 0 ${MEGABYTES_OF_MEMORY * 1024 * 1024} "${file}"\n`)
  // A prompt at first, and one when it is done.
  await within(30, () => said.split('(qemu) ').length > 2)
  socket.destroy()
  return readFileSync(file)
}
