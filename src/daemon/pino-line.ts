/**
 * The lines of the log in pino's own format, for programs that read it. A file of its own, because only
 * that format needs pino, which takes memory.
 */
import { pino } from 'pino';
import { printable } from '../runtime/log.ts';
import type { Entry } from './daemon-log.ts';

let made = '';
let time = '';
const logger = pino(
  {
    base: null,
    level: 'debug',
    timestamp: () => `,"time":"${time}"`,
    formatters: { level: (level) => ({ level }) },
  },
  {
    write(json) {
      made = json.trimEnd();
    },
  },
);

export function pinoLine({ level, time: at, msg, ...fields }: Entry): string {
  time = at;
  logger[level](fields, msg);
  return printable(made);
}
