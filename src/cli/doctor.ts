/** How `ipthrottle doctor` is shown and parsed; the manual and its test read it like other commands. */
export const doctor = {
  name: 'doctor',
  arguments: '',
  summary: 'look over the whole installation and say what is wrong and what helps',
  options: [
    { flags: '--json', summary: 'print one object' },
    {
      flags: '--probe [address]',
      summary: 'also block an address of 127.0.0.0/8, and see it dropped',
    },
  ],
} as const;
