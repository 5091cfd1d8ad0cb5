/** The map of a host's arena: where each page stands on it, and what a page is, in words. */
import type { ConnectionRecord } from '../stack/inspect/inspect.ts'
import { type ArenaPages, pagesOfSocket, recordsFit, socketsIn } from '../stack/inspect/pages.ts'
import { count, grouped } from '../stack/wire/readable.ts'

/** Somewhat more than twice as wide as high. */
export const columnsFor = (pages: number): number => Math.max(1, Math.ceil(Math.sqrt(pages * 2.4)))

/** Squares of the pages for which `chosen` holds, as one path: a page is a unit wide, `gap` of it left free. */
export function squares(
  pages: ArenaPages,
  chosen: (page: number, pool: number) => boolean,
  gap: number,
): string {
  const columns = columnsFor(pages.pools.length)
  const side = 1 - gap
  let path = ''
  pages.pools.forEach((pool, page) => {
    if (chosen(page, pool))
      path += `M${page % columns} ${Math.floor(page / columns)}h${side}v${side}h-${side}z`
  })
  return path
}

/** The page under a point, both from 0 to 1 across the map; undefined beside the last one. */
export function pageAt(pages: ArenaPages, across: number, down: number): number | undefined {
  const columns = columnsFor(pages.pools.length)
  const rows = Math.ceil(pages.pools.length / columns)
  const column = Math.floor(across * columns)
  const row = Math.floor(down * rows)
  const page = row * columns + column
  const inside = column >= 0 && column < columns && row >= 0
  return inside && page < pages.pools.length ? page : undefined
}

/** Where an arrow key leads from a page; the page itself at an edge. */
export function pageBeside(pages: ArenaPages, page: number, key: string): number | undefined {
  const columns = columnsFor(pages.pools.length)
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    Home: -page,
    End: pages.pools.length - 1 - page,
  }
  const step = steps[key]
  if (step === undefined) return undefined
  const to = page + step
  return to >= 0 && to < pages.pools.length ? to : page
}

/** Two of them are told apart by their ports. */
export const connectionWords = ({ state, localPort, remoteAddress, remotePort }: ConnectionRecord): string =>
  state === 'LISTEN' ? `${localPort} LISTEN` : `${localPort} ⇄ ${remoteAddress}:${remotePort} ${state}`

/** What lives in a page: its pool, how much, and whose it is where that can be known. */
export function pageWords(
  pages: ArenaPages,
  page: number,
  connections: readonly ConnectionRecord[],
): { readonly pool: string; readonly words: string } {
  const number = pages.pools[page] ?? 0
  const pool = pages.poolNames[number] ?? `pool ${number}`
  return {
    pool,
    words: [fillWords(pages, page), ...ownersOf(pages, page, connections)].filter(Boolean).join(' · '),
  }
}

function fillWords(pages: ArenaPages, page: number): string {
  const fill = pages.fill[page] ?? 0
  const fit = recordsFit(pages.pools[page] ?? 0)
  if (fit !== undefined) return `${fill} of ${count(fit, 'record')}`
  return fill === 0 ? '' : `${grouped(fill)} bytes`
}

/** The connections with something in a page, in words. */
function ownersOf(pages: ArenaPages, page: number, connections: readonly ConnectionRecord[]): string[] {
  return connectionsIn(pages, page, connections).map(connectionWords)
}

/** The connections whose data or whose record is in a page. */
export function connectionsIn(
  pages: ArenaPages,
  page: number,
  connections: readonly ConnectionRecord[],
): readonly ConnectionRecord[] {
  const holder = pages.holders[page]
  if (holder) return connections.filter(({ socket }) => socket === holder)
  if (pages.poolNames[pages.pools[page] ?? 0] !== 'connections') return []
  const here = socketsIn(
    pages,
    page,
    connections.map(({ socket }) => socket),
  )
  return connections.filter(({ socket }) => here.includes(socket))
}

/** The pages that light up when a connection is chosen. */
export const litBy = (pages: ArenaPages, socket: number | undefined): ReadonlySet<number> =>
  new Set(socket === undefined ? [] : pagesOfSocket(pages, socket))
