/** A daemon that takes datagrams beside a socket's path, and answers all with the same or nothing. */
import { join } from 'node:path';
import { RunningProgram } from '../system/running-program.ts';
import { compiledFixture } from './programs.ts';

export type DatagramRater = {
  readonly socket: string;
  /** Where it takes datagrams. */
  readonly name: string;
  /** Every request so far, without its newline. */
  readonly requests: () => string[];
  readonly end: () => Promise<void>;
};

let count = 0;

/** Ended when the test is over, by its own `onTestFinished`. Nothing is at `socket` itself, unless the caller puts it there. */
export async function startDatagramRater(
  directory: string,
  onTestFinished: (work: () => Promise<void>) => void,
  reply?: string,
  socket = join(directory, `datagrams-${++count}.sock`),
): Promise<DatagramRater> {
  const answer = [socket, ...(reply === undefined ? [] : [reply])];
  const command = [compiledFixture('datagrams', directory), 'answer', ...answer];
  const rater = new RunningProgram({ command, directory });
  onTestFinished(() => rater.end());
  await rater.says(/^at .*\n/);
  const lines = () => rater.said.split('\n').slice(0, -1);
  const name = (lines()[0] ?? '').slice('at '.length);
  return { socket, name, requests: () => lines().slice(1), end: () => rater.end() };
}
