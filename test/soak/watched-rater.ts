/**
 * rater in a directory of its own, and what shows from outside whether it is well: its memory, its
 * descriptors, its files and its log.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../run/free-port.ts';
import { configuration, marker } from './lines.ts';

const ours =
  /^(rater\.conf|rules(\.cdb)?|peers|rater\.sock(\.lock|\.failed-open)?|control\.sock|rater\.db(\.lock|\.life|-wal|-shm)?)$/;
const logLine = /^rater: (info|warn): [^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u;
const timeoutMs = 20_000;
/** Of clients that are not attackers. */
const connections = 2000;

export class WatchedRater {
  /** Holds the site and nothing else. */
  readonly #parent: string;
  readonly directory: string;
  readonly port: number;
  readonly ratecheck: string | undefined;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #logLines = 0;
  #isReady = false;
  readonly #badLines: string[] = [];

  /** With room for so many more connections than its clients need. */
  static async start(program: string, more: number): Promise<WatchedRater> {
    const rater = new WatchedRater(program, await freePort(), more);
    for (const endMs = Date.now() + timeoutMs; !rater.#isReady; await pause(20)) {
      if (Date.now() > endMs || !rater.isRunning) {
        throw new Error(`rater does not start: ${rater.#badLines.join('; ')}`);
      }
    }
    return rater;
  }

  private constructor(program: string, port: number, more: number) {
    this.port = port;
    const ratecheck = join(dirname(program), 'ratecheck');
    this.ratecheck = existsSync(ratecheck) ? ratecheck : undefined;
    this.#parent = mkdtempSync(join(tmpdir(), 'ipthrottle-soak-'));
    this.directory = join(this.#parent, 'site');
    mkdirSync(join(this.directory, 'peers'), { recursive: true });
    writeFileSync(join(this.directory, 'rules'), '192.0.2.:deny\n:allow\n');
    const settings = `socket: "rater.sock"; db_path: "rater.db"; port: ${port}; tcp_trusted: true; expiration_timer: 1; max_connections: ${connections + more};`;
    writeFileSync(
      join(this.directory, 'rater.conf'),
      `settings : { ${settings} };\n${configuration}`,
    );
    this.#child = spawn(process.execPath, [program, '-c', 'rater.conf'], {
      cwd: this.directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', (exit) => resolve(exit)));
    let rest = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#hear(line);
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get logLines(): number {
    return this.#logLines;
  }

  /** Resident memory in KiB. */
  get residentKib(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length;
  }

  /** What is wrong with its files and its log. */
  findings(): string[] {
    const around = readdirSync(this.#parent).filter((name) => name !== 'site');
    const inside = readdirSync(this.directory).filter((name) => !ours.test(name));
    const places = ['/', '/etc', tmpdir(), this.#parent, this.directory, process.cwd()];
    const marked = places.flatMap((place) => {
      return readdirSync(place).flatMap((name) =>
        name.includes(marker) ? [`${place}/${name}`] : [],
      );
    });
    // The file of a network is named by its prefix.
    const peers = readdirSync(join(this.directory, 'peers')).filter((name) => {
      return !isIP(name) && !/^[0-9a-f:]+:$/.test(name);
    });
    return [
      ...[...around, ...inside, ...marked].map((name) => `a file that must not be: ${name}`),
      ...peers.map((name) => `in peers: ${JSON.stringify(name)}`),
      ...this.#badLines.map((line) => `in the log: ${JSON.stringify(line)}`),
    ];
  }

  /** Sends SIGTERM and returns the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    const exit = await this.#ended;
    clearTimeout(killer);
    return exit;
  }

  /** Removes all its files. */
  remove(): void {
    rmSync(this.#parent, { recursive: true, force: true });
  }

  #hear(line: string): void {
    this.#logLines += 1;
    if (line.startsWith('rater: info: ready: ') && !line.includes('forged')) this.#isReady = true;
    if (!logLine.test(line) && this.#badLines.length < 20) this.#badLines.push(line);
  }
}
