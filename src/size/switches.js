/**
 * The switches of the README's table that exist today, as Kconfig would know them: which feature each one fills,
 * where it stands, what it needs. A new feature is one line here and one in each profile that has it.
 */

/**
 * @typedef {object} Switch
 * @property {string} name as in the README's table
 * @property {string} feature the property of `Features` (src/stack/core.ts) that it fills
 * @property {string} from its module, from src/stack
 * @property {string} export its name there
 * @property {true} [socket] whether it is a kind of socket, too
 * @property {readonly string[]} [needs] switches without which it cannot work
 * @property {readonly string[]} [literals] what stands in a built file if, and only if, the switch is on: numbers and words that no minifier changes
 */

/** What every stack has, whatever is switched. A switch that fills the same feature takes its place. */
export const BASE = [
  { feature: 'congestion', from: 'tcp/reno.ts', export: 'reno' },
  // FIB_LIST, where FIB_TRIE does not take its place.
  { feature: 'fib', from: 'ip/fib-list.ts', export: 'fibList' },
]

/**
 * In the order of `Features`.
 *
 * @type {readonly Switch[]}
 */
export const SWITCHES = [
  { name: 'FIB_TRIE', feature: 'fib', from: 'ip/fib-trie.ts', export: 'fibTrie' },
  { name: 'RTNETLINK', feature: 'tables', from: 'ip/tables.ts', export: 'rtnetlink' },
  { name: 'IP_FORWARD', feature: 'forwarding', from: 'ip/forward.ts', export: 'ipForward' },
  { name: 'IP_OPTIONS', feature: 'options', from: 'ip/options.ts', export: 'ipOptions' },
  { name: 'ICMP_REDIRECT', feature: 'redirects', from: 'icmp/redirect.ts', export: 'icmpRedirects' },
  { name: 'ICMP_TIMESTAMP', feature: 'icmpTimestamp', from: 'icmp/timestamp.ts', export: 'icmpTimestamp' },
  { name: 'TCP_CUBIC', feature: 'congestion', from: 'tcp/cubic.ts', export: 'cubic', literals: ['25e8'] },
  {
    name: 'TCP_WSCALE',
    feature: 'windowScale',
    from: 'tcp/window-scale.ts',
    export: 'windowScale',
    literals: ['Math.min(14,'],
  },
  {
    name: 'TCP_TIMESTAMPS',
    feature: 'timestamps',
    from: 'tcp/timestamps.ts',
    export: 'timestamps',
    literals: ['31640'],
  },
  {
    name: 'SYN_COOKIES',
    feature: 'synCookies',
    from: 'tcp/syn-cookies.ts',
    export: 'synCookies',
    needs: ['TCP_TIMESTAMPS', 'TCP_WSCALE'],
    literals: ['1220'],
  },
  {
    name: 'DESTINATIONS',
    feature: 'destinations',
    from: 'ip/destinations.ts',
    export: 'destinations',
  },
  {
    name: 'TCP_FASTOPEN',
    feature: 'fastOpen',
    from: 'tcp/fast-open.ts',
    export: 'fastOpen',
    needs: ['DESTINATIONS'],
  },
  {
    name: 'TCP_METRICS',
    feature: 'metrics',
    from: 'tcp/metrics.ts',
    export: 'metrics',
    needs: ['DESTINATIONS'],
  },
  {
    name: 'PATH_MTU',
    feature: 'pathMtu',
    from: 'tcp/path-mtu.ts',
    export: 'pathMtu',
    needs: ['DESTINATIONS', 'SO_SETTINGS', 'TCP_TIMESTAMPS'],
    literals: ['1492'],
  },
  {
    name: 'SO_SETTINGS',
    feature: 'settings',
    from: 'tcp/settings.ts',
    export: 'socketSettings',
  },
  { name: 'TCP_SACK', feature: 'sack', from: 'tcp/sack.ts', export: 'sack' },
  { name: 'TCP_RACK', feature: 'rack', from: 'tcp/rack.ts', export: 'rack', needs: ['TCP_SACK'] },
  { name: 'TCP_ECN', feature: 'ecn', from: 'tcp/ecn.ts', export: 'ecn' },
  { name: 'TCP_URGENT', feature: 'urgent', from: 'tcp/urgent.ts', export: 'urgentData' },
  { name: 'IP_FRAG', feature: 'fragments', from: 'ip/fragments.ts', export: 'ipFragments' },
  { name: 'IP_FRAG_SMALL', feature: 'fragments', from: 'ip/fragments.ts', export: 'ipFragmentsSmall' },
  { name: 'IP_MULTICAST', feature: 'multicast', from: 'igmp/multicast.ts', export: 'ipMulticast' },
  { name: 'IP_OFFLOAD', feature: 'offload', from: 'tcp/offload.ts', export: 'offload', literals: ['65549'] },
  { name: 'DHCP_CLIENT', feature: 'dhcpClient', from: 'dhcp/client.ts', export: 'dhcpClient' },
  { name: 'DHCP_SERVER', feature: 'dhcpServer', from: 'dhcp/server.ts', export: 'dhcpServer' },
  { name: 'DNS', feature: 'dns', from: 'dns/resolver.ts', export: 'resolver' },
  { name: 'MDNS', feature: 'mdns', from: 'dns/mdns.ts', export: 'mdns', needs: ['DNS', 'IP_MULTICAST'] },
  { name: 'IP_PING', feature: 'ping', from: 'icmp/ping.ts', export: 'pingSockets', socket: true },
  { name: 'IPV6', feature: 'ipv6', from: 'ip6/ipv6.ts', export: 'ipv6Protocol' },
  { name: 'INET_RAW', feature: 'raw', from: 'ip/raw.ts', export: 'rawSockets', socket: true },
  { name: 'PACKET', feature: 'packet', from: 'packet/packet.ts', export: 'packetSockets', socket: true },
  {
    name: 'PACKET_MMAP',
    feature: 'packetRing',
    from: 'packet/ring.ts',
    export: 'packetRing',
    needs: ['PACKET'],
  },
  {
    name: 'NETLINK',
    feature: 'netlink',
    from: 'netlink/netlink.ts',
    export: 'netlinkSockets',
    socket: true,
    needs: ['RTNETLINK'],
  },
  { name: 'LPF_FILTER', feature: 'filter', from: 'filter/filter.ts', export: 'socketFilters' },
  { name: 'NET_ETHTOOL', feature: 'ethtool', from: 'ethernet/ethtool.ts', export: 'netEthtool' },
  { name: 'INET_DIAG', feature: 'diag', from: 'diag/diag.ts', export: 'inetDiag' },
  {
    name: 'PROC_FS',
    feature: 'procFs',
    from: 'proc/proc-fs.ts',
    export: 'procFs',
    literals: ['ipInReceives'],
  },
]

/**
 * What a user meets without a switch: the table's last column, shown by src/size/profiles.test.ts.
 *
 * @type {Readonly<Record<string, string>>}
 */
export const WITHOUT = {
  IP_FRAG: 'EMSGSIZE for what a frame does not hold; fragments are dropped',
  IP_FRAG_SMALL: 'EMSGSIZE for what a frame does not hold; fragments are dropped',
  FIB_TRIE: 'the same answers at linear cost',
  IP_FORWARD: 'what is for others is dropped',
  IP_OPTIONS: 'options are passed over, and none is answered',
  ICMP_REDIRECT: 'a redirect is dropped: the first gateway stays',
  ICMP_TIMESTAMP: 'a timestamp request is dropped',
  DESTINATIONS: 'nothing is remembered of a destination; others stand on it',
  PATH_MTU: 'a smaller MTU on the way is not found',
  SO_SETTINGS: 'ENOPROTOOPT',
  NETLINK: 'EPROTONOSUPPORT: RTNETLINK is a call alone',
  IPV6: 'IPv4 alone',
  DHCP_CLIENT: 'addresses are link-local or set by hand',
  DHCP_SERVER: 'nobody is given an address',
  DNS: 'names are not resolved',
  MDNS: 'names in .local are not resolved or answered for',
  TCP_SACK: 'the option is not offered',
  TCP_TIMESTAMPS: 'the option is not offered',
  TCP_WSCALE: 'the option is not offered: windows end at 65,535 bytes',
  TCP_CUBIC: 'NewReno alone',
  TCP_RACK: 'RTO and fast retransmit only',
  TCP_ECN: 'congestion is told by loss alone',
  TCP_URGENT: 'urgent data is read in line, and nobody is told',
  TCP_FASTOPEN: 'data waits for the handshake',
  TCP_METRICS: 'each connection starts fresh',
  SYN_COOKIES: 'a full backlog drops SYNs',
  IP_OFFLOAD: 'one frame a segment',
  IP_PING: 'EPROTONOSUPPORT: ping needs raw sockets',
  INET_RAW: 'EPROTONOSUPPORT',
  PACKET: 'no capture on the host itself',
  PACKET_MMAP: 'no capture ring in the arena',
  LPF_FILTER: 'ENOPROTOOPT',
  RTNETLINK: 'ip fails, ifconfig works',
  NET_ETHTOOL: 'EOPNOTSUPP',
  IP_MULTICAST: 'a join gives EINVAL',
  PROC_FS: 'counters vanish; drops still return their reason',
  INET_DIAG: 'ss fails',
}

/**
 * The switches of these names, in the table's order.
 *
 * Throws a RangeError of one sentence when a name is unknown, when a switch lacks what it needs, and when two are
 * alternatives.
 *
 * @param {readonly string[]} names
 * @param {readonly Switch[]} [table]
 * @returns {readonly Switch[]}
 */
export function switchesNamed(names, table = SWITCHES) {
  const known = table.map(({ name }) => name)
  for (const name of names)
    if (!known.includes(name))
      throw new RangeError(`There is no switch ${name || "''"}; there are ${known.join(', ')}.`)
  const chosen = table.filter(({ name }) => names.includes(name))
  for (const { name, needs = [] } of chosen) {
    const missing = needs.filter(need => !names.includes(need))
    if (missing.length > 0)
      throw new RangeError(
        `${name} needs ${missing.join(' and ')}: add ${missing.length > 1 ? 'them' : 'it'} or leave ${name} out.`,
      )
  }
  for (const [i, { name, feature }] of chosen.entries()) {
    const other = chosen.slice(i + 1).find(later => later.feature === feature)
    if (other)
      throw new RangeError(
        `${name} and ${other.name} are alternatives: a stack has one ${feature}, choose one.`,
      )
  }
  return chosen
}

/**
 * A legal set with the switch and the same set without it: what lies between them is the switch's cost.
 *
 * @param {string} name
 * @param {readonly string[]} around the set that it is measured in
 * @param {readonly Switch[]} [table]
 * @returns {{ with: readonly string[], without: readonly string[] }}
 */
export function pairAround(name, around, table = SWITCHES) {
  const subject = table.find(entry => entry.name === name)
  const needed = closure(name, table)
  const without = around.filter(other => {
    if (other === name || closure(other, table).has(name)) return false
    return table.find(entry => entry.name === other)?.feature !== subject?.feature
  })
  for (const need of needed) if (need !== name && !without.includes(need)) without.push(need)
  return { with: [...without, name], without }
}

/**
 * @param {string} name
 * @param {readonly Switch[]} [table]
 * @returns {Set<string>} the switch and all that it needs, directly or not
 */
export function closure(name, table = SWITCHES) {
  const all = new Set([name])
  for (const one of all)
    for (const need of table.find(entry => entry.name === one)?.needs ?? []) all.add(need)
  return all
}

/** As the profiles' imports stand, so that a set with a profile's switches is that profile to the byte. */
const byPath = (/** @type {string} */ a, /** @type {string} */ b) =>
  (a.split("'")[1] ?? '') < (b.split("'")[1] ?? '') ? -1 : 1

/**
 * A composition root for a set, as src/stack/profiles has them for the presets.
 *
 * @param {readonly Switch[]} chosen
 * @returns {string} TypeScript, to stand in src/stack/profiles
 */
export function compositionOf(chosen) {
  const always = BASE.map(base => chosen.find(({ feature }) => feature === base.feature) ?? base)
  const sockets = chosen.filter(({ socket }) => socket).map(one => one.export)
  const parts = [...new Set([...always, ...chosen])]
  const properties = parts.map(part => `${part.feature}: ${part.export}`)
  if (sockets.length > 0) properties.push(`sockets: [${sockets.join(', ')}]`)
  return [
    `import { compose } from '../create.ts'`,
    ...parts.map(part => `import { ${part.export} } from '../${part.from}'`).sort(byPath),
    `export const createStack = (config, environment) =>`,
    `  compose(config, environment, { ${properties.join(', ')} })`,
  ].join('\n')
}
