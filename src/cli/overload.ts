/**
 * `ipthrottle overload`: measures the queue and sets or removes the file of the overload plugin, for
 * cron or with --watch as a service. It needs neither rater nor its configuration: without a file
 * the defaults of rater.conf(5) hold.
 */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { CommandOptions } from '../commands/command.ts';
import { secondsIn } from '../commands/words.ts';
import { type Overload, overloadOf } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import { defaultsOf } from '../config/schema.ts';
import { type OverloadUpdate, shownPressure, updateOverload } from '../overload/overload.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { printable, quoted } from '../runtime/log.ts';
import type { CliCommand } from './cli-command.ts';

const usualWatchSeconds = 60;
const longestWatchDays = 1;

export const overload: CliCommand = {
  name: 'overload',
  arguments: '',
  summary: 'set or remove the file that tells of an overload, by the length of the queue',
  options: [
    { flags: '--above <messages>', summary: 'it begins above this many' },
    { flags: '--below <messages>', summary: 'and ends below this many' },
    { flags: '--load-above <load>', summary: 'it also begins above this load average' },
    { flags: '--load-below <load>', summary: 'and ends only below that one' },
    {
      flags: '--command <command>',
      summary: 'command that prints the length of the queue, for /bin/sh',
    },
    { flags: '--file <file>', summary: 'the file that is there during an overload' },
    { flags: '--verbose', summary: 'also tell when nothing has changed' },
    { flags: '--watch [time]', summary: 'go on, and measure again after so long' },
  ],
  async run({ file, isFileChosen, options }) {
    const rule = ruleFrom(configured(file, isFileChosen), options);
    const isVerbose = options.verbose === true;
    if (options.watch !== undefined) return watch(rule, watchSeconds(options.watch), isVerbose);
    const look = await updateOverload(rule);
    const lines = look.hasChanged || isVerbose ? [sentence(look, rule)] : [];
    return { exit: exitCodes.done.code, lines };
  },
};

function configured(file: string, isChosen: boolean): Overload {
  if (isChosen || existsSync(file)) return loadConfig(file).overload;
  return overloadOf(defaultsOf('overload'));
}

/** @throws Fault `usage` */
function watchSeconds(option: string | boolean): number {
  return typeof option === 'string' ? secondsIn(option, longestWatchDays) : usualWatchSeconds;
}

/** The number of an option, or undefined when it is not given. @throws Fault `usage` */
function numberIn(options: CommandOptions, name: string, pattern: RegExp): number | undefined {
  const text = options[name];
  if (typeof text !== 'string') return undefined;
  if (!pattern.test(text)) {
    const option = name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`);
    throw new Fault('usage', `--${option}: not a number: ${quoted(text)}`);
  }
  return Number(text);
}

/** The text of an option, or undefined when it is not given. @throws Fault `usage` */
function textIn(options: CommandOptions, name: string): string | undefined {
  const text = options[name];
  if (text === '') throw new Fault('usage', `--${name}: must not be empty`);
  return typeof text === 'string' ? text : undefined;
}

const whole = /^\d{1,9}$/;
const decimal = /^\d{1,6}(\.\d{1,6})?$/;

function checkOrder(below: number | undefined, above: number | undefined, name: string): void {
  if (below !== undefined && below > (above ?? below)) {
    throw new Fault('usage', `--${name}below must not be more than --${name}above`);
  }
}

/** With only an upper threshold given, the lower one follows it down. */
function lower(given: number | undefined, usual: number | undefined, above: number | undefined) {
  return given ?? (above !== undefined && (usual ?? above) >= above ? above : usual);
}

/** The rule of the options, completed by the configuration. @throws Fault `usage` */
export function ruleFrom(base: Overload, options: CommandOptions): Overload {
  const above = numberIn(options, 'above', whole) ?? base.above;
  const below = lower(numberIn(options, 'below', whole), base.below, above) ?? above;
  const loadAbove = numberIn(options, 'loadAbove', decimal) ?? base.loadAbove;
  const loadBelow = lower(numberIn(options, 'loadBelow', decimal), base.loadBelow, loadAbove);
  checkOrder(below, above, '');
  checkOrder(loadBelow, loadAbove, 'load-');
  if (loadBelow !== undefined && loadAbove === undefined) {
    throw new Fault('usage', '--load-below is of no use without --load-above');
  }
  const command = textIn(options, 'command');
  return {
    ...base,
    above,
    below,
    loadAbove,
    loadBelow,
    command: command === undefined ? base.command : ['/bin/sh', '-c', command],
    file: textIn(options, 'file') ?? base.file,
  };
}

function sentence({ isOn, hasChanged, pressure }: OverloadUpdate, rule: Overload): string {
  const queue = shownPressure(pressure, rule);
  if (!hasChanged) return `${isOn ? 'still overloaded' : 'no overload'}: ${queue}`;
  return isOn
    ? `overload began: ${queue}, set ${rule.file}`
    : `overload ended: ${queue}, removed ${rule.file}`;
}

function say(stream: NodeJS.WriteStream, line: string): void {
  stream.write(`${printable(line)}\n`);
}

/** Runs for ever; prints trouble when it begins and when it changes. */
async function watch(rule: Overload, seconds: number, isVerbose: boolean): Promise<never> {
  let trouble = '';
  for (;;) {
    try {
      const look = await updateOverload(rule);
      trouble = '';
      if (look.hasChanged || isVerbose) say(process.stdout, sentence(look, rule));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.message !== trouble) say(process.stderr, `ipthrottle: error: ${error.message}`);
      trouble = error.message;
    }
    await pause(seconds * 1000);
  }
}
