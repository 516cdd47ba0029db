/**
 * Clients of a server, from any source address in 127.0.0.0/8, and what became of them.
 */
import { connect } from 'node:net';

/** A greeting of the program, a 421 of ratecheck, or a connection closed without a word. */
export type Fate = 'greeted' | 'refused' | 'dropped';

export type Visit = {
  readonly fate: Fate;
  readonly text: string;
  /** Wall clock, just before connecting and just after the end. */
  readonly startedMs: number;
  readonly endedMs: number;
};

const patienceMs = 60_000;

function fateOf(text: string): Fate {
  if (text === '') return 'dropped';
  if (text.startsWith('220 ')) return 'greeted';
  if (text.startsWith('421 ')) return 'refused';
  throw new Error(`neither a greeting nor a 421: ${JSON.stringify(text)}`);
}

/** Connects from `source` to 127.0.0.1, reads until the server closes, sends nothing. */
export function visit(port: number, source: string): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const startedMs = Date.now();
    let text = '';
    const finish = () => {
      socket.destroy();
      try {
        resolve({ fate: fateOf(text), text, startedMs, endedMs: Date.now() });
      } catch (error) {
        reject(error);
      }
    };
    const socket = connect({ host: '127.0.0.1', port, localAddress: source });
    socket.setEncoding('latin1').setTimeout(patienceMs, () => {
      socket.destroy(new Error(`${source}: nothing happened for ${patienceMs} ms`));
    });
    socket.on('data', (more) => {
      text += more;
    });
    socket.on('end', finish);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') finish();
      else reject(error);
    });
  });
}

/** One visit per source, in order, at most `concurrency` at once. */
export async function visitAll(
  port: number,
  sources: readonly string[],
  concurrency: number,
): Promise<Visit[]> {
  const visits: Visit[] = [];
  let next = 0;
  const visitor = async () => {
    for (let index = next++; index < sources.length; index = next++) {
      visits[index] = await visit(port, sources[index] as string);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, visitor));
  return visits;
}

/** `many` visits from one source. */
export function burst(port: number, source: string, many: number, concurrency = 8) {
  return visitAll(port, Array<string>(many).fill(source), concurrency);
}

export function fates(visits: readonly Visit[]): Record<Fate, number> {
  const counts = { greeted: 0, refused: 0, dropped: 0 };
  for (const { fate } of visits) counts[fate] += 1;
  return counts;
}

export function greeted(visits: readonly Visit[]): number {
  return fates(visits).greeted;
}
