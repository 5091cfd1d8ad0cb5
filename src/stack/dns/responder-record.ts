/** The record of our own name. */

/** Offsets in the responder's record, behind chain, timer node and kind (core.ts); times in ms. */
export const RESPONDER_STATE = 17
/** Probes or announcements still to be sent. */
export const LEFT = 18
/** 0 and 1: the name as configured; else it is name-2, name-3 … */
export const SUFFIX = 20
/** RFC 6762, 8.1: how many conflicts there were, and since when they are counted. */
export const CONFLICTS = 22
export const CONFLICTS_SINCE = 24
/** Four words: when A, PTR, NSEC and AAAA were last told to all. */
export const LAST_SENT = 28
/** The name as configured. */
export const BASE_LENGTH = 44
export const BASE = 45
/** The name in use and the name of the address, flat. */
export const NAME = 108
export const REVERSE = 180

/** No address, so no name. */
export const SILENT = 0
export const PROBING = 1
export const ANNOUNCING = 2
export const ESTABLISHED = 3

/** The answer that is about to be given, a record of its own because it has a timer of its own. */
export const PENDING = 17
/** Who said that more known answers follow. */
export const PENDING_FROM = 20
