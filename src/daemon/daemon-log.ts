/**
 * The daemon's log: one event a line, on stderr or in a file.
 *
 * Guarantee: lines that cannot be written wait and are tried again; that is said on stderr when it
 * begins and in the log when it ends.
 *
 * `plain` is `rater: info: event: name=value ...` for multilog, svlogd and journald, which add the
 * time; `human` is that with the time and a colour for a person at a terminal; `json` is pino's.
 */
import { writeSync } from 'node:fs';
import sonicBoom from 'sonic-boom';
import { plantedAt } from '../files/planted-file.ts';
import { reasonOf } from '../runtime/errors.ts';
import { type Fields, fieldsText, type Log } from '../runtime/log.ts';

export type LogFormat = 'human' | 'plain' | 'json';

export type DaemonLogOptions = {
  /** Path of a file; undefined for stderr. */
  readonly file: string | undefined;
  /** 0 fatal, 1 error, 2 warning, 3 info, 4 debug. */
  readonly level: number;
  readonly format: LogFormat;
  /** Called each time that writing fails, and when it works again. */
  readonly onBroken: (why: string) => void;
  readonly onMended: () => void;
};

/** Bytes that wait while the log cannot be written; what exceeds them is lost. */
const maxWaiting = 1 << 20;
/** The part of trouble with writing. */
export const writingPart = 'writing the log';
/** Between two attempts to write waiting lines, if nothing else is logged. */
const retryMs = 5000;

/** Levels by their number, as in the original rater. */
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug'] as const;
type Level = (typeof logLevels)[number];

const colours: Readonly<Record<string, string>> = { error: '31', warn: '33', debug: '2' };

/** Says it on stderr, if that can be written. */
function tellOnStderr(what: string): void {
  try {
    writeSync(
      2,
      `${plainLine({ level: 'error', time: '', msg: 'trouble', part: writingPart, what })}\n`,
    );
  } catch {
    // `status` shows it.
  }
}

/** An event on its way to its line; `time` is an ISO instant. */
export type Entry = Fields & {
  readonly level: Level;
  readonly time: string;
  readonly msg: string;
};

function plainLine(entry: Entry): string {
  const { level, time: _, msg, ...fields } = entry;
  return `rater: ${level}: ${msg}:${fieldsText(fields)}`.replace(/:$/, '');
}

function humanLine(entry: Entry): string {
  const line = `${entry.time} ${plainLine(entry)}`;
  const colour = colours[entry.level];
  return colour ? `\u001b[${colour}m${line}\u001b[0m` : line;
}

/** What makes the lines of a format. */
async function lineMaker(format: LogFormat): Promise<(entry: Entry) => string> {
  if (format === 'json') return (await import('./pino-line.ts')).pinoLine;
  return format === 'human' ? humanLine : plainLine;
}

/** The daemon's log, and what only the daemon does with it. */
export type DaemonLog = Log & {
  /** Path of the file; undefined for stderr. */
  readonly file: string | undefined;
  readonly format: LogFormat;
  setLevel(level: number): void;
  /** Opens the file anew after it was moved away. Throws as moveTo does. */
  reopen(): void;
  /** Goes on in another file, or on stderr. Throws a system error and then changes nothing. */
  moveTo(file: string | undefined): void;
};

/** Rejects with a system error, or an Error when another user has planted the file. */
export async function daemonLog(options: DaemonLogOptions): Promise<DaemonLog> {
  const lineOf = await lineMaker(options.format);
  const openDestination = (path: string | undefined) => {
    const planted = path === undefined ? undefined : plantedAt(path);
    if (planted !== undefined) throw new Error(planted);
    const target = path === undefined ? { fd: 2 } : { dest: path, append: true };
    const opened = new sonicBoom.SonicBoom({ ...target, sync: true, maxLength: maxWaiting });
    opened.on('error', (error) => {
      if (opened === destination) fail(path, reasonOf(error));
    });
    opened.on('drop', () => {
      lost += 1;
    });
    opened.on('write', () => {
      if (!isBroken || opened !== destination) return;
      // It may fail again after writing a part.
      mending = setImmediate(mend);
    });
    return opened;
  };
  let isBroken = false;
  /** Lines lost since it is broken. */
  let lost = 0;
  let retry: NodeJS.Timeout | undefined;
  let mending: NodeJS.Immediate | undefined;
  const fail = (path: string | undefined, why: string) => {
    options.onBroken(why);
    if (!isBroken && path !== undefined) tellOnStderr(`${path}: ${why}`);
    isBroken = true;
    clearImmediate(mending);
    clearTimeout(retry);
    // An empty write flushes what waits.
    retry = setTimeout(() => destination.write(''), retryMs).unref();
  };
  const mend = () => {
    if (!isBroken) return;
    clearTimeout(retry);
    const fields = { part: writingPart, lost };
    [isBroken, lost] = [false, 0];
    options.onMended();
    write('warn')('recovered', fields);
  };
  let { file } = options;
  let destination = openDestination(file);
  let { level } = options;
  const isOn = (name: Level) => logLevels.indexOf(name) <= level;
  const write = (name: Level) => {
    return (event: string, fields: Fields = {}) => {
      if (!isOn(name)) return;
      const time = new Date().toISOString();
      destination.write(`${lineOf({ level: name, time, ...fields, msg: event })}\n`);
    };
  };
  const debugUnlessOff = () => (isOn('debug') ? write('debug') : undefined);
  let debug = debugUnlessOff();
  const moveTo = (next: string | undefined) => {
    const fresh = openDestination(next);
    // Descriptor 2 stays open: other code writes there, and the log may return to it.
    if (file !== undefined) destination.end();
    [file, destination] = [next, fresh];
  };
  return {
    get file() {
      return file;
    },
    format: options.format,
    get debug() {
      return debug;
    },
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    setLevel: (next) => {
      level = next;
      debug = debugUnlessOff();
    },
    reopen: () => {
      if (file !== undefined) moveTo(file);
    },
    moveTo,
  };
}
