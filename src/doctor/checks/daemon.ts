/** Whether rater runs, answers, and uses the files that the configuration names. */
import { connect } from 'node:net';
import { kinds } from '../../enforcers/kinds.ts';
import { type Finding, hint, problem } from '../../health/finding.ts';
import { downtimeAt, heartbeatPath } from '../../health/heartbeat.ts';
import { errnoOf } from '../../runtime/errors.ts';
import type { Check, DaemonStatus, Installation } from '../check.ts';
import { hasLoaded } from '../installation.ts';

const timeoutMs = 3000;

/** The error of connecting to a socket, or undefined. Connecting counts no hit. */
function whyUnreachable(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (why?: string) => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(timeoutMs, () => done('ETIMEDOUT'));
    socket.on('connect', () => done()).on('error', (error) => done(errnoOf(error) ?? 'unknown'));
  });
}

function differences(status: DaemonStatus, { config }: Installation): Finding[] {
  const pairs = [
    ['database', status.database, config.settings.dbPath],
    ...kinds.map(({ name, writes, place }) => {
      return [writes, status[name], place(config.blocking) ?? null] as const;
    }),
  ] as const;
  return pairs.flatMap(([name, inUse, configured]) => {
    if (inUse === configured) return [];
    const what = `rater uses the ${name} ${inUse ?? '(none)'}, the configuration says`;
    return problem(`${what} ${configured ?? '(none)'}`, 'restart rater');
  });
}

/** The configuration is not the one that was loaded, as when rater could not see that it changed. */
function staleness(status: DaemonStatus, { config }: Installation): Finding[] {
  if (hasLoaded(status, config)) return [];
  if (status.config !== config.file) {
    const what = `rater works by ${status.config}, which differs from ${config.file}`;
    return [problem(what, `ipthrottle -c ${status.config} doctor, or start rater with the other`)];
  }
  const what = `rater works by an older ${config.file}, not by the one that is there now`;
  return [problem(what, 'ipthrottle reload')];
}

/** By node:net rater answers all the same, but needs three times the time for it. */
function slowTransport({ transportTrouble }: DaemonStatus): Finding[] {
  if (!transportTrouble) return [];
  const what = `rater cannot use its native transport, and answers by node:net: ${transportTrouble}`;
  const remedy =
    'install a C compiler and the headers of Node, run src/transport/build.sh, and restart rater';
  return [hint(what, remedy)];
}

async function ofRunning(status: DaemonStatus, site: Installation): Promise<Finding[]> {
  const wrong = [
    ...staleness(status, site),
    ...differences(status, site),
    ...slowTransport(status),
  ];
  const { socket } = site.config.settings;
  const why = await whyUnreachable(socket);
  if (why === undefined) return wrong;
  if (why === 'EACCES') {
    const what = `${socket}: the user who runs this may not ask there`;
    return [hint(what, 'run ipthrottle doctor as root'), ...wrong];
  }
  const what = `${socket}: rater runs, but nobody answers there (${why}), so ratecheck lets all in`;
  const remedy =
    'rater listens anew within a second, or its log says what keeps it; else restart it';
  return [problem(what, remedy), ...wrong];
}

/** `, killed at ...`, if there is a heartbeat. */
function endOf({ config }: Installation): string {
  const downtime = downtimeAt(heartbeatPath(config.settings.dbPath));
  return downtime ? `, ${downtime.ended} at ${new Date(downtime.sinceMs).toISOString()}` : '';
}

export const daemon: Check = {
  name: 'daemon',
  looksAt: 'the sockets of rater',
  run(site) {
    const { daemon: state, config } = site;
    const { controlSocket } = config.settings;
    if (state.is === 'running') return ofRunning(state.status, site);
    if (state.is === 'down') {
      const what = `rater is not running${endOf(site)}: nobody listens on ${controlSocket}`;
      const effect = 'until then nothing is counted and no new block is made';
      return [problem(what, `start rater, which says what keeps it; ${effect}`)];
    }
    if (state.is === 'not permitted') {
      const remedy = 'run ipthrottle doctor as root or as the user of rater';
      return [problem(`not permitted to ask rater: ${state.why}`, remedy)];
    }
    return [problem(`rater does not answer: ${state.why}`, 'look at its log, and restart it')];
  },
};
