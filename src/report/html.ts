/**
 * Writes HTML. Guarantee: what is put into a template is escaped, in text and in quoted attributes
 * alike, unless it was made by a template itself.
 */

export type Html = { readonly html: string };

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What is no character of a document. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unprintable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g;

function escaped(text: string): string {
  return text
    .replace(unprintable, '\ufffd')
    .replace(/[&<>"']/g, (each) => entities[each] as string);
}

/** A template of HTML. */
export function html(
  pieces: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  const texts = values.map((value) => {
    if (typeof value === 'string' || typeof value === 'number') return escaped(String(value));
    return 'html' in value ? value.html : value.map((each) => each.html).join('');
  });
  return { html: pieces.map((piece, index) => piece + (texts[index] ?? '')).join('') };
}
