/** `ipthrottle replay` in the table of commands; its code is loaded only when needed. */
import type { CliCommand } from './cli-command.ts';

export const replay: CliCommand = {
  name: 'replay',
  arguments: '<log...>',
  summary: 'say what the limits would have done to the connections in logs of servers',
  options: [
    {
      flags: '--against <file>',
      summary: 'also replay this configuration, and tell the differences',
    },
    { flags: '--class <class>', summary: 'count connections in this class instead of ip' },
    { flags: '--json', summary: 'print one object' },
    {
      flags: '--leap-seconds <yes|no>',
      summary: 'whether TAI64N stamps count leap seconds, as those of s6-log do',
    },
    { flags: '--since <when>', summary: 'leave out connections before it' },
    { flags: '--suggest [percent]', summary: 'suggest limits that spare so many of the clients' },
    { flags: '--try <limits>', summary: 'compare these limits, as 60/10,3600/100' },
    { flags: '--until <when>', summary: 'leave out connections from then on' },
  ],
  async run(invocation) {
    const { runReplay } = await import('./run-replay.ts');
    return runReplay(invocation);
  },
};
