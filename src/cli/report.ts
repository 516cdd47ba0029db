/** `ipthrottle report` in the table of commands; its code is loaded only when needed. */
import type { CliCommand } from './cli-command.ts';

export const report: CliCommand = {
  name: 'report',
  arguments: '[log...]',
  summary: 'write a page about connections and blocks, from the history or from logs of servers',
  options: [
    { flags: '--html <file>', summary: 'write it there; this must be given' },
    { flags: '--class <class>', summary: 'only this class; of logs, as replay does' },
    {
      flags: '--leap-seconds <yes|no>',
      summary: 'whether TAI64N stamps of the logs count leap seconds',
    },
    { flags: '--mask', summary: 'leave out the last parts of addresses' },
    { flags: '--since <when>', summary: 'leave out what was before it' },
    { flags: '--until <when>', summary: 'leave out what was from then on' },
  ],
  async run(invocation) {
    const { runReport } = await import('./run-report.ts');
    return runReport(invocation);
  },
};
