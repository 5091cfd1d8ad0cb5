/** The programs and files that the checks need, and the Debian packages that have them. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { debianInstall } from '../serve/debian.js'
import { GRUB_MODULES, IPXE, OVMF, QEMU } from './qemu.ts'

const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  ss: 'iproute2',
  cc: 'gcc libc6-dev',
  ping: 'iputils-ping',
  arping: 'iputils-arping',
  traceroute: 'traceroute',
  curl: 'curl',
  nc: 'netcat-openbsd',
  iperf3: 'iperf3',
  udhcpc: 'udhcpc',
  dhclient: 'isc-dhcp-client',
  tshark: 'tshark',
  dnsmasq: 'dnsmasq-base',
  'dbus-daemon': 'dbus-daemon',
  'avahi-daemon': 'avahi-daemon',
  'avahi-resolve': 'avahi-utils',
  'avahi-publish': 'avahi-utils',
}
/** The long form's. */
const PACKAGES_LONG: Readonly<Record<string, string>> = {
  [QEMU]: 'qemu-system-x86 libslirp0',
  [IPXE]: 'ipxe',
  [OVMF]: 'ovmf',
  [GRUB_MODULES]: 'grub-efi-amd64-bin',
  'grub-mkstandalone': 'grub-common',
  nmap: 'nmap',
}

const present = (program: string): boolean =>
  program.startsWith('/')
    ? existsSync(program)
    : spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/** Which of them are missing, in words that say what would help; undefined when none is. */
export function missing(programs: readonly string[]): string | undefined {
  const absent = programs.filter(program => !present(program))
  if (absent.length === 0) return undefined
  const from = absent.map(program => PACKAGES[program] ?? PACKAGES_LONG[program] ?? program)
  return `there is no ${absent.join(', no ')}: as root, apt-get install ${[...new Set(from)].join(' ')}`
}

/** Installs what is missing for either form, where this is Debian and we are root. What cannot be installed is skipped later. */
export async function installMissing(long: boolean): Promise<void> {
  const wanted = Object.entries(long ? { ...PACKAGES, ...PACKAGES_LONG } : PACKAGES)
  const absent = wanted.filter(([program]) => !present(program)).map(([, from]) => from)
  if (absent.length > 0) await debianInstall(...new Set(absent.flatMap(from => from.split(' '))))
}
