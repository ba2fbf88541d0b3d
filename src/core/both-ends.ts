/** Shortens what others wrote, such as reasons of refusals, in the middle: causes stand at either end. */

/** `text`, or where it has more than `maxChars` its first third and the rest of its end. */
export function bothEnds(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const head = Math.floor(maxChars / 3);
  return `${text.slice(0, head)}…${text.slice(text.length - (maxChars - head - 1))}`;
}
