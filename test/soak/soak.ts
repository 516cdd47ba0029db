/**
 * Hours of gibberish, hours of valid input: clients of every kind against one rater, each reply
 * held to a model, and at the end memory, descriptors, files and log. All the while it is under attack, by
 * clients and datagrams (attackers.ts).
 *
 * The seed decides what is sent, not when it arrives: it finds the same kinds of trouble again, not
 * always the same instant.
 */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Attackers } from './attackers.ts';
import { Chance } from './chance.ts';
import { Clients, Tally } from './clients.ts';
import { open, talk } from './conversation.ts';
import { WatchedRater } from './watched-rater.ts';

const workers = 12;
const idleClients = 300;
/** After the warm-up, memory may grow by this factor at most. */
const growth = 1.5;
/** How many more descriptors the daemon may have at the end than before the first client. */
const spareDescriptors = 4;

type Idle = { readonly socket: Socket; isClosed: boolean };

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function idleClient(path: string): Idle {
  const idle = { socket: open({ path }), isClosed: false };
  idle.socket.once('close', () => {
    idle.isClosed = true;
  });
  return idle;
}

/** Checks that clients that were silent all the time are still served. */
async function wake(idles: readonly Idle[], tally: Tally): Promise<void> {
  const closed = idles.filter(({ isClosed }) => isClosed).length;
  if (closed > 0) tally.findings.push(`${closed} idle clients were closed`);
  await Promise.all(
    idles.map(async ({ socket, isClosed }, index) => {
      if (isClosed) return;
      const reply = await new Promise<string>((resolve) => {
        socket
          .setEncoding('utf8')
          .once('data', resolve)
          .once('close', () => resolve('closed'));
        socket.setTimeout(20_000, () => resolve('nothing'));
        socket.write(`user idle-${index}\n`);
      });
      if (reply !== '0 1/4\r\n') tally.findings.push(`idle client: ${JSON.stringify(reply)}`);
      socket.destroy();
    }),
  );
}

type Options = {
  readonly rater: string;
  readonly seconds: number;
  readonly seed: number;
  readonly attackers: number;
  /** The program that floods; undefined: no floods. */
  readonly flood: string | undefined;
};

async function soak(options: Options): Promise<readonly string[]> {
  const { seconds, seed } = options;
  const rater = await WatchedRater.start(options.rater, options.attackers);
  const tally = new Tally();
  const { findings } = tally;
  const descriptorsBefore = rater.descriptors;
  const socket = join(rater.directory, 'rater.sock');
  const idles = Array.from({ length: idleClients }, () => idleClient(socket));
  const attackers = new Attackers(rater.directory, tally, new Chance(seed));
  await attackers.connect(options.attackers);
  const floods = options.flood === undefined ? 'none' : attackers.flood(options.flood);
  const startMs = performance.now();
  const passed = () => (performance.now() - startMs) / (seconds * 1000);
  const isOver = () => passed() >= 1 || !rater.isRunning || findings.length > 100;
  const memory: number[] = [];
  const watch = async () => {
    while (!isOver()) {
      memory.push(rater.residentKib);
      await pause(200);
    }
  };
  const works = Array.from({ length: workers }, (_, worker) => {
    return new Clients(rater, tally, new Chance(seed * 1000 + worker), worker).run(isOver);
  });
  await Promise.all([watch(), attackers.run(isOver), ...works]);
  const datagrams = await attackers.end();

  if (!rater.isRunning) findings.push('rater has ended');
  else {
    await wake(idles, tally);
    const last = await talk({ path: socket }, [Buffer.from('user last\n')]);
    if (last.lines[0]?.text !== '0 1/4') findings.push(`at the end: ${last.lines[0]?.text}`);
    for (let turn = 0; turn < 100; turn += 1) {
      if (rater.descriptors <= descriptorsBefore + spareDescriptors) break;
      await pause(100);
    }
    const more = rater.descriptors - descriptorsBefore;
    if (more > spareDescriptors) findings.push(`${more} descriptors were left open`);
  }
  // A share of the looks, not of the time: a machine that stands still takes none.
  const part = (from: number, to: number) => {
    return median(memory.slice(Math.floor(memory.length * from), Math.ceil(memory.length * to)));
  };
  const [warmKib, lateKib] = [part(0.25, 0.5), part(0.75, 1)];
  if (lateKib > warmKib * growth) findings.push(`memory grew from ${warmKib} to ${lateKib} KiB`);
  const exit = await rater.stop();
  if (exit !== 0) findings.push(`rater left with ${exit}`);
  // Only now, because a running rater may be replacing a file.
  findings.push(...rater.findings());
  rater.remove();
  const kinds = [...tally.byKind].map(([kind, count]) => `${kind} ${count}`).sort();
  const said = [
    `soak: ${seconds} seconds, seed ${seed}`,
    `connections: ${tally.connections + idleClients} (idle ${idleClients}, ${kinds.join(', ')})`,
    `attackers: ${options.attackers}`,
    `floods: ${floods}; sent/replies: ${datagrams.join(', ')}`,
    `lines: ${tally.lines}, ${tally.bytes} bytes`,
    `replies: ${tally.replies}`,
    `log lines: ${rater.logLines}`,
    `memory: ${warmKib} KiB after the warm-up, ${lateKib} KiB at the end (at most ${growth} times)`,
    ...findings.slice(0, 20).map((what) => `finding: ${what}`),
    `findings: ${findings.length}`,
  ];
  process.stdout.write(`${said.join('\n')}\n`);
  return findings;
}

const { values } = parseArgs({
  options: {
    rater: { type: 'string', default: 'bin/rater' },
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    attackers: { type: 'string', default: '5000' },
    flood: { type: 'string' },
  },
});
const options = {
  rater: values.rater,
  seconds: Number(values.seconds ?? Number(values.minutes ?? 5) * 60),
  seed: Number(values.seed ?? Date.now() % 1_000_000),
  attackers: Number(values.attackers),
  flood: values.flood,
};
if (!(options.seconds > 0) || ![options.seed, options.attackers].every(Number.isInteger)) {
  process.stderr.write(
    'soak: usage: soak [--minutes N | --seconds N] [--seed N] [--attackers N]\n',
  );
  process.exit(100);
}
const findings = await soak(options);
process.exit(findings.length > 0 ? 1 : 0);
