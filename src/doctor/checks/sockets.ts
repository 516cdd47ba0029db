/**
 * Who may connect. Finds sockets that are open to more users than configured or closed to users who
 * should ask, a socket group that does not exist, and what the configuration lets everybody do.
 */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Settings } from '../../config/config.ts';
import { isLoopback, parseAddress } from '../../core/address.ts';
import { groupSearch, groupWrite, othersSearch, othersWrite } from '../../files/mode-bits.ts';
import { type Finding, hint, problem } from '../../health/finding.ts';
import { quoted } from '../../runtime/log.ts';
import type { Check, DaemonState, Installation } from '../check.ts';
import { gidOf, hasOtherMembers } from '../members.ts';
import { daemonUser } from '../owner.ts';

const controlMode = 0o600;
/** Connecting to a socket needs permission to write. */
const anyWrite = 0o222;
const onlyOwner = 0o700;

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function tooWide(path: string, wanted: number, whose: string): Finding[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const mode = (stats?.mode ?? 0) & 0o777;
  if (!stats?.isSocket() || (mode & ~wanted) === 0) return [];
  const what = `${path} has mode ${octal(mode)}, ${whose} is ${octal(wanted)}`;
  return [problem(what, `chmod ${octal(wanted)} ${path}`)];
}

/** Finds a group name that does not exist; a number need not have a name. */
function nobodys({ socketGroup: group }: Settings): Finding[] {
  if (group === undefined || gidOf(group) !== 'none') return [];
  const what = `settings.socket_group: there is no group ${quoted(group)}, so rater cannot start`;
  return [problem(what, 'groupadd --system it, or name another')];
}

/** The socket for checks by datagram of the rater that runs. */
function ofDatagrams({ socketMode }: Settings, daemon: DaemonState): Finding[] {
  const path = daemon.is === 'running' ? daemon.status.datagrams : undefined;
  return path ? tooWide(path, socketMode, 'settings.socket_mode') : [];
}

/** Finds that the user of rater may not give the socket to its group. */
function notMember({ config, daemon }: Installation): Finding[] {
  const { socketGroup: group } = config.settings;
  const user = daemonUser(config);
  if (daemon.is !== 'down' || group === undefined || !user || user.uid === 0) return [];
  const gid = gidOf(group);
  if (gid === undefined || gid === 'none' || user.groups.has(gid)) return [];
  const what = `the user of rater (uid ${user.uid}) is not in the group ${quoted(group)}`;
  const remedy = 'add it to the group, or have the run script start rater with that group';
  return [hint(`${what}, to which settings.socket_group gives the socket`, remedy)];
}

/** Finds what keeps permitted users from connecting: for them ratecheck fails open. */
function tooNarrow({ socket, socketMode }: Settings): Finding[] {
  const stats = lstatSync(socket, { throwIfNoEntry: false });
  if (!stats?.isSocket()) return [];
  const mode = stats.mode & 0o777;
  if ((socketMode & ~mode & anyWrite) !== 0) {
    const what = `${socket} has mode ${octal(mode)}, settings.socket_mode is ${octal(socketMode)}`;
    const effect = 'a ratecheck that may not ask lets all in';
    return [problem(`${what}: ${effect}`, `chmod ${octal(socketMode)} ${socket}`)];
  }
  if ((socketMode & ~onlyOwner) === 0) return [];
  const gid = socketMode & othersWrite ? undefined : stats.gid;
  return directoriesAbove(socket).flatMap((directory) => closed(directory, gid));
}

/** `/run/ipthrottle`, `/run` and `/`, as they are behind links. */
function directoriesAbove(path: string): string[] {
  const found = [realpathSync(dirname(path))];
  for (let directory = found[0] ?? '/'; directory !== '/'; found.push(directory)) {
    directory = dirname(directory);
  }
  return found;
}

/**
 * A socket at which only root and its owner may ask. That may be meant so, for a server that runs as
 * one of them: then somebody has asked.
 */
function lonely({ socket }: Settings, daemon: DaemonState): Finding[] {
  if (daemon.is !== 'running' || daemon.status.counters?.checks !== 0) return [];
  const stats = lstatSync(socket, { throwIfNoEntry: false });
  if (!stats?.isSocket() || stats.mode & othersWrite) return [];
  const { mode, uid, gid } = stats;
  if (mode & groupWrite && hasOtherMembers(gid, uid) !== false) return [];
  const what = `${socket}: nobody but root and the user of rater may ask there, and nobody has`;
  const remedy =
    'name the group of the user that runs ratecheck in settings.socket_group, add the user of rater to it, and restart rater';
  return [problem(`${what}: a ratecheck that runs as another lets all in`, remedy)];
}

/** A directory that the group `gid`, or by default every user, cannot search. */
function closed(directory: string, gid: number | undefined): Finding[] {
  const { mode, gid: group } = statSync(directory);
  if (mode & othersSearch || (mode & groupSearch && group === gid)) return [];
  const what = `${directory} is closed to other users: a ratecheck that runs as one lets all in`;
  const remedy = `chmod o+x ${directory}`;
  return mode & groupSearch
    ? [hint(`${what}, unless it is in the group`, remedy)]
    : [problem(what, remedy)];
}

/** Who can reach a TCP listener at the address. */
function visitors(address: string): string {
  const isHere = isLoopback(parseAddress(address));
  return isHere ? 'every user of this host' : `everybody who can reach ${address}`;
}

/** What the configuration lets everybody do. */
function opened({ socketMode, address, port, tcpTrusted, ...settings }: Settings): Finding[] {
  const found: Finding[] = [];
  const blockAny = 'may have any address blocked that is not in allow';
  if (socketMode & othersWrite) {
    const what = `settings.socket_mode ${octal(socketMode)}: every user of this host ${blockAny}`;
    found.push(hint(what, 'give the socket to a group: socket_mode 0660 and socket_group'));
  }
  if (port !== undefined && tcpTrusted) {
    const what = `settings.tcp_trusted: ${visitors(address)} ${blockAny}`;
    found.push(hint(what, 'leave tcp_trusted out, or use the socket and no port'));
  }
  if (settings.controlPort !== undefined) {
    const what = `settings.control_port: ${visitors(settings.controlAddress)} may block and unblock`;
    found.push(hint(what, 'leave it out, and use ipthrottle or settings.control'));
  }
  return found;
}

export const sockets: Check = {
  name: 'sockets',
  looksAt: 'the sockets',
  run(site) {
    const { config, daemon } = site;
    const { socket, socketMode, controlSocket } = config.settings;
    const narrow = tooNarrow(config.settings);
    return [
      ...tooWide(socket, socketMode, 'settings.socket_mode'),
      ...ofDatagrams(config.settings, daemon),
      ...nobodys(config.settings),
      ...notMember(site),
      ...(narrow.length > 0 ? narrow : lonely(config.settings, daemon)),
      ...tooWide(
        controlSocket,
        controlMode,
        'the widest safe mode of a socket that gives all power',
      ),
      ...opened(config.settings),
    ];
  },
};
