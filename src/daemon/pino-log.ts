/**
 * The daemon's log: pino, one event a line, on stderr or in a file.
 *
 * `plain` is `rater: info: event: name=value ...` for multilog, svlogd and journald, which add the
 * time; `human` is that with the time and a colour for a person at a terminal; `json` is pino's.
 */
import { pino } from 'pino';
import type { Degradations } from '../degradations.ts';
import { reasonOf } from '../errors.ts';
import { type Fields, fieldsText, type Log, printable } from '../log.ts';
import { plantedAt } from '../planted.ts';

export type LogFormat = 'human' | 'plain' | 'json';

export type PinoLogOptions = {
  /** Path of a file, or undefined: stderr. */
  readonly file: string | undefined;
  /** 0 fatal, 1 error, 2 warning, 3 info, 4 debug. */
  readonly level: number;
  readonly format: LogFormat;
};

/** Bytes that are kept while the log cannot be written; what comes then is lost. */
const mostWaiting = 1 << 20;
const written = 'writing the log';

/** The original's numbers for levels, in order. */
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug'] as const;

const colours: Readonly<Record<string, string>> = { error: '31', warn: '33', debug: '2' };

type Entry = Fields & { readonly level: string; readonly time: string; readonly msg: string };

function plainLine(entry: Entry): string {
  const { level, time: _, msg, ...fields } = entry;
  return `rater: ${level}: ${msg}:${fieldsText(fields)}`.replace(/:$/, '');
}

function humanLine(entry: Entry): string {
  const line = `${entry.time} ${plainLine(entry)}`;
  const colour = colours[entry.level];
  return colour ? `\u001b[${colour}m${line}\u001b[0m` : line;
}

/** The daemon's log, and what only the daemon does with it. */
export type DaemonLog = Log & {
  /** Path of the file, or undefined: stderr. */
  readonly file: string | undefined;
  readonly format: LogFormat;
  setLevel(level: number): void;
  /** Opens the file anew, after it was moved away. Throws as moveTo does. */
  reopen(): void;
  /** Goes on in another file, or on stderr. Throws a system error, and then stays where it is. */
  moveTo(file: string | undefined): void;
};

/** Throws a system error, or an Error about what another user planted. */
export function pinoLog(options: PinoLogOptions, degradations: Degradations): DaemonLog {
  const openDestination = (path: string | undefined) => {
    const planted = path === undefined ? undefined : plantedAt(path);
    if (planted !== undefined) throw new Error(planted);
    const target = path === undefined ? { fd: 2 } : { dest: path, append: true };
    const opened = pino.destination({ ...target, sync: true, maxLength: mostWaiting });
    let told: unknown;
    // The log cannot tell that of itself; mail goes on. Pino emits some errors twice.
    opened.on('error', (error) => {
      if (opened !== destination || error === told) return;
      told = error;
      degradations.note('log', written, reasonOf(error));
    });
    opened.on('write', () => degradations.ended('log', written));
    return opened;
  };
  let { file } = options;
  let destination = openDestination(file);
  const isJson = options.format === 'json';
  const format = options.format === 'human' ? humanLine : plainLine;
  const lines = {
    write(json: string) {
      const line = isJson ? printable(json.trimEnd()) : format(JSON.parse(json));
      destination.write(`${line}\n`);
    },
  };
  const logger = pino(
    {
      base: null,
      level: logLevels[options.level] ?? 'info',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    lines,
  );
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => {
    return (event: string, fields: Fields = {}) => logger[level](fields, event);
  };
  const moveTo = (next: string | undefined) => {
    const fresh = openDestination(next);
    // Descriptor 2 stays open: others write there, and the log may come back.
    if (file !== undefined) destination.end();
    [file, destination] = [next, fresh];
  };
  return {
    get file() {
      return file;
    },
    format: options.format,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    setLevel: (level) => {
      logger.level = logLevels[level] ?? 'info';
    },
    reopen: () => {
      if (file !== undefined) moveTo(file);
    },
    moveTo,
  };
}
