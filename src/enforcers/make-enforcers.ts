/** The enforcers that a configuration asks for. */
import type { Blocking } from '../config/config.ts';
import type { Log } from '../log.ts';
import type { Enforcer } from './enforcer.ts';
import { PeersCdb } from './peers-cdb.ts';
import { PeersDirectory } from './peers-directory.ts';
import type { CdbLog } from './rebuilt-cdb.ts';
import { TcprulesCdb } from './tcprules-cdb.ts';

export function makeEnforcers(blocking: Blocking, log: Log): Enforcer[] {
  const { peers, tcprules } = blocking;
  const message = blocking.mode === 'polite' ? blocking.message : undefined;
  const cdbLog: CdbLog = (level, what, detail) => log[level](what, { detail });
  const enforcers: Enforcer[] = [];
  if (peers?.cdb !== undefined) {
    enforcers.push(new PeersCdb({ ...peers, cdb: peers.cdb, message }, cdbLog));
  } else if (peers) enforcers.push(new PeersDirectory({ ...peers, message }));
  if (tcprules) enforcers.push(new TcprulesCdb({ ...tcprules, message }, cdbLog));
  return enforcers;
}
