/** QEMU, which carries frames over a unix stream as we do (bridge/frame-stream.ts): other stacks come with it. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { NodeHost } from './node-host.ts'
import type { Place } from './place.ts'
import { joinProgram } from './wire.ts'

export const QEMU = 'qemu-system-x86_64'
/** A boot loader with a TCP/IP stack of its own, as Debian packs it. */
export const IPXE = '/boot/ipxe.lkrn'

/** A firmware for machines of that kind (UEFI), and what GRUB is made of there. */
export const OVMF = '/usr/share/OVMF/OVMF_CODE_4M.fd'
export const GRUB_MODULES = '/usr/lib/grub/x86_64-efi/http.mod'

/**
 * Starts it with nothing in it but what the arguments say, and joins the host to its network `wire`; what its console shows goes to
 * `onText`, and what is written to its stdin comes from there.
 */
export async function startQemu(
  place: Place,
  host: NodeHost,
  args: readonly string[],
  onText: (text: string) => void = () => undefined,
): Promise<ChildProcess> {
  return joinProgram(place, host, path => {
    const wire = `stream,id=wire,server=off,addr.type=unix,addr.path=${path}`
    const qemu = spawn(QEMU, ['-nodefaults', '-display', 'none', '-netdev', wire, ...args])
    qemu.stdout.on('data', chunk => onText(String(chunk)))
    return qemu
  })
}
