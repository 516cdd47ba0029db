/** `ipthrottle doctor` in the table of commands; its code is loaded only when needed. */
import type { CliCommand } from './cli-command.ts';

export const doctor: CliCommand = {
  name: 'doctor',
  arguments: '',
  summary: 'examine the whole installation; say what is wrong and what helps',
  options: [
    { flags: '--json', summary: 'print one object' },
    {
      flags: '--probe [address]',
      summary: 'also block an address of 127.0.0.0/8, and see it dropped',
    },
  ],
  async run({ file, options }) {
    const { runDoctor } = await import('./run-doctor.ts');
    return runDoctor(file, options);
  },
};
