/** `ipthrottle top` in the table of commands; its code is loaded only when needed. */
import { busyOrders } from '../gatekeeper/busy-value.ts';
import type { CliCommand } from './cli-command.ts';

export const top: CliCommand = {
  name: 'top',
  arguments: '',
  summary: 'watch the values that are hit most now; block, unblock and allow them',
  options: [
    { flags: '-1, --once', summary: 'print one screen; so it is when stdout is no terminal' },
    { flags: '-n, --frames <count>', summary: 'end after so many screens' },
    { flags: '-d, --delay <seconds>', summary: 'between two screens, from 0.5 to 60 (default: 1)' },
    { flags: '--sort <order>', summary: `by ${busyOrders.join(', ')} (default: rate)` },
    { flags: '--class <class>', summary: 'only values of this class' },
    { flags: '--filter <text>', summary: 'only values with this text in them' },
    { flags: '--read-only', summary: 'no key changes anything' },
    { flags: '--ascii', summary: 'draw with ASCII characters only' },
    { flags: '--json', summary: 'print one object a line, for each screen' },
  ],
  async run({ file, options }) {
    const { runTop } = await import('./top/run-top.ts');
    return runTop(file, options);
  },
};
