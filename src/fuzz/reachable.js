/** Which of the stack's branches are on a frame's way; the rest is entered by calls of the host's alone. */

/** @param {string} place 'file:line' */
export const isOnTheWay = place => place.length > 0
