/** How many columns of a terminal a text takes, which are not as many as it has characters. */

const plain = /^[ -~]*$/;
/** Drawn over the character before. */
const combining = /\p{Mn}|\p{Me}/u;
/** Of East Asia, and pictures: two columns each. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** Whether the text is as wide as it is long, and drives no terminal. */
export function isPlain(text: string): boolean {
  return plain.test(text);
}

function widthOf(character: string): number {
  if (combining.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** Of printable text. */
export function displayWidth(text: string): number {
  if (isPlain(text)) return text.length;
  return Array.from(text, widthOf).reduce((sum, width) => sum + width, 0);
}

/** `text` in at most `width` columns; one that is cut ends in `...`. */
export function cutTo(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let [kept, room] = ['', width - 3];
  for (const character of text) {
    room -= widthOf(character);
    if (room < 0) break;
    kept += character;
  }
  return `${kept}...`;
}
