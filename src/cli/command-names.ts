/** Which command a line names, found without the program that parses it: the entry loads no more than that command needs. */

/** Global options that take a value; the word after one is not a command. */
const WITH_VALUE = new Set(['--state-dir', '--output', '-o', '--namespace', '-n']);

/** The words that may be the command: the first one that is no option, and the topic after `help`. */
export function commandNames(words: readonly string[]): string[] {
  const found: string[] = [];
  for (let i = 0; i < words.length && found.length < 2; i++) {
    const word = words[i] ?? '';
    if (word === '--') break;
    if (WITH_VALUE.has(word)) i++;
    else if (!word.startsWith('-')) found.push(word);
  }
  return found[0] === 'help' ? found : found.slice(0, 1);
}
