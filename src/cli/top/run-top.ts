/**
 * `ipthrottle top`: asks rater for one screen after the other, shows them and does what keys ask for.
 *
 * Guarantee: rater's end does not end it: it waits, and goes on with the next rater.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { textLines } from '../../commands/answer-text.ts';
import type { CommandOptions, Outcome } from '../../commands/command.ts';
import type { CommandCall } from '../../commands/commands.ts';
import { type TopScreen, topRequest } from '../../commands/top.ts';
import { mostBusy } from '../../gatekeeper/busy-values.ts';
import { systemClock } from '../../runtime/clock.ts';
import { exitCodes, Fault, reasonOf } from '../../runtime/errors.ts';
import { quoted } from '../../runtime/log.ts';
import { operatorName } from '../operator-name.ts';
import { reachDaemon } from '../reach-daemon.ts';
import { rowsForHeader, screenOf, textOf } from './screen.ts';
import { Terminal } from './terminal.ts';
import { type Act, View } from './view.ts';

const usualColumns = 80;
const [shortestDelay, longestDelay] = [0.5, 60];
/** Lines of a screen beside its rows: header, headings and the line for keys. */
const otherLines = 5;

/** Carries out a call. @throws Fault `daemon`, `notPermitted` */
type Ask = (command: string, args: readonly string[], options: CommandOptions) => Promise<Outcome>;

type Plan = {
  readonly view: View;
  readonly frames: number;
  readonly isJson: boolean;
  readonly isAscii: boolean;
  readonly isLive: boolean;
};

/** @throws Fault `usage` */
function numberIn(options: CommandOptions, name: string, usual: number, pattern: RegExp): number {
  const text = options[name];
  if (text === undefined) return usual;
  if (typeof text !== 'string' || !pattern.test(text)) {
    throw new Fault('usage', `--${name}: not such a number: ${quoted(String(text))}`);
  }
  return Number(text);
}

function planOf(options: CommandOptions): Plan {
  const { order, class: name, filter } = topRequest(options);
  const isJson = options.json === true;
  const isLive = process.stdout.isTTY === true && !options.once && !isJson;
  const endless = isJson || isLive ? Number.POSITIVE_INFINITY : 1;
  const frames = numberIn(options, 'frames', options.once ? 1 : endless, /^[1-9]\d{0,8}$/);
  const delaySeconds = numberIn(options, 'delay', 1, /^\d{1,2}(\.\d{1,3})?$/);
  if (delaySeconds < shortestDelay || delaySeconds > longestDelay) {
    throw new Fault('usage', `--delay is from ${shortestDelay} to ${longestDelay} seconds`);
  }
  const isReadOnly = options.readOnly === true;
  const view = new View({ order, class: name, filter, delaySeconds, isReadOnly });
  return { view, frames, isJson, isAscii: options.ascii === true || !isUtf8(), isLive };
}

/** Whether the terminal's characters are those of UTF-8, by the variables that say so. */
function isUtf8(): boolean {
  const locale = process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG;
  return /utf-?8/i.test(locale ?? '');
}

/** @throws Fault */
export async function runTop(file: string, options: CommandOptions): Promise<Outcome> {
  const plan = planOf(options);
  const call = await reachDaemon(file);
  const ask: Ask = (command, args, given) => {
    const asked: CommandCall = {
      ...{ command, arguments: args, options: given },
      by: operatorName(),
    };
    return call(asked);
  };
  if (plan.isLive) await watch(ask, plan);
  else await print(ask, plan);
  return { exit: exitCodes.done.code, lines: [] };
}

/** @throws Fault `daemon`, `usage` */
async function nextScreen(ask: Ask, view: View, rows: number): Promise<TopScreen> {
  const given = { sort: view.order, filter: view.filter, rows: String(rows), json: true };
  const name = view.class === undefined ? {} : { class: view.class };
  const { exit, lines } = await ask('top', [], { ...given, ...name });
  const text = textLines(lines).join('');
  if (exit === exitCodes.done.code) return screenIn(text);
  const code = exit === exitCodes.operator.code ? 'usage' : 'daemon';
  throw new Fault(code, text.replace(/^ipthrottle: error: ([\w ]+: )?/, ''));
}

/** @throws Fault `daemon` for what is no screen, from a rater of another version, say. */
function screenIn(text: string): TopScreen {
  try {
    const screen = JSON.parse(text) as TopScreen;
    const lists = [screen.rates, screen.values, screen.classes, screen.troubles, screen.failedOpen];
    if (lists.every(Array.isArray) && typeof screen.counters === 'object') return screen;
  } catch {}
  throw new Fault('daemon', 'its answer to top is of another version');
}

/** One screen after the other, for a pipe. */
async function print(ask: Ask, { view, frames, isJson, isAscii }: Plan): Promise<void> {
  for (let frame = 1; ; frame += 1) {
    const screen = await nextScreen(ask, view, mostBusy);
    view.take(screen, systemClock.monotonicMs());
    const lines = isJson ? [JSON.stringify(screen)] : [...textOf(view, pageSize(view), isAscii)];
    if (!isJson && frame > 1) lines.unshift('');
    await written(lines.map((line) => `${line}\n`).join(''));
    if (frame >= frames) return;
    await pause(view.delaySeconds * 1000);
  }
}

/** A terminal must not scroll; all else takes all rows. */
function pageSize(view: View): { columns: number; rows: number } {
  const { isTTY, columns, rows } = process.stdout;
  const all = Math.max(rowsForHeader, view.rows.all.length + otherLines);
  if (isTTY && columns > 0) return { columns, rows: Math.min(all, rows) };
  const wanted = Number(process.env.COLUMNS);
  return { columns: wanted >= 20 && wanted <= 1000 ? wanted : usualColumns, rows: all };
}

function written(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}

/** The live view. */
async function watch(ask: Ask, { view, frames, isAscii }: Plan): Promise<void> {
  // What is wrong at the start is told in the shell.
  view.take(await nextScreen(ask, view, mostBusy), systemClock.monotonicMs());
  let wake = () => {};
  let isStale = false;
  const draw = () => terminal.show(screenOf(view, terminal.size, isAscii));
  const askSoon = () => {
    isStale = true;
    wake();
  };
  const terminal = new Terminal(!process.env.NO_COLOR, {
    onKey(key) {
      const effect = view.press(key);
      // At once, also while rater owes an answer.
      if (effect === 'quit') return process.exit(exitCodes.done.code);
      if (effect === 'stop') return terminal.stop();
      if (effect === 'redraw') terminal.forget();
      else if (effect === 'ask') askSoon();
      else if (effect && 'copy' in effect) terminal.copy(effect.copy);
      else if (effect) void change(ask, view, effect).then(askSoon);
      draw();
    },
    onRedraw: () => draw(),
  });
  terminal.open();
  for (let frame = 1; ; frame += 1) {
    draw();
    if (frame >= frames) break;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, isStale ? 0 : view.delaySeconds * 1000);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (view.isPaused && !isStale) continue;
    isStale = false;
    await refresh(ask, view);
  }
  terminal.close();
}

/** Asks for the next screen, and for the details if they are shown. */
async function refresh(ask: Ask, view: View): Promise<void> {
  try {
    const asked = view.wantedRows;
    const screen = await nextScreen(ask, view, asked);
    const details = view.page === 'details' ? await detailsOf(ask, view) : view.details;
    view.take(screen, systemClock.monotonicMs(), asked);
    view.details = details;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code !== 'usage') view.waitsBecause = error.detail;
    // The class is not in the configuration any more.
    else view.class = undefined;
    if (error.code === 'usage') view.message = error.detail;
  }
}

/** What `check` knows of the selected address, and what a row cannot show of another value. */
async function detailsOf(ask: Ask, { selectedRow }: View): Promise<readonly string[]> {
  if (!selectedRow) return ['it is gone'];
  const { value } = selectedRow;
  if (value.address !== null) {
    const { lines } = await ask('check', [value.address], {});
    return textLines(lines);
  }
  const limit = value.limit < 0 ? 'unlimited' : `${value.limit} in ${value.seconds} seconds`;
  return [
    value.value,
    `  class ${value.class}: limit ${quoted(value.pattern ?? '-')}, ${limit}, ${value.count} now`,
    `  ${value.sessions} sessions open`,
  ];
}

const calls: Readonly<Record<Act, (address: string) => Parameters<Ask>>> = {
  block: (address) => ['block', [address], {}],
  unblock: (address) => ['unblock', [address], {}],
  allow: (address) => ['allow', ['add', address], { for: '1h' }],
};

/** Does what was asked for, to the address that the question named. */
async function change(
  ask: Ask,
  view: View,
  { act, address }: { readonly act: Act; readonly address: string },
): Promise<void> {
  try {
    const { lines } = await ask(...calls[act](address));
    view.message = textLines(lines)
      .map((line) => line.replace(/^ipthrottle: /, '').trim())
      .join('; ');
  } catch (error) {
    view.message = reasonOf(error);
  }
}
