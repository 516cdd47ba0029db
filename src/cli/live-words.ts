/**
 * Words of a command line that only the running daemon knows: addresses, classes and settings.
 *
 * Guarantee: whatever it answers, or if it does not, there are fewer words and no failure.
 */
import type { CommandOptions } from '../commands/command.ts';
import { type Address, parseNetwork } from '../core/address.ts';
import type { Candidate, Spot } from './complete-words.ts';

/** What a command prints with these options; undefined when the daemon does not say. */
export type Ask = (
  command: string,
  args: readonly string[],
  options: CommandOptions,
) => Promise<string | undefined>;

type Source = (ask: Ask, spot: Spot, last: string) => Promise<Candidate[]>;

/** Of more blocks than these that begin as the word does, some are left out. */
const mostBlocks = '2000';

/** By command and placeholder. */
const sources: Readonly<Record<string, Readonly<Record<string, Source>>>> = {
  unblock: { address: blocked },
  check: { address: blocked },
  list: { class: classes, network: blocked },
  allow: {
    address: async (ask, spot) => (spot.arguments[0] === 'del' ? allowed(ask) : []),
  },
  var: { name: variables, value: valuesOfVariable },
};

export async function liveWords(
  placeholder: string,
  spot: Spot,
  last: string,
  ask: Ask,
): Promise<Candidate[]> {
  const source = sources[spot.command?.name ?? '']?.[placeholder];
  if (!source) return [];
  try {
    return await source(ask, spot, last);
  } catch {
    // From a daemon of another version, say. Nobody could read a complaint here.
    return [];
  }
}

/** The objects that a command prints with --json. */
async function objects<T>(
  ask: Ask,
  command: string,
  args: readonly string[] = [],
  options: CommandOptions = {},
): Promise<T[]> {
  const text = await ask(command, args, { ...options, json: true });
  return text === undefined ? [] : (JSON.parse(text) as T[]);
}

async function blocked(ask: Ask, _: Spot, last: string): Promise<Candidate[]> {
  const network = networkBegunBy(last);
  const options = { sort: 'address', limit: mostBlocks, ...(network && { network: network.text }) };
  type Listed = { readonly address: string; readonly reason: string; readonly source: string };
  const blocks = await objects<Listed>(ask, 'list', [], options);
  return blocks.map(({ address, reason, source }) => ({ word: address, about: reason || source }));
}

/** The widest network of which all addresses that begin so are a part; undefined for all addresses. */
function networkBegunBy(text: string): Address | undefined {
  const octets = /^(?:\d+\.)+/.exec(text)?.[0].split('.').slice(0, -1);
  if (octets) {
    const zeros = Array.from({ length: 4 - octets.length }, () => '0');
    return parseNetwork(`${[...octets, ...zeros].join('.')}/${8 * octets.length}`);
  }
  const groups = /^(?:[\da-f]+:)+/i.exec(text)?.[0].split(':').slice(0, -1);
  return groups && groups.length < 8
    ? parseNetwork(`${groups.join(':')}::/${16 * groups.length}`)
    : undefined;
}

async function allowed(ask: Ask): Promise<Candidate[]> {
  type Entry = { readonly address: string; readonly reason: string; readonly source: string };
  const entries = await objects<Entry>(ask, 'allow', ['list']);
  return entries
    .filter(({ source }) => source === 'operator')
    .map(({ address, reason }) => ({ word: address, about: reason }));
}

type Variable = {
  readonly name: string;
  readonly value: string;
  readonly kind: string;
  readonly summary: string;
};

function allVariables(ask: Ask): Promise<Variable[]> {
  return objects<Variable>(ask, 'var');
}

async function variables(ask: Ask): Promise<Candidate[]> {
  return (await allVariables(ask)).map(({ name, summary }) => ({ word: name, about: summary }));
}

async function classes(ask: Ask): Promise<Candidate[]> {
  const names = (await allVariables(ask)).map(({ name }) => /^classes\.([^.]+)\./.exec(name)?.[1]);
  return [...new Set(names)].flatMap((name) => (name ? [{ word: name, about: '' }] : []));
}

async function valuesOfVariable(ask: Ask, { arguments: [name] }: Spot): Promise<Candidate[]> {
  const known = (await allVariables(ask)).find((variable) => variable.name === name);
  if (!known) return [];
  const isSwitch = known.value === 'true' || known.value === 'false' || name === 'enforce';
  const words = isSwitch ? ['on', 'off'] : [known.value];
  return words.map((word) => ({ word, about: known.kind }));
}
