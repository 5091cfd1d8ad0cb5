/** QEMU, which carries frames over a unix stream as we do (bridge/frame-stream.ts): other stacks come with it. */
import { spawn } from 'node:child_process'
import type { NodeHost } from './node-host.ts'
import type { Place } from './place.ts'
import { joinProgram } from './wire.ts'

export const QEMU = 'qemu-system-x86_64'
/** A boot loader with a TCP/IP stack of its own, as Debian packs it. */
export const IPXE = '/boot/ipxe.lkrn'

/** Starts it with nothing in it but what the arguments say, and joins the host to its network `wire`; what its console shows goes to `onText`. */
export async function startQemu(
  place: Place,
  host: NodeHost,
  args: readonly string[],
  onText: (text: string) => void = () => undefined,
): Promise<void> {
  await joinProgram(place, host, path => {
    const wire = `stream,id=wire,server=off,addr.type=unix,addr.path=${path}`
    const qemu = spawn(QEMU, ['-nodefaults', '-display', 'none', '-netdev', wire, ...args])
    qemu.stdout.on('data', chunk => onText(String(chunk)))
    return qemu
  })
}
