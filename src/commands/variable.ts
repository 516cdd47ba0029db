/** `var`: every setting as it is in use, and changes of those that can change at once. */
import { type Command, daemonOf } from './command.ts';
import type { Variable } from './running-daemon.ts';
import { tableLines } from './words.ts';

function row({ name, value, configured, isLive }: Variable): string[] {
  return [name, value, isLive ? 'yes' : 'no', configured ?? ''];
}

function line({ name, value, configured }: Variable): string {
  return `${name} = ${value}${configured === undefined ? '' : ` (configured: ${configured})`}`;
}

export const variable: Command = {
  name: 'var',
  arguments: '[name] [value...]',
  summary: 'show the settings in use, or change one until the next reload',
  options: [],
  changes: false,
  needsDaemon: true,
  run(context, [name, ...words]) {
    const { variables } = daemonOf(context);
    if (name === undefined) {
      const rows = [['NAME', 'VALUE', 'LIVE', 'CONFIGURED'], ...variables.all().map(row)];
      return { exit: 0, lines: tableLines(rows) };
    }
    if (words.length > 0) return { exit: 0, lines: [line(variables.set(name, words, context.by))] };
    const found = variables.get(name);
    const may = found.isLive ? 'can be changed here' : 'not live: change the configuration';
    return { exit: 0, lines: [line(found), `  ${found.summary}`, `  ${found.kind}; ${may}`] };
  },
};
