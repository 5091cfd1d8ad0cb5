/**
 * Sequence number arithmetic, RFC 9293, 3.4: numbers modulo 2^32, compared by the sign of their difference. They are
 * kept as signed 32-bit integers, so that a difference is one subtraction.
 */

/** a < b */
export const seqLt = (a: number, b: number): boolean => ((a - b) | 0) < 0
/** a ≤ b */
export const seqLe = (a: number, b: number): boolean => ((a - b) | 0) <= 0
/** a > b */
export const seqGt = (a: number, b: number): boolean => ((a - b) | 0) > 0
/** a ≥ b */
export const seqGe = (a: number, b: number): boolean => ((a - b) | 0) >= 0
/** How far `a` is ahead of `b`; negative when it is behind. */
export const seqDiff = (a: number, b: number): number => (a - b) | 0
/** The later of the two. */
export const seqMax = (a: number, b: number): number => (((a - b) | 0) > 0 ? a : b)
