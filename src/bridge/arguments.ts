/** What `lanlet bridge` is asked to do, and what is wrong with it when that cannot be read. */
import { parseArgs } from 'node:util'
import { type Invitation, parseInvitation } from '../room/invitation.ts'
import { parseIpv4 } from '../stack/ip/addresses.ts'

export const USAGE = `lanlet bridge 'LINK' [--tap NAME] [--address A.B.C.D/N] [--name NAME]

Joins a TAP device of this Linux machine to the room that LINK invites to.

  LINK        what Invite gives on a page: between quotes, for it holds an &
  --tap       what the device is called; lanlet0 unless said otherwise
  --address   the device's own address, such as 169.254.7.7/16: pages have theirs in 169.254.0.0/16
  --name      what the others see; this machine's name unless said otherwise`

export interface BridgeWish {
  readonly invitation: Invitation
  /** The page that the link leads to: what it is configured with counts here too. */
  readonly page: string
  readonly device: string
  /** 'a.b.c.d/n', if one is asked for. */
  readonly address: string | undefined
  readonly name: string
}

export type ParsedArguments =
  | { readonly kind: 'bridge'; readonly wish: BridgeWish }
  | { readonly kind: 'help' }
  /** `why`: one sentence. */
  | { readonly kind: 'wrong'; readonly why: string }

/** `args`: what stands behind the program's name. `hostname`: this machine's. */
export function parseArguments(args: readonly string[], hostname: string): ParsedArguments {
  const read = readOptions(args)
  if (typeof read === 'string') return wrong(read)
  const { values, positionals } = read
  const [command, link, extra] = positionals
  if (values.help === true || command === undefined) return { kind: 'help' }
  if (command !== 'bridge') return wrong(`There is no command ‘${command}’: there is lanlet bridge.`)
  if (link === undefined) return wrong('lanlet bridge takes the link that Invite gives on a page.')
  if (extra !== undefined) return wrong(`One link is enough; ‘${extra}’ is left over.`)
  const invitation = invitationOf(link)
  if (typeof invitation === 'string') return wrong(invitation)
  const { tap: device = 'lanlet0', address, name = nameFrom(hostname) } = values
  // Linux: 15 bytes, no slash, no space, no colon.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(device))
    return wrong(`‘${device}’ is no device’s name: it takes up to 15 letters, digits, dots, hyphens and _.`)
  if (address !== undefined && !isAddress(address))
    return wrong(`‘${address}’ is no address with a prefix’s length, such as 169.254.7.7/16.`)
  if (!NAME.test(name))
    return wrong(`‘${name}’ is no name: it takes up to 32 lower-case letters, digits and inner hyphens.`)
  return { kind: 'bridge', wish: { invitation, page: link.trim(), device, address, name } }
}

/** The part of a host's name that pages show. */
const NAME = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/

const wrong = (why: string): ParsedArguments => ({ kind: 'wrong', why })

function readOptions(args: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { tap: text, address: text, name: text, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    // Node's own words; what follows the first sentence is advice about its ways.
    return `${(error as Error).message.split(/\.\s|\n/)[0]?.replace(/\.$/, '')}.`
  }
}

function invitationOf(link: string): Invitation | string {
  const parsed = parseInvitation(link)
  if (parsed.kind === 'wrong') return `${parsed.why} Put it between quotes, for it holds an &.`
  if (parsed.kind === 'none' || !/^https?:\/\/./.test(link.trim()))
    return 'The link invites nowhere: copy the whole link that Invite gives on a page, https:// and # and all.'
  return parsed.invitation
}

function isAddress(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/')
  return (
    rest.length === 0 && parseIpv4(address) !== undefined && /^\d{1,2}$/.test(length) && Number(length) <= 32
  )
}

/** 'Dora_2.example.org' is dora-2. */
function nameFrom(hostname: string): string {
  const label = (hostname.split('.')[0] ?? '').toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return label.slice(0, 32).replace(/^-+|-+$/g, '') || 'machine'
}
