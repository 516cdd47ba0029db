/**
 * A person's line as words, separated by blanks. Single quotes keep everything between them, double
 * quotes everything but a backslash, and a backslash keeps the character after it.
 *
 * Pure. Unlike a shell it expands nothing.
 */

type State = { word: string | undefined; quote: '"' | "'" | undefined };

/** The words, or a sentence that says what is wrong with the line. */
export function splitWords(line: string): string[] | string {
  const words: string[] = [];
  const state: State = { word: undefined, quote: undefined };
  const characters = line[Symbol.iterator]();
  for (const character of characters) {
    if (character === '\\' && state.quote !== "'") {
      const { value, done } = characters.next();
      if (done) return 'nothing follows the last backslash';
      state.word = (state.word ?? '') + value;
    } else if (character === state.quote) {
      state.quote = undefined;
    } else if (!state.quote && (character === '"' || character === "'")) {
      state.quote = character;
      state.word ??= '';
    } else if (!state.quote && (character === ' ' || character === '\t')) {
      if (state.word !== undefined) words.push(state.word);
      state.word = undefined;
    } else {
      state.word = (state.word ?? '') + character;
    }
  }
  if (state.quote) return `a quote is not closed: ${state.quote}`;
  if (state.word !== undefined) words.push(state.word);
  return words;
}
