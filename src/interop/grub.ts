/**
 * GRUB, a boot loader with a TCP/IP stack of its own, on the firmware OVMF in a machine that QEMU emulates. Our DHCP server lends it an
 * address and names our name server, that our HTTP server; it prints the hash of what it has loaded.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatIpv4 } from '../stack/ip/addresses.ts'
import { createStack } from '../stack/profiles/full.ts'
import { onABadWire } from './bad-wire.ts'
import { type Check, type Peer, type Verdict, within } from './check.ts'
import { serveNames } from './dns-server.ts'
import { bodyHash, serveHttp } from './http-server.ts'
import { NodeHost } from './node-host.ts'
import { GRUB_MODULES, OVMF, QEMU, startQemu } from './qemu.ts'

const OURS = '10.84.0.2'
const NAME = 'boot.lan.test'
const BYTES = 20_000_000
/** On a bad wire, where a stack without SACK needs longer. */
const BYTES_BAD = 1_000_000

const SCRIPT = `serial --unit=0
terminal_output serial
terminal_input serial
net_bootp
net_ls_addr
net_ls_dns
hashsum --hash sha256 (http,${NAME})/${BYTES}
echo good wire over
read
hashsum --hash sha256 (http,${NAME})/${BYTES_BAD}
echo bad wire over
sleep 1000
`

export const GRUB_PEER: Peer = {
  title: 'GRUB',
  needs: [QEMU, OVMF, GRUB_MODULES, 'grub-mkstandalone'],
  long: true,
  async meet(place) {
    const host = new NodeHost(createStack, {
      memory: 1024 * 1024,
      mac: Uint8Array.from([2, 0x84, 0, 0, 0, 2]),
      address: `${OURS}/24`,
      dhcpServer: { first: '10.84.0.100', last: '10.84.0.120', dns: [OURS], domain: 'lan.test' },
    })
    place.undo(() => host.end())
    const disk = place.path('disk')
    const script = place.path('grub.cfg')
    writeFileSync(script, SCRIPT)
    makeDisk(disk, script)
    serveHttp(host.sockets, '0.0.0.0').catch(error => console.error(error))
    serveNames(host.sockets, new Map([[NAME, OURS]])).catch(error => console.error(error))
    await within(10, () => formatIpv4(host.stack.address) === OURS)
    let said = ''
    const console_ = await startQemu(place, host, machine(disk), text => {
      said += text
    })
    return {
      host,
      checks: checksOf(
        host,
        () => said,
        () => console_.stdin?.write('\r'),
      ),
    }
  },
}

/** A folder that QEMU shows as a disk: at the place where the firmware looks stands GRUB with what the script needs, and the script. */
function makeDisk(disk: string, script: string): void {
  const folder = join(disk, 'EFI', 'BOOT')
  mkdirSync(folder, { recursive: true })
  const modules = 'efinet net http hashsum gcry_sha256 serial echo sleep read'
  const image = ['-O', 'x86_64-efi', '-o', join(folder, 'BOOTX64.EFI')]
  const holds = [`--modules=${modules}`, `--install-modules=${modules} normal`]
  const nothing = ['--locales=', '--themes=', '--fonts=']
  const args = [...image, ...holds, ...nothing, `boot/grub/grub.cfg=${script}`]
  execFileSync('grub-mkstandalone', args, { stdio: 'pipe' })
}

/** The firmware wakes only devices that it may boot from. */
const machine = (disk: string): readonly string[] => [
  ...['-accel', 'tcg', '-m', '256', '-M', 'q35', '-vga', 'none', '-serial', 'stdio'],
  ...['-drive', `if=pflash,format=raw,readonly=on,file=${OVMF}`],
  ...['-drive', `if=none,id=disk,format=raw,file=fat:rw:${disk}`],
  ...['-device', 'virtio-blk-pci,drive=disk,bootindex=1'],
  ...['-device', 'virtio-net-pci,netdev=wire,romfile=,bootindex=2'],
]

const checksOf = (host: NodeHost, said: () => string, goOn: () => void): readonly Check[] => {
  const says = async (seconds: number, right: RegExp): Promise<Verdict> =>
    (await within(seconds, () => right.test(said())))
      ? undefined
      : `its console says: ${said().replaceAll(/\s+/g, ' ').slice(-300)}`
  const hashed = (bytes: number) => new RegExp(bodyHash(bytes))
  return [
    {
      name: 'it has an address of our DHCP server, and its name server',
      needs: [],
      run: () => says(90, /\b10\.84\.0\.1\d\d\s[\s\S]*\b10\.84\.0\.2\b/),
    },
    {
      name: 'it resolves the name of our HTTP server, downloads 20 MB and finds our hash',
      needs: [],
      run: () => says(120, hashed(BYTES)),
    },
    {
      name: 'with 1 % loss and reordering it downloads a megabyte and finds our hash',
      needs: [],
      run: () =>
        onABadWire(host, () => {
          goOn()
          return says(120, hashed(BYTES_BAD))
        }),
    },
  ]
}
