/**
 * A real Chromium without a window, driven by its DevTools protocol through two pipes. It notes each
 * request of a page and what the page complains of.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { DebianPackages } from '../run/debian-packages.ts';

export const chromiumPackage = 'chromium-headless-shell';

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
};

type Answer = (message: Message) => void;

/** Its libraries, of which those of PulseAudio are in a folder of their own. */
function environmentOf({ environment }: DebianPackages): NodeJS.ProcessEnv {
  const folders = environment.LD_LIBRARY_PATH?.split(':') ?? [];
  const all = [...folders, ...folders.map((folder) => join(folder, 'pulseaudio'))];
  return { ...process.env, LD_LIBRARY_PATH: all.join(':') };
}

export class Chromium {
  /** URLs that were asked for, and what was said on the console or reported as an error. */
  readonly requests: string[] = [];
  readonly complaints: string[] = [];
  readonly #profile = mkdtempSync(join(tmpdir(), 'ipthrottle-test-'));
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, Answer>();
  readonly #waiting: { readonly method: string; readonly done: Answer }[] = [];
  #session = '';
  #lastId = 0;
  #received = '';

  constructor(packages: DebianPackages) {
    const program = join(packages.root, 'usr/lib/chromium', chromiumPackage);
    const flags = ['--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--remote-debugging-pipe'];
    this.#child = spawn(program, [...flags, `--user-data-dir=${this.#profile}`], {
      env: environmentOf(packages),
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    const output = this.#child.stdio[4] as Readable;
    output.setEncoding('utf8').on('data', (chunk: string) => this.#receive(chunk));
  }

  /** Opens an empty page of its own. */
  async openPage(): Promise<void> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const attached = await this.send('Target.attachToTarget', { targetId, flatten: true });
    this.#session = String(attached.sessionId);
    for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await this.send(`${domain}.enable`);
  }

  /** Shows a file, until it has been loaded. */
  async show(path: string): Promise<void> {
    const loaded = new Promise<Message>((done) => {
      this.#waiting.push({ method: 'Page.loadEventFired', done });
    });
    await this.send('Page.navigate', { url: `file://${path}` });
    await loaded;
  }

  /** The value of an expression in the page. */
  async value(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: unknown }).value;
  }

  /** @returns what the command answers; rejects with its error. */
  send(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    this.#lastId += 1;
    const id = this.#lastId;
    const session = this.#session ? { sessionId: this.#session } : {};
    const text = JSON.stringify({ id, method, params, ...session });
    (this.#child.stdio[3] as Writable).write(`${text}\0`);
    return new Promise((resolve, reject) => {
      this.#answers.set(id, ({ result = {}, error }) => {
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve(result);
      });
    });
  }

  async close(): Promise<void> {
    const ended = new Promise((done) => this.#child.on('exit', done));
    this.#child.kill('SIGKILL');
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #receive(chunk: string): void {
    const messages = (this.#received + chunk).split('\0');
    this.#received = messages.pop() ?? '';
    for (const text of messages) this.#take(JSON.parse(text) as Message);
  }

  #take(message: Message): void {
    const { id, method, params = {} } = message;
    if (id !== undefined) this.#answers.get(id)?.(message);
    if (method === 'Network.requestWillBeSent') {
      this.requests.push((params.request as { url: string }).url);
    }
    if (/^(?:Runtime\.(?:consoleAPICalled|exceptionThrown)|Log\.entryAdded)$/.test(method ?? '')) {
      this.complaints.push(JSON.stringify(params));
    }
    const index = this.#waiting.findIndex((each) => each.method === method);
    if (index >= 0) this.#waiting.splice(index, 1)[0]?.done(message);
  }
}
