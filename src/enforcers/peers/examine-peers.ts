/** What doctor examines for tcpsvd. */
import type { Blocking } from '../../config/config.ts';
import type { Block } from '../../core/block.ts';
import { checkDialect } from '../cdb/check-dialect.ts';
import { ofTcpsvd } from '../cdb/dialects.ts';
import type { Denial, ExaminedEnforcer, ProbedServer } from '../enforcer-kind.ts';
import { checkPeersCdbDrift, checkPeersDrift } from './check-peers-drift.ts';
import { checkStaticFiles } from './check-static-files.ts';
import { checkTcpsvd } from './check-tcpsvd.ts';
import { directoryObstacles } from './directory-obstacles.ts';
import { addressOfPeerFile, isDeny, peerFileName } from './peer-file.ts';
import { peerFilesIn } from './peer-files.ts';

export function examinePeers(peers: NonNullable<Blocking['peers']>): ExaminedEnforcer {
  const { directory, timeoutSeconds, cdb } = peers;
  const files = cdb === undefined ? [] : [cdb];
  const servers = [['-i', directory], ...files.map((file) => ['-x', file])];
  const adminsFiles = (blocks: readonly Block[]) => peerFilesIn(directory, blocks).admins;
  return {
    directories: [
      {
        path: directory,
        fileName: peerFileName,
        power: 'block or let in anyone, and have tcpsvd run commands',
        obstacles: (stats) => directoryObstacles(directory, stats, timeoutSeconds !== undefined),
      },
    ],
    files,
    servers: servers.map((options): ProbedServer => {
      return { server: ['tcpsvd', ...options].join(' '), program: 'tcpsvd', options };
    }),
    denials(blocks) {
      return adminsFiles(blocks).flatMap(({ name, path, stats }): Denial[] => {
        const address = addressOfPeerFile(name);
        return address && name !== '0' && isDeny(stats) ? [{ address, where: path }] : [];
      });
    },
    checks: {
      'static-files': ({ blocks }) => {
        return checkStaticFiles(directory, timeoutSeconds !== undefined, adminsFiles(blocks));
      },
      dialect: () => files.flatMap((file) => checkDialect(file, ofTcpsvd)),
      drift({ blocks, current }) {
        return [
          ...checkPeersDrift(directory, blocks, current),
          ...files.flatMap((file) => checkPeersCdbDrift(directory, file, current)),
        ];
      },
      programs: ({ searchPath }) => checkTcpsvd(searchPath),
    },
  };
}
