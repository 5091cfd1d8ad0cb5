/**
 * What an option of a command says, as a number; what is none ends the command with one sentence.
 *
 * @param {string} name of the option, without its dashes
 * @param {string} text
 * @returns {number} whole, 0 or more
 */
export function whole(name, text) {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  console.error(`--${name} takes a whole number of 0 or more, not '${text}'.`)
  process.exit(2)
}
