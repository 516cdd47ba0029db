/** A person at the control shell: a line in, lines out up to `Ok`. */
import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { until } from './running-program.ts';

export class ShellClient {
  readonly socket: Socket;
  #said = '';
  #taken = 0;
  #hasEnded = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    socket.on('end', () => {
      this.#hasEnded = true;
    });
    socket.on('error', () => {
      this.#hasEnded = true;
    });
  }

  /** Everything that was said, byte for byte as text. */
  get said(): string {
    return this.#said;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  /** The lines of the next answer, without its `Ok`. */
  async answer(): Promise<string[]> {
    const rest = () => this.#said.slice(this.#taken);
    const end = () => /(?:^|\n)Ok\r?\n/.exec(rest());
    await until(`an answer; so far ${JSON.stringify(rest().slice(0, 500))}`, () => {
      return end() !== null || this.#hasEnded;
    });
    const found = end();
    if (!found) throw new Error(`closed without an answer: ${rest()}`);
    const length = found.index + found[0].length;
    const text = rest().slice(0, length);
    this.#taken += length;
    return text.split(/\r?\n/).slice(0, -2);
  }

  ask(line: string): Promise<string[]> {
    this.send(`${line}\n`);
    return this.answer();
  }
}

/** A client that is connected until the test is over. */
export async function shellClient(where: NetConnectOpts): Promise<ShellClient> {
  const socket = connect({ ...where, allowHalfOpen: true } as NetConnectOpts);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return new ShellClient(socket);
}
