/**
 * A whole site in a directory of its own: rater.conf, rater, tcpsvd and tcpserver with ratecheck in
 * front of a program that greets and ends, and ipthrottle to look at it.
 *
 * Guarantee: `stop` ends all it started, removes the directory and fails when a process is left.
 */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type Listening, type ServerName, startMailServer } from './mail-server.ts';
import { programsForNobody } from './nobody.ts';
import { RunningProgram } from './running-program.ts';

/** Bytes; a list of tens of thousands of blocks. */
const longestOutput = 1 << 26;

function programPath(name: string): string {
  return fileURLToPath(new URL(`../../bin/${name}`, import.meta.url));
}

/** What rater.conf says. */
export type Plan = {
  /** Inside of `limits`. */
  readonly limits?: string;
  /** How long a block lasts. */
  readonly seconds?: number;
  readonly peersTimeout?: number;
  /** The admin's rules; without them there is no cdb. */
  readonly rules?: string;
  readonly allow?: readonly string[];
  /** More inside of `settings`. */
  readonly settings?: string;
  /** More inside of `blocking`. */
  readonly blocking?: string;
  /** For rater and ipthrottle, beside PATH: NAME=value. */
  readonly environment?: readonly string[];
};

export type Outcome = { readonly exit: number; readonly stdout: string; readonly stderr: string };

/** A row of `ipthrottle list --json`. */
export type Listed = {
  readonly address: string;
  readonly class: string;
  readonly since: string;
  readonly until: string;
  readonly secondsLeft: number;
  readonly count: number;
  readonly limit: number;
  readonly seconds: number;
  readonly times: number;
  readonly source: string;
};

function configText(plan: Plan): string {
  const timeout = plan.peersTimeout === undefined ? '' : `peers_timeout: ${plan.peersTimeout};`;
  const rules = plan.rules === undefined ? '' : 'tcprules: { source: "rules"; cdb: "rules.cdb"; };';
  const allow = (plan.allow ?? []).map((entry) => `"${entry}"`).join(', ');
  return [
    `settings : { socket: "rater.sock"; db_path: "blocks.db"; ${plan.settings ?? ''} };`,
    `limits : { ${plan.limits ?? 'ip: ( ("*", 60, 10) );'} };`,
    `blocking : { time: ${plan.seconds ?? 120}; peers: "peers"; ${timeout} ${rules} ${plan.blocking ?? ''} };`,
    `allow : ( ${allow} );`,
    '',
  ].join('\n');
}

export class Site {
  readonly directory: string;
  readonly #plan: Plan;
  readonly #user: number | undefined;
  readonly #running: RunningProgram[] = [];

  /** `user` owns the directory and runs rater and the servers. */
  constructor(plan: Plan = {}, user?: number) {
    this.directory = mkdtempSync(join(tmpdir(), 'ipthrottle-'));
    // The user that ratecheck runs as must reach the socket.
    chmodSync(this.directory, 0o755);
    this.#plan = plan;
    this.#user = user;
    mkdirSync(this.path('peers'));
    this.configure({});
    if (plan.rules !== undefined) writeFileSync(this.path('rules'), plan.rules);
    if (user === undefined) return;
    for (const path of [this.directory, this.path('peers')]) chownSync(path, user, user);
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** Writes rater.conf anew; a string as it stands. */
  configure(changes: Plan | string): void {
    const text = typeof changes === 'string' ? changes : configText({ ...this.#plan, ...changes });
    writeFileSync(this.path('rater.conf'), text);
  }

  /** Starts rater and does not wait. */
  spawnRater(umask?: string): RunningProgram {
    const program = new RunningProgram({
      command: this.#launch(this.#program('rater'), '-c', 'rater.conf'),
      directory: this.directory,
      user: this.#user,
      umask,
    });
    this.#running.push(program);
    return program;
  }

  /** Starts rater and waits until it is ready and has put all blocks in force, or said why not. */
  async startRater(umask?: string): Promise<RunningProgram> {
    const rater = this.spawnRater(umask);
    await rater.says(/^rater: info: ready:/m);
    await rater.says(/^rater: (info: all in force:|error: )/m);
    return rater;
  }

  /** Starts `tcpsvd -i` and waits until it listens; the port. `-t` when the plan has a timeout. */
  startTcpsvd(): Promise<Listening> {
    const timeout = this.#plan.peersTimeout;
    const age = timeout === undefined ? [] : ['-t', String(timeout)];
    return this.#startServer('tcpsvd', [...age, '-i', 'peers']);
  }

  /** Starts `tcpserver -x` and waits until it listens; the port. */
  startTcpserver(cdb = 'rules.cdb'): Promise<Listening> {
    return this.#startServer('tcpserver', ['-x', cdb]);
  }

  /** Runs ipthrottle to its end, as the test's own user. */
  ipthrottle(...args: string[]): Promise<Outcome> {
    const program = this.#program('ipthrottle');
    const [command = '', ...words] = this.#launch(program, '-c', this.path('rater.conf'), ...args);
    return this.#finished(command, words);
  }

  async list(): Promise<Listed[]> {
    const { stdout } = await this.ipthrottle('list', '--json');
    return JSON.parse(stdout) as Listed[];
  }

  /** Whether tcpserver refuses the address, in the words of tcprulescheck. */
  async isDeniedByCdb(address: string, cdb = 'rules.cdb'): Promise<boolean> {
    const path = this.path(cdb);
    const { stdout } = await this.#finished('tcprulescheck', [path], { TCPREMOTEIP: address });
    const words = /^(deny|allow) connection$/m.exec(stdout)?.[1];
    if (words === undefined) throw new Error(`tcprulescheck says ${JSON.stringify(stdout)}`);
    return words === 'deny';
  }

  /** What is in the peers directory, sorted. */
  peers(): string[] {
    return readdirSync(this.path('peers')).sort();
  }

  async stop(): Promise<void> {
    for (const program of this.#running.toReversed()) await program.end();
    const left = processesNaming(this.directory);
    rmSync(this.directory, { recursive: true, force: true });
    expect(left, 'processes left behind').toEqual([]);
  }

  /** A program of ours in the environment of the plan. */
  #launch(program: string, ...args: string[]): string[] {
    const { environment = [] } = this.#plan;
    return ['env', ...environment, process.execPath, program, ...args];
  }

  async #startServer(name: ServerName, options: readonly string[]): Promise<Listening> {
    const check = [this.#program('ratecheck'), '-t', '60000', '-s', this.path('rater.sock')];
    const listening = await startMailServer(name, {
      options: ['-c', '200', '-b', '512', ...options],
      command: [...check, '/bin/echo', '220 ready'],
      directory: this.directory,
      user: this.#user,
    });
    this.#running.push(listening.server);
    return listening;
  }

  /** One that its user can run, even if that is root with another user's rights. */
  #program(name: string): string {
    return this.#user === undefined ? programPath(name) : join(programsForNobody, name);
  }

  #finished(program: string, args: readonly string[], env: Record<string, string> = {}) {
    return new Promise<Outcome>((resolve) => {
      const options = {
        env: { PATH: process.env.PATH ?? '', ...env },
        cwd: this.directory,
        maxBuffer: longestOutput,
      };
      const child = execFile(program, args, options, (_error, stdout, stderr) => {
        resolve({ exit: child.exitCode ?? -1, stdout, stderr });
      });
    });
  }
}

/** Command lines of this machine's processes with `text` in them. */
function processesNaming(text: string): string[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
      return /^\d+$/.test(name) && line.includes(text) ? [line] : [];
    } catch {
      return [];
    }
  });
}
