/**
 * Those who are there to be a burden: thousands of clients that are silent, slow, deaf or talk gibberish,
 * and floods of datagrams of every kind (flood.c), also from another network namespace.
 *
 * Guarantee: none of them asks about a value of the clients whose replies are checked.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { Chance } from './chance.ts';
import type { Tally } from './clients.ts';
import { open } from './conversation.ts';

type Attacker = { readonly act?: () => void; readonly socket: Socket; isClosed: boolean };

const connectedAtOnce = 200;
/** Milliseconds between two acts of a share of the attackers. */
const turnMs = 50;
const actingShare = 0.02;
/** More replies than the kernel keeps for a client that reads none. */
const deafLines = 20_000;

const kindsOfFlood = [
  'valid',
  'gibberish',
  'oversized',
  'deaf',
  'gone',
  'nameless',
  'path',
  'odd',
  'passing',
];

export class Attackers {
  readonly #directory: string;
  readonly #tally: Tally;
  readonly #chance: Chance;
  readonly #clients: Attacker[] = [];
  readonly #floods = new Map<string, ChildProcess>();

  constructor(directory: string, tally: Tally, chance: Chance) {
    this.#directory = directory;
    this.#tally = tally;
    this.#chance = chance;
  }

  /** Has so many clients connect. */
  async connect(many: number): Promise<void> {
    while (this.#clients.length < many) {
      const next = Math.min(connectedAtOnce, many - this.#clients.length);
      await Promise.all(Array.from({ length: next }, () => this.#connectOne()));
    }
  }

  /** Starts the program for each kind; says why there is a kind without. */
  flood(program: string): string {
    const names = readdirSync(this.#directory);
    const name = names.find((each) => /^rater\.sock\.\d+$/.test(each));
    if (name === undefined) return 'none, because rater takes no datagrams';
    const rater = ['rater.sock', '.'].map((each) => join(this.#directory, each));
    const start = (kind: string, ...command: string[]) => {
      const [file = '', ...args] = [...command, program, kind.split(' ')[0] as string];
      const flood = spawn(file, [...args, join(this.#directory, name), ...rater], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      this.#floods.set(kind, flood);
    };
    for (const kind of kindsOfFlood) start(kind);
    const elsewhere = ['unshare', '-n'];
    if (spawnSync('unshare', ['-n', 'true']).status !== 0) return 'no other network namespace';
    for (const kind of ['valid', 'odd', 'gone']) start(`${kind} from elsewhere`, ...elsewhere);
    return 'of every kind';
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      for (const { act } of this.#clients) if (this.#chance.is(actingShare)) act?.();
      await pause(turnMs);
    }
  }

  /** Ends all; returns for each flood how many datagrams were sent, and how many replies came. */
  async end(): Promise<string[]> {
    const closed = this.#clients.filter(({ isClosed }) => isClosed).length;
    if (closed > 0) this.#tally.findings.push(`${closed} attackers were closed`);
    for (const { socket } of this.#clients) socket.destroy();
    const floods = [...this.#floods].map(async ([kind, flood]) => {
      const said = text(flood.stdout as NonNullable<typeof flood.stdout>);
      if (!flood.kill('SIGTERM')) this.#tally.findings.push(`the flood ${kind} has ended`);
      return `${kind} ${(await said).trim().replace(' ', '/')}`;
    });
    return Promise.all(floods);
  }

  async #connectOne(): Promise<void> {
    for (;;) {
      const socket = open({ path: join(this.#directory, 'rater.sock') });
      // Too many may wait to be accepted.
      const isConnected = await once(socket, 'connect').then(
        () => true,
        () => pause(10, false),
      );
      if (!isConnected) continue;
      const attacker = { socket, isClosed: false, ...this.#behaviour(socket) };
      socket.once('close', () => {
        attacker.isClosed = true;
      });
      this.#clients.push(attacker);
      return;
    }
  }

  #behaviour(socket: Socket): { act?: () => void } {
    const kind = this.#chance.next();
    if (kind < 0.5) return {};
    if (kind < 0.6) {
      socket.pause().write('\n'.repeat(deafLines));
      return {};
    }
    socket.resume();
    if (kind < 0.8) return { act: this.#slow(socket) };
    return { act: () => socket.write(this.#chance.bytes(this.#chance.int(1, 1500))) };
  }

  /** A byte at a time of one line after the other. */
  #slow(socket: Socket): () => void {
    const line = 'user slow\n';
    let at = 0;
    return () => {
      socket.write(line[at % line.length] as string);
      at += 1;
    };
  }
}
