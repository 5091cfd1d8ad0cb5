/** Whole and half-closed connections with the kernel’s TCP. */
import type { Check, Verdict } from './check.ts'
import { type Ends, IPV6, KERNEL, OURS, OURS6 } from './kernel-ends.ts'
import type { Place } from './place.ts'
import {
  download,
  type Moved,
  netcatHalfCloses,
  netcatIsHalfClosed,
  parallelDownloads,
  upload,
  weHalfClose,
} from './transfers.ts'

/** Notes how fast it was. */
async function measured(place: Place, name: string, moving: Promise<Moved>): Promise<Verdict> {
  const { wrong, rate } = await moving
  if (wrong === undefined) place.measured(name, rate)
  return wrong
}

export const connections = ({ place, host, linux }: Ends): readonly Check[] => [
  ...[
    { over: '', ours: OURS, unit: 'MBs' },
    { over: IPV6, ours: `[${OURS6}]`, unit: 'MBs6' },
  ].flatMap(({ over, ours, unit }): readonly Check[] => [
    {
      name: `${over}curl downloads from us, hashes equal`,
      needs: ['curl'],
      run: () => measured(place, `curlDown${unit}`, download(linux, ours, place.megabytes * 1_000_000)),
    },
    {
      name: `${over}curl uploads to us, hashes equal`,
      needs: ['curl'],
      run: () => measured(place, `curlUp${unit}`, upload(linux, ours, place.megabytes * 1_000_000)),
    },
    {
      name: `${over}50 connections at once are all served`,
      needs: ['curl'],
      run: () => parallelDownloads(linux, ours, 50, 200_000),
    },
  ]),
  {
    name: 'with ECN asked for by the kernel a download keeps its hash',
    needs: ['curl'],
    run: async () => {
      linux.set('net.ipv4.tcp_ecn', 1)
      const { wrong } = await download(linux, OURS, place.megabytes * 500_000)
      linux.set('net.ipv4.tcp_ecn', 2)
      return wrong
    },
  },
  {
    name: 'nc half-closes, and gets the answer all the same',
    needs: ['nc'],
    run: () => netcatHalfCloses(host, linux, OURS),
  },
  {
    name: 'over IPv6, nc half-closes, and gets the answer all the same',
    needs: ['nc'],
    run: () => netcatHalfCloses(host, linux, OURS6),
  },
  {
    name: 'nc has half-closed, and hears all that we say after that',
    needs: ['nc'],
    run: () => netcatIsHalfClosed(host, linux, KERNEL),
  },
  {
    name: 'we half-close, and get the kernel’s answer all the same',
    needs: [],
    run: () => weHalfClose(host, linux, KERNEL),
  },
]
