/** The findings of `ipthrottle doctor`, and how to word them. */

/** A problem is wrong now; a hint may be intended, or cannot be verified from here. */
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

/** `a, b and 7 more`: as many as fit in a line. */
export function someOf(names: readonly string[]): string {
  const left = names.length - maxNamed;
  const shown = names.slice(0, maxNamed).join(', ');
  return left > 0 ? `${shown} and ${left} more` : shown;
}

/** `someOf` for items with an address. */
export function someAddresses(
  items: readonly { readonly address: { readonly text: string } }[],
): string {
  return someOf(items.map(({ address }) => address.text));
}
