/** Two DHCP clients of Linux, and our DHCP server. */
import { type Check, failed } from './check.ts'
import type { Ends } from './kernel-ends.ts'
import { DEVICE } from './namespace.ts'

export const dhcpClients = ({ place, linux }: Ends): readonly Check[] => [
  {
    name: 'udhcpc gets an address from our DHCP server',
    needs: ['udhcpc'],
    run: async () => {
      const outcome = await linux.run('udhcpc', ['-i', DEVICE, '-n', '-q', '-t', '5', '-s', '/bin/true'], 30)
      return /lease of 10\.77\.0\.1\d\d obtained/.test(outcome.err + outcome.out)
        ? undefined
        : failed('udhcpc', outcome)
    },
  },
  {
    name: 'dhclient gets one, and gives it back',
    needs: ['dhclient'],
    run: async () => {
      const files = [
        '-sf',
        '/bin/true',
        '-lf',
        place.path('dhclient.leases'),
        '-pf',
        place.path('dhclient.pid'),
      ]
      const bound = await linux.run('dhclient', ['-1', '-v', ...files, DEVICE], 30)
      if (!/bound to 10\.77\.0\.1\d\d/.test(bound.err)) return failed('dhclient', bound)
      const released = await linux.run('dhclient', ['-r', '-v', ...files, DEVICE], 30)
      return /DHCPRELEASE/.test(released.err) ? undefined : failed('dhclient -r', released)
    },
  },
]
