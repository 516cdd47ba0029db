/**
 * The name that a mistyped one was probably meant to be.
 */

/** How many letters must be changed, added, removed or swapped with their neighbours. */
function distance(from: string, to: string): number {
  let [before, row] = [[] as number[], Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      const [left, up, corner] = [next[j - 1] ?? 0, row[j] ?? 0, row[j - 1] ?? 0];
      let least = Math.min(left + 1, up + 1, corner + same);
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? 0;
}

const longestName = 64;

/** The nearest of `names`, if at most about a third of `name` is wrong. */
export function closestName(name: string, names: Iterable<string>): string | undefined {
  if (name.length > longestName) return undefined;
  const wanted = name.toLowerCase().replaceAll('-', '_');
  let [best, least] = [undefined as string | undefined, Math.max(1, name.length / 3) + 0.5];
  for (const candidate of names) {
    const far = distance(wanted, candidate);
    if (far < least) [best, least] = [candidate, far];
  }
  return best;
}

/** `; did you mean ip?`, or '' when no name is near. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const near = closestName(name, names);
  return near === undefined ? '' : `; did you mean ${near}?`;
}
