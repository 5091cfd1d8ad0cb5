/** What the kernel has counted. */
import type { Namespace } from './namespace.ts'

/** A counter of TcpExt in /proc/net/netstat, by the name that it has there: `TCPSackRecovery`. */
export async function kernelCounts(linux: Namespace, name: string): Promise<number> {
  const { out } = await linux.run('cat', ['/proc/net/netstat'])
  const [names = '', values = ''] = out.split('\n').filter(line => line.startsWith('TcpExt:'))
  return Number(values.split(' ')[names.split(' ').indexOf(name)])
}
