/**
 * Clients of every kind, good and bad. Each does one thing and checks all that must hold for it.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Chance } from './chance.ts';
import { open, type Said, talk } from './conversation.ts';
import { controlLines, type Line, LineMaker } from './lines.ts';
import { ModelValue } from './model.ts';

export type Place = {
  readonly directory: string;
  readonly port: number;
  /** The program ratecheck; undefined where it could not be built. */
  readonly ratecheck: string | undefined;
};

/** What happened so far. */
export class Tally {
  connections = 0;
  lines = 0;
  replies = 0;
  bytes = 0;
  readonly byKind = new Map<string, number>();
  readonly findings: string[] = [];

  count(kind: string): void {
    this.connections += 1;
    this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1);
  }
}

const replyForm = /^(?:2 .{1,300}|[01] \d+\/(?:\d+|-)(?: \d+)?)$/u;

function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text);
}

function short(text: string): string {
  return JSON.stringify(text.slice(0, 120));
}

export class Clients {
  readonly #place: Place;
  readonly #tally: Tally;
  readonly #chance: Chance;
  readonly #worker: number;
  readonly #lines: LineMaker;
  readonly #values = new Map<string, ModelValue>();

  constructor(place: Place, tally: Tally, chance: Chance, worker: number) {
    this.#place = place;
    this.#tally = tally;
    this.#chance = chance;
    this.#worker = worker;
    this.#lines = new LineMaker(chance, worker);
  }

  /** One client after the other. */
  async run(isOver: () => boolean): Promise<void> {
    const kinds: readonly (readonly [number, string, () => Promise<void>])[] = [
      [40, 'checks', () => this.#checks()],
      [20, 'tcp', () => this.#tcp()],
      [8, 'gibberish', () => this.#gibberish()],
      [6, 'resets', () => this.#reset()],
      [3, 'deaf', () => this.#deaf()],
      [4, 'sessions', () => this.#session()],
      [4, 'control', () => this.#control()],
      [2, 'operator', () => this.#operator()],
      [4, 'ratecheck', () => this.#ratecheck()],
    ];
    const all = kinds.flatMap(([weight, ...kind]) => Array<typeof kind>(weight).fill(kind));
    while (!isOver()) {
      const [name, client] = this.#chance.pick(all);
      this.#tally.count(name);
      await client();
    }
  }

  get #unix() {
    return { path: join(this.#place.directory, 'rater.sock') };
  }

  #find(what: string): void {
    this.#tally.findings.push(`worker ${this.#worker}: ${what}`);
  }

  /** As servers ask: by datagram where rater takes one, else by a connection. */
  async #ratecheck(): Promise<void> {
    const program = this.#place.ratecheck;
    const line = this.#lines.valid();
    const words = /^(\w+) ([^\0]+)$/.exec(line.bytes.toString());
    if (program === undefined || !words) return;
    const args = ['-s', this.#unix.path, '-t', '60000', '-n', ...words.slice(1)];
    const fromMs = performance.now();
    const reply = await new Promise<string>((resolve) => {
      execFile(program, args, (_, stdout, stderr) => resolve((stdout || stderr).trimEnd()));
    });
    this.#tally.lines += 1;
    this.#tally.replies += 1;
    this.#learn(line, { text: reply, atMs: performance.now() }, fromMs);
  }

  /** Lines on the Unix socket: pipelined, in pieces or byte by byte; all answered, in order. */
  async #checks(): Promise<void> {
    const isByteByByte = this.#chance.is(0.15);
    const many = this.#chance.int(1, isByteByByte ? 5 : 120);
    const lines = Array.from({ length: many }, () => this.#lines.any());
    const whole = lines.map((line) => Buffer.concat([line.bytes, this.#lineEnd()]));
    const isCut = isByteByByte && whole.every(({ length }) => length < 2000);
    const pieces = isCut
      ? this.#chance.pieces(Buffer.concat(whole), 1)
      : this.#chance.pick([
          () => [Buffer.concat(whole)],
          () => whole,
          () => this.#chance.pieces(Buffer.concat(whole), 4096),
        ])();
    const isUnfinished = this.#chance.is(0.1);
    const extra = isUnfinished ? [Buffer.from('user unfinished')] : [];
    const options = { oneByOne: isCut || this.#chance.is(0.3) };
    const said = await talk(this.#unix, [...pieces, ...extra], options);
    this.#tally.bytes += pieces.reduce((sum, { length }) => sum + length, 0);
    const replies = [...said.lines];
    if (isUnfinished) {
      const last = replies.pop();
      if (last?.text !== '2 Line without an end') this.#find(`unfinished: ${last?.text}`);
    }
    if (said.trouble ?? said.rest) this.#find(`checks: ${said.trouble} ${short(said.rest)}`);
    this.#judge(lines, whole, pieces, replies, said.sentMs);
  }

  #lineEnd(): Buffer {
    return Buffer.from(this.#chance.is(0.2) ? '\r\n' : '\n');
  }

  #judge(
    lines: readonly Line[],
    whole: readonly Buffer[],
    pieces: readonly Buffer[],
    replies: readonly Said[],
    sentMs: readonly number[],
  ): void {
    this.#tally.lines += lines.length;
    this.#tally.replies += replies.length;
    if (replies.length !== lines.length) {
      this.#find(`${lines.length} lines and ${replies.length} replies`);
    }
    // A line has arrived when the piece with its last byte has.
    let [end, piece, sent] = [0, 0, pieces[0]?.length ?? 0];
    for (const [index, line] of lines.entries()) {
      end += whole[index]?.length ?? 0;
      while (sent < end && piece + 1 < pieces.length) sent += pieces[++piece]?.length ?? 0;
      const reply = replies[index];
      if (reply) this.#learn(line, reply, sentMs[piece] ?? 0);
    }
  }

  #learn({ bytes, wanted }: Line, { text, atMs }: Said, fromMs: number): void {
    const about = short(bytes.subarray(0, 100).toString());
    if (!replyForm.test(text) || !isPrintable(text)) {
      this.#find(`${about}: no reply: ${short(text)}`);
    } else if ('error' in wanted) {
      if (!text.startsWith(`2 ${wanted.error}`)) this.#find(`${about}: ${short(text)}`);
    } else {
      const value = this.#values.get(wanted.key) ?? new ModelValue(wanted.of);
      // A value that is sent only once need not be remembered.
      if (!/once-|2001:/.test(wanted.key)) this.#values.set(wanted.key, value);
      const wrong = value.learn(text, { fromMs, untilMs: atMs });
      if (wrong) this.#find(`${about}: ${short(text)}, ${wrong}`);
    }
  }

  /** One request by TCP, answered once and closed, whatever else is sent. */
  async #tcp(): Promise<void> {
    const line = this.#lines.any();
    const more = this.#chance.is(0.2) ? Buffer.from('user ignored\nuser ignored\n') : Buffer.of();
    const bytes = Buffer.concat([line.bytes, this.#lineEnd(), more]);
    const pieces = this.#chance.is(0.3) ? this.#chance.pieces(bytes, 300) : [bytes];
    const endFirst = this.#chance.is(0.5);
    const where = { host: '127.0.0.1', port: this.#place.port };
    const said = await talk(where, pieces, { endFirst, oneByOne: true });
    this.#tally.lines += 1;
    this.#tally.replies += said.lines.length;
    this.#tally.bytes += bytes.length;
    const [reply, ...others] = said.lines;
    if (others.length > 0) this.#find(`tcp: ${others.length + 1} replies`);
    // Unread bytes make the kernel reset the connection after the reply.
    if (said.trouble && !reply) this.#find(`tcp: ${said.trouble}`);
    if (reply) this.#learn(line, reply, said.sentMs[0] ?? 0);
  }

  /** Random bytes: each LF ends a line, each line has one reply. */
  async #gibberish(): Promise<void> {
    const bytes = this.#chance.bytes(this.#chance.int(1, 4000));
    const lfs = bytes.filter((byte) => byte === 0x0a).length;
    const wanted = lfs + (bytes.at(-1) === 0x0a ? 0 : 1);
    const said = await talk(this.#unix, this.#chance.pieces(bytes, 1000));
    this.#tally.lines += wanted;
    this.#tally.replies += said.lines.length;
    this.#tally.bytes += bytes.length;
    if (said.trouble) this.#find(`gibberish: ${said.trouble}`);
    if (said.lines.length !== wanted) {
      this.#find(`gibberish of ${wanted} lines has ${said.lines.length} replies`);
    }
    for (const { text } of said.lines) {
      if (!replyForm.test(text) || !isPrintable(text)) this.#find(`gibberish: ${short(text)}`);
    }
  }

  /** Sends, and goes away at any moment. */
  async #reset(): Promise<void> {
    const isTcp = this.#chance.is(0.5);
    const socket = open(isTcp ? { host: '127.0.0.1', port: this.#place.port } : this.#unix);
    await once(socket, 'connect').catch((error: Error) => this.#find(`reset: ${error.message}`));
    const many = this.#chance.int(0, 50);
    for (let sent = 0; sent < many; sent += 1) socket.write(`user lost-${this.#worker}\n`);
    if (this.#chance.is(0.5)) await pause(this.#chance.int(0, 3));
    if (isTcp) socket.resetAndDestroy();
    else socket.destroy();
  }

  /** Sends much, reads nothing, and goes away some time later. */
  async #deaf(): Promise<void> {
    const socket = open(this.#unix).pause();
    const line = this.#chance.pick(['\n', 'ip x\n', `user deaf-${this.#worker}\n`]);
    socket.write(line.repeat(this.#chance.int(1, 100_000)));
    await pause(this.#chance.int(10, 500));
    socket.destroy();
  }

  /** A session that no class wants: a reply, and the daemon closes. */
  async #session(): Promise<void> {
    const line = this.#lines.valid();
    const bytes = Buffer.concat([Buffer.from('+'), line.bytes, Buffer.from('\n')]);
    const said = await talk(this.#unix, [bytes], { endFirst: false });
    this.#tally.bytes += bytes.length;
    if (said.trouble) this.#find(`session: ${said.trouble}`);
    this.#judge([line], [bytes], [bytes], said.lines, said.sentMs);
  }

  /** The control shell: each line has one answer, whoever sends it. */
  async #control(): Promise<void> {
    const many = this.#chance.int(1, 20);
    const lines = Array.from({ length: many }, () => {
      return this.#chance.is(0.15)
        ? this.#chance.bytes(50).map((byte) => (byte === 0x0a ? 0 : byte))
        : Buffer.from(this.#chance.pick(controlLines));
    });
    const bytes = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
    const where = { path: join(this.#place.directory, 'control.sock') };
    const said = await talk(where, this.#chance.pieces(bytes, 5000));
    this.#tally.lines += many;
    this.#tally.bytes += bytes.length;
    if (said.trouble ?? said.rest) this.#find(`control: ${said.trouble} ${short(said.rest)}`);
    const left = said.lines.map(({ text }) => text);
    for (const line of lines) {
      const isProgram = line[0] === 0x7b;
      const end = isProgram ? 0 : left.indexOf('Ok');
      const answer = left.splice(0, end + 1);
      if (end < 0 || answer.length === 0) this.#find(`control: ${short(line.toString())}: no Ok`);
      if (isProgram && !answer[0]?.startsWith('{"exit":')) {
        this.#find(`control: ${short(line.toString())}: ${short(answer[0] ?? '')}`);
      }
      this.#tally.replies += answer.length > 0 ? 1 : 0;
      for (const text of answer) if (!isPrintable(text)) this.#find(`control: ${short(text)}`);
      if (answer.some((text) => /bug/.test(text))) this.#find(`control: ${answer.join(' ')}`);
    }
    if (left.length > 0)
      this.#find(`control: ${left.length} lines too many: ${short(left[0] ?? '')}`);
  }

  /** Blocks and unblocks an address; its file exists exactly in between. */
  async #operator(): Promise<void> {
    const { directory } = this.#place;
    const address = `10.99.${this.#worker}.${this.#chance.int(0, 255)}`;
    const file = join(directory, 'peers', address);
    const order = async (words: string) => {
      const where = { path: join(directory, 'control.sock') };
      const { lines } = await talk(where, [Buffer.from(`${words}\n`)]);
      this.#tally.lines += 1;
      if (lines.at(-1)?.text === 'Ok') this.#tally.replies += 1;
      else this.#find(`operator: ${words}: ${lines.map(({ text }) => text).join(' ')}`);
    };
    await order(`block ${address} --for 1h`);
    if (!existsSync(file)) this.#find(`operator: ${address} is blocked and has no file`);
    await order(`unblock ${address}`);
    if (existsSync(file)) this.#find(`operator: ${address} is unblocked and has a file`);
  }
}
