/** What each drop reason means to a person: for captures and the page. Kept out of the profiles. */
import { Drop } from './drop.ts'

const SENTENCES: Readonly<Record<Drop, string>> = {
  [Drop.None]: 'Taken.',
  [Drop.Truncated]: 'Shorter than its headers.',
  [Drop.NotForUs]: 'Addressed to another station.',
  [Drop.UnknownEtherType]: 'An EtherType that no one here speaks.',
  [Drop.BadArp]: 'ARP for other hardware or protocols, or of the wrong length.',
  [Drop.AddressConflict]: 'Another station uses our address.',
  [Drop.BadIpVersion]: 'Not IP version 4.',
  [Drop.BadIpHeaderLength]: 'The IP header length is impossible.',
  [Drop.BadIpLength]: 'The IP total length does not fit the frame.',
  [Drop.BadIpChecksum]: 'The IP header checksum is wrong.',
  [Drop.BadIpOptions]: 'The IP options are malformed.',
  [Drop.BadSource]: 'A source address that no host may use.',
  [Drop.WrongDestination]: 'The IP address is not ours.',
  [Drop.Fragment]: 'A fragment, and this profile reassembles none.',
  [Drop.UnknownProtocol]: 'An IP protocol that no one here speaks.',
  [Drop.BadIcmpLength]: 'The ICMP message is too short.',
  [Drop.BadIcmpChecksum]: 'The ICMP checksum is wrong.',
  [Drop.UnknownIcmpType]: 'An ICMP type that no one here speaks.',
  [Drop.BadUdpLength]: 'The UDP length does not fit the datagram.',
  [Drop.BadUdpChecksum]: 'The UDP checksum is wrong.',
  [Drop.BadTcpLength]: 'The TCP header does not fit the datagram.',
  [Drop.BadTcpChecksum]: 'The TCP checksum is wrong.',
  [Drop.BadTcpOptions]: 'The TCP options are malformed.',
  [Drop.NoPort]: 'Nothing listens on that port.',
  [Drop.NoConnection]: 'No connection has these four numbers.',
  [Drop.OutsideWindow]: 'Not one byte lies inside the receive window.',
  [Drop.BadAck]: 'It acknowledges what was never sent, or is too old.',
  [Drop.Challenged]: 'It may be forged; answered with a challenge ACK.',
  [Drop.BadReset]: 'A reset outside the window, or for nothing.',
  [Drop.NoAck]: 'The ACK bit is missing.',
  [Drop.Backlog]: 'The listen queue is full.',
  [Drop.Duplicate]: 'All of it was received before.',
  [Drop.ReaderGone]: 'Data after the reader has gone.',
  [Drop.NoMemory]: 'The memory budget is used up.',
  [Drop.QueueFull]: 'The socket’s queue is full.',
  [Drop.NoAddress]: 'The host has no address yet.',
  [Drop.BadFragmentLength]: 'The fragment is empty, or is not the last and no multiple of 8 bytes long.',
  [Drop.FragmentBeyondEnd]: 'The fragment would make a datagram of more than 65,535 bytes.',
  [Drop.TinyFragment]: 'The fragment splits the transport header, as only attacks do.',
  [Drop.FragmentOverlap]: 'Fragments overlap or disagree about the end: the whole datagram is dropped.',
  [Drop.ReassemblyFull]: 'Too many datagrams wait for their fragments.',
  [Drop.DatagramTooLarge]: 'The datagram is larger than its protocol allows, or than can be answered.',
}

/** The reason's name, such as 'BadTcpChecksum'. */
export function dropName(drop: Drop): string {
  for (const [name, code] of Object.entries(Drop)) if (code === drop) return name
  return `Drop ${drop}`
}

/** One sentence that says what happened. */
export const dropSentence = (drop: Drop): string => SENTENCES[drop]
