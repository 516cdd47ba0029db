import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled } from '../peers/installed.ts';
import { takeTurns } from '../rounds.ts';
import type { Row } from '../row.ts';
import type { Workbench } from '../workbench.ts';

const clients = 2000;
const linesEach = 5;
const writtenAtOnce = 10_000;
const startSeconds = 1_795_000_000;

/** What tcpsvd -v says of a connection, stamped by svlogd -t; some clients come far more often. */
function connection(index: number): string {
  // Spread like chance, but the same in each run.
  const part = ((index * 2_654_435_761) % 2 ** 32) / 2 ** 32;
  const client = Math.floor(clients * part ** 2);
  const from = `10.0.${client >> 8}.${client & 255}`;
  const seconds = (startSeconds + Math.floor(index / 10)).toString(16).padStart(8, '0');
  const stamp = `@40000000${seconds}${(index % 1000).toString(16).padStart(8, '0')}`;
  const said = [
    'status 1/30',
    `pid ${index} from ${from}`,
    `start ${index} localhost:127.0.0.1 ::${from}:36679 peers/0`,
    `end ${index} exit 0`,
    'status 0/30',
  ];
  return said.map((words) => `${stamp} tcpsvd: info: ${words}\n`).join('');
}

function writeLog(bench: Workbench, lines: number): string {
  const log = join(bench.newDirectory(), 'log');
  writeFileSync(log, '');
  for (let first = 0; first < lines / linesEach; first += writtenAtOnce) {
    const many = Math.min(writtenAtOnce, lines / linesEach - first);
    appendFileSync(
      log,
      Array.from({ length: many }, (_, index) => connection(first + index)).join(''),
    );
  }
  return log;
}

/** Lines for each second of a core that the command takes. */
async function speed(bench: Workbench, command: readonly string[], lines: number) {
  const said = await bench.run(['sh', '-c', '"$@" >/dev/null; times', 'sh', ...command]);
  const ofChildren = said.trim().split('\n').at(-1) ?? '';
  const times = [...ofChildren.matchAll(/(\d+)m([\d.]+)s/g)];
  const seconds = times.reduce(
    (sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest),
    0,
  );
  return lines / seconds;
}

/** Prints as its last line how many kilobytes it took at most. */
const tellMemory =
  'data:text/javascript,process.on("exit",()=>console.log("\\n"+process.resourceUsage().maxRSS))';

export const replay: Row = {
  name: 'replay',
  what: 'replay, tcpsvd -v lines with TAI64N',
  async measure(bench) {
    const config = join(bench.newDirectory(), 'rater.conf');
    writeFileSync(config, 'limits : { ip: ( ("*", 60, 10) ); }; blocking : { time: 120; };');
    const replaying = [bench.ours('ipthrottle'), '-c', config, 'replay'];
    const lines = bench.size(3_000_000, 400_000);
    const log = writeLog(bench, lines);
    const regex = ['-d', 'TAI64N', log, '^ *tcpsvd: info: pid \\d+ from <HOST>$'];
    const { ours, peer } = await takeTurns(3, {
      ours: {
        name: 'ipthrottle replay',
        measure: () => speed(bench, [process.execPath, ...replaying, log], lines),
      },
      peer: isInstalled('fail2ban-regex')
        ? {
            name: 'fail2ban-regex',
            measure: () => speed(bench, ['fail2ban-regex', ...regex], lines),
          }
        : undefined,
    });
    const few = bench.size(1_000_000, 100_000);
    const memory = async (many: number) => {
      const file = writeLog(bench, many);
      const said = await bench.run([process.execPath, '--import', tellMemory, ...replaying, file]);
      return (Number(said.trim().split('\n').at(-1)) * 1024) / 1e6;
    };
    const [little, large] = [await memory(few), await memory(10 * few)];
    if (!ours) return [];
    return [
      {
        what: `replay of ${lines} lines of tcpsvd -v with TAI64N, a second of a core`,
        ...{ unit: '/s', ours, peer, goal: { is: 'at least', bound: 10, of: 'peer' } },
      },
      {
        what: `replay of ${lines} lines, itself`,
        ...{ unit: '/s', ours, goal: { is: 'at least', bound: 500_000, of: 'ours' } },
      },
      {
        what: `memory of a replay of ${10 * few} lines, of one of ${few} with the same clients`,
        unit: 'MB',
        ours: { name: `${10 * few} lines`, samples: [large] },
        limit: { name: `${few} lines`, samples: [little] },
        goal: { is: 'at most', bound: 1.2, of: 'limit' },
      },
    ];
  },
};
