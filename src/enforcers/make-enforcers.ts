/** The enforcers that a configuration asks for. */
import type { Blocking } from '../config/config.ts';
import type { Log } from '../log.ts';
import type { Enforcer } from './enforcer.ts';
import { PeersDirectory } from './peers-directory.ts';
import { TcprulesCdb } from './tcprules-cdb.ts';

export function makeEnforcers({ peers, tcprules }: Blocking, log: Log): Enforcer[] {
  const enforcers: Enforcer[] = [];
  if (peers) enforcers.push(new PeersDirectory(peers));
  if (tcprules)
    enforcers.push(
      new TcprulesCdb(tcprules, (level, what, detail) => log[level](what, { detail })),
    );
  return enforcers;
}
