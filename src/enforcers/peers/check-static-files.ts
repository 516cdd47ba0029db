/** The administrator's own files in the peers directory: surprises that tcpsvd has for them. */

import { groupRead, othersRead, userWrite } from '../../files/mode-bits.ts';
import { type Finding, hint, problem, someOf } from '../../health/finding.ts';
import { quoted } from '../../runtime/log.ts';
import { addressOfPeerFile, isCommand, isDeny } from './peer-file.ts';
import { type PeerFile, someNames, startOf } from './peer-files.ts';

/** Bytes; an instruction file has a few lines. */
const maxRead = 65_536;
/** A line that tcpsvd understands, or takes for a comment. */
const instruction = /^[+C=#]/;

function writable(directory: string, files: readonly PeerFile[], hasTimeout: boolean): Finding[] {
  const found = files.filter(({ stats }) => stats.mode & userWrite);
  if (found.length === 0) return [];
  const what = `in ${directory}, writable for their owner: ${someNames(found)}`;
  const remedy = `chmod a-w them in ${directory}`;
  if (hasTimeout) return [problem(`${what}: tcpsvd -t deletes them`, remedy)];
  return [hint(`${what}: a tcpsvd that is given -t deletes them`, remedy)];
}

function unreadable(directory: string, files: readonly PeerFile[]): Finding[] {
  const found = files.filter(({ stats }) => !isDeny(stats) && !(stats.mode & othersRead));
  if (found.length === 0) return [];
  const what = `in ${directory}, not readable for everybody: ${someNames(found)}`;
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
  const what = `in ${directory}, with lines that end in CR LF: ${someNames(found)}`;
  const effect = 'tcpsvd takes the CR to be part of the instruction';
  return [problem(`${what}: ${effect}`, "remove it: sed -i 's/\\r$//', then check the modes")];
}

/** What tcpsvd warns of and passes over; other files than those of addresses may be notes. */
function badInstructions(directory: string, files: readonly PeerFile[]): Finding[] {
  const found = files.flatMap(({ name, path, stats }) => {
    if (isDeny(stats) || isCommand(stats) || !addressOfPeerFile(name)) return [];
    const lines = startOf(path, maxRead)?.split('\n') ?? [];
    return lines.flatMap((line, index) => {
      return line === '' || instruction.test(line) ? [] : [`${name}:${index + 1} ${quoted(line)}`];
    });
  });
  if (found.length === 0) return [];
  const what = `in ${directory}, lines that are no instruction, which tcpsvd passes over`;
  const remedy = 'begin each line with +NAME=value, +NAME, C or =, without a blank in front';
  return [problem(`${what}: ${someOf(found)}`, remedy)];
}

function denyAll(directory: string, files: readonly PeerFile[]): Finding[] {
  const found = files.find(({ name, stats }) => name === '0' && isDeny(stats));
  if (!found) return [];
  const what = `${directory}/0 refuses everybody for whom there is no other file`;
  return [hint(what, `if that is not meant, chmod 0444 ${directory}/0`)];
}

export function checkStaticFiles(
  directory: string,
  hasTimeout: boolean,
  admins: readonly PeerFile[],
): Finding[] {
  return [
    ...writable(directory, admins, hasTimeout),
    ...unreadable(directory, admins),
    ...carriageReturns(directory, admins),
    ...badInstructions(directory, admins),
    ...denyAll(directory, admins),
  ];
}
