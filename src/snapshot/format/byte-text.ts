/** Texts of configuration in the form that heads have: one character a byte, so that what goes out is latin1 of it. */

/** The bytes of UTF-8, one a character. */
export function byteText(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
