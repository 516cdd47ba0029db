/** The administrator's own files in the peers directory: what tcpsvd does with them unasked. */
import { isCommand, isDeny } from '../../enforcers/peers/peer-file.ts';
import { type PeerFile, peerFilesIn, startOf } from '../../enforcers/peers/peer-files.ts';
import { type Finding, hint, problem, someOf } from '../../health/finding.ts';
import { quoted } from '../../runtime/log.ts';
import type { Check } from '../check.ts';

const userWrite = 0o200;
const groupRead = 0o040;
const othersRead = 0o004;
/** An instruction file is a few lines. */
const maxRead = 65_536;

function names(files: readonly PeerFile[]): string {
  return someOf(files.map(({ name }) => quoted(name)));
}

function writable(directory: string, files: readonly PeerFile[], hasTimeout: boolean): Finding[] {
  const found = files.filter(({ stats }) => stats.mode & userWrite);
  if (found.length === 0) return [];
  const what = `in ${directory}, writable for their owner: ${names(found)}`;
  const remedy = `chmod a-w them in ${directory}`;
  if (hasTimeout) return [problem(`${what}: tcpsvd -t deletes them`, remedy)];
  return [hint(`${what}: a tcpsvd that is given -t deletes them`, remedy)];
}

function unreadable(directory: string, files: readonly PeerFile[]): Finding[] {
  const found = files.filter(({ stats }) => !isDeny(stats) && !(stats.mode & othersRead));
  if (found.length === 0) return [];
  const what = `in ${directory}, not readable for everybody: ${names(found)}`;
  const remedy = `chmod a+r them in ${directory}`;
  const isForNobody = found.some(({ stats }) => !(stats.mode & groupRead));
  const effect = 'a tcpsvd that may not read a file drops its clients';
  return [(isForNobody ? problem : hint)(`${what}: ${effect}`, remedy)];
}

function carriageReturns(directory: string, files: readonly PeerFile[]): Finding[] {
  const found = files.filter(({ path, stats }) => {
    if (isDeny(stats) || isCommand(stats)) return false;
    return startOf(path, maxRead)?.includes('\r\n') ?? false;
  });
  if (found.length === 0) return [];
  const what = `in ${directory}, with lines that end in CR LF: ${names(found)}`;
  const effect = 'tcpsvd takes the CR to be part of the instruction';
  return [problem(`${what}: ${effect}`, "remove it: sed -i 's/\\r$//', then check the modes")];
}

function denyAll(directory: string, files: readonly PeerFile[]): Finding[] {
  const found = files.find(({ name, stats }) => name === '0' && isDeny(stats));
  if (!found) return [];
  const what = `${directory}/0 refuses everybody for whom there is no other file`;
  return [hint(what, `if that is not meant, chmod 0444 ${directory}/0`)];
}

export const staticFiles: Check = {
  name: 'static-files',
  looksAt: "the administrator's files in the peers directory",
  run({ config, remembered: memory }) {
    const { peers } = config.blocking;
    if (!peers) return [];
    const blocks = 'unknown' in memory ? [] : memory.blocks;
    const { admins } = peerFilesIn(peers.directory, blocks);
    return [
      ...writable(peers.directory, admins, peers.timeoutSeconds !== undefined),
      ...unreadable(peers.directory, admins),
      ...carriageReturns(peers.directory, admins),
      ...denyAll(peers.directory, admins),
    ];
  },
};
