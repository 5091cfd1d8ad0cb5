/** The page begins: the look, the worker that runs the segment, the lab over it, and the components that show it. */
import { connectSegment } from '../host/client.ts'
import type { Sizes } from '../lab/diet.ts'
import { Gaps, LOOK_EVERY } from '../lab/gap.ts'
import { type Random, releaseIdentities, takeIdentities } from '../lab/identity.ts'
import { Lab } from '../lab/lab.ts'
import { type AddressBar, Visit } from '../lab/visit.ts'
import { parseInvitation } from '../room/invitation.ts'
import { kept } from './kept.ts'
import { tokens } from './look.ts'
import './page.ts'

const random: Random = below =>
  Math.floor(((crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32) * below)

const addressBar: AddressBar = {
  read: () => location.href,
  show: link => history.replaceState(null, '', link),
}

/** Figures that are still being measured are asked for again after so long. */
const SIZES_AGAIN_MS = 3_000

const isInvited = (): boolean => parseInvitation(location.href).kind === 'invitation'

/** What outlives a reload of this tab. */
const tab = kept(() => sessionStorage)
const identities = takeIdentities(tab, random, !isInvited())
/** Whether whoever comes next in this tab has the neighbour too. */
let { withNeighbour } = identities
const segment = connectSegment(new URL('stack/', document.baseURI).href)
const lab = new Lab(segment, identities)
const visit = new Visit(lab, segment, addressBar)

if (tokens.styleSheet) document.adoptedStyleSheets = [tokens.styleSheet]
document.title = `${identities.own.name} · lanlet`
const page = document.createElement('lanlet-page')
page.lab = lab
page.visit = visit
document.body.append(page)

addEventListener('pagehide', () => {
  releaseIdentities(tab, { ...identities, withNeighbour })
  visit.leave()
})
// A page that comes back from the browser's cache has left its room: it begins anew.
addEventListener('pageshow', event => event.persisted && location.reload())
// Another invitation pasted into the same tab is another page.
addEventListener('hashchange', () => {
  withNeighbour = !isInvited()
  location.reload()
})

/** Tells the lab what the stacks cost, once it is known; the cost of each switch may be measured while the page is served. */
async function readSizes(): Promise<void> {
  const response = await fetch(new URL('size.json', document.baseURI), { cache: 'no-cache' })
  lab.sizes = (await response.json()) as Sizes
  if (Object.keys(lab.sizes.switches).length === 0) setTimeout(readSizes, SIZES_AGAIN_MS)
}
// Nothing waits for it.
readSizes().catch(error => console.error('What the stacks cost is not known:', error))

const gaps = new Gaps(performance.now(), Date.now())
setInterval(() => {
  const gap = gaps.look(performance.now(), Date.now(), document.hidden)
  if (gap !== undefined) lab.remark(gap, 'page')
}, LOOK_EVERY)

if (tab === undefined)
  lab.remark(
    'This browser keeps nothing for this page: after a reload it is another host with another name. Allow the site to store data, and it stays the same.',
    'page',
  )
await lab.start()
await visit.open()
