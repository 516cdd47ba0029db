/** `var`: every setting as it is in use, and changes of those that can change at once. */
import { type Column, type Command, daemonOf } from './command.ts';
import type { Variable } from './running-daemon.ts';
import { countedNoun } from './words.ts';

const columns: readonly Column[] = [
  { name: 'NAME' },
  { name: 'VALUE', rank: 1, least: 12 },
  { name: 'LIVE', rank: 3 },
  { name: 'CONFIGURED', rank: 2, least: 12 },
];

function row({ name, value, configured, isLive }: Variable): string[] {
  return [name, value, isLive ? 'yes' : 'no', configured ?? ''];
}

function json({ name, value, configured, isLive, kind, summary }: Variable) {
  return { name, value, configured: configured ?? null, live: isLive, kind, summary };
}

function line({ name, value, configured }: Variable): string {
  return `${name} = ${value}${configured === undefined ? '' : ` (configured: ${configured})`}`;
}

export const variable: Command = {
  name: 'var',
  arguments: '[name] [value...]',
  summary: 'show the settings in use, or change one until the next reload',
  options: [{ flags: '--json', summary: 'print one object, or an array of them without a name' }],
  changes: false,
  needsDaemon: true,
  run(context, [name, ...words], options) {
    const { variables } = daemonOf(context);
    if (name === undefined) {
      const all = variables.all();
      if (options.json) return { exit: 0, lines: [JSON.stringify(all.map(json))] };
      const footer = countedNoun(all.length, 'variable');
      return { exit: 0, lines: [{ columns, rows: all.map(row), footer }] };
    }
    const found = words.length > 0 ? variables.set(name, words, context.by) : variables.get(name);
    if (options.json) return { exit: 0, lines: [JSON.stringify(json(found))] };
    if (words.length > 0) return { exit: 0, lines: [line(found)] };
    const may = found.isLive ? 'can be changed here' : 'not live: change the configuration';
    return { exit: 0, lines: [line(found), `  ${found.summary}`, `  ${found.kind}; ${may}`] };
  },
};
