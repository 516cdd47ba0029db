/** What a check of `ipthrottle doctor` finds, and the words of it. */

/** A problem is wrong now; a hint may be meant so, or cannot be told from here. */
export type Finding = {
  readonly level: 'problem' | 'hint';
  readonly what: string;
  readonly remedy: string;
};

export function problem(what: string, remedy: string): Finding {
  return { level: 'problem', what, remedy };
}

export function hint(what: string, remedy: string): Finding {
  return { level: 'hint', what, remedy };
}

const maxNamed = 5;

/** `a, b and 7 more`: as much as fits in a line. */
export function someOf(names: readonly string[]): string {
  const left = names.length - maxNamed;
  const shown = names.slice(0, maxNamed).join(', ');
  return left > 0 ? `${shown} and ${left} more` : shown;
}

/** The same of what has an address. */
export function someAddresses(
  items: readonly { readonly address: { readonly text: string } }[],
): string {
  return someOf(items.map(({ address }) => address.text));
}
