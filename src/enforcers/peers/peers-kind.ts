/** tcpsvd: its instructions directory (-i), also compiled to a cdb (-x). */
import { reasonOf } from '../../runtime/errors.ts';
import { realTimers } from '../../runtime/timers.ts';
import { type EnforcerKind, refusalText } from '../enforcer-kind.ts';
import { PeersCdb } from './peers-cdb.ts';
import { PeersDirectory } from './peers-directory.ts';

export const peersKind = {
  name: 'peers',
  writes: 'peers directory',
  place: ({ peers }) => peers?.directory,
  make(blocking, listener) {
    const { peers } = blocking;
    if (!peers) return undefined;
    const options = { ...peers, message: refusalText(blocking) };
    if (peers.cdb !== undefined) return new PeersCdb({ ...options, cdb: peers.cdb }, listener);
    return new PeersDirectory(options, realTimers, {
      onEvent() {},
      onTrouble: (error) => listener('cannotWatch', reasonOf(error)),
      onMended: () => listener('watchesAgain', peers.directory),
    });
  },
  async examine({ peers }) {
    if (!peers) return undefined;
    const { examinePeers } = await import('./examine-peers.ts');
    return examinePeers(peers);
  },
} as const satisfies EnforcerKind;
