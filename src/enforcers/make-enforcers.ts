/** The enforcers that a configuration asks for. */
import type { Blocking } from '../config/config.ts';
import type { Health } from '../health/health.ts';
import { reasonOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { realTimers } from '../runtime/timers.ts';
import type { CdbLog } from './cdb/rebuilt-cdb.ts';
import type { Enforcer } from './enforcer.ts';
import { PeersCdb } from './peers/peers-cdb.ts';
import { PeersDirectory } from './peers/peers-directory.ts';
import { TcprulesCdb } from './tcprules/tcprules-cdb.ts';

/** Logs what a cdb tells, and keeps count of its troubles: each mistake is told once. */
function cdbLog(nameOf: () => string, log: Log, health: Health | undefined): CdbLog {
  return (level, what, detail) => {
    log[level](what, { detail });
    const [cdb, watch] = [nameOf(), `watch of ${nameOf()}`];
    if (what === 'cdb not compiled, the old one stays') health?.note('cdb', cdb, detail);
    else if (what === 'cdb compiled again') health?.ended('cdb', cdb);
    else if (what === 'cannot watch') health?.note('watch', watch, detail);
    else if (what === 'watches again') health?.ended('watch', watch);
  };
}

/** `health` counts what they only tell of; what they throw is counted by who catches it. */
export function makeEnforcers(blocking: Blocking, log: Log, health?: Health): Enforcer[] {
  const { peers, tcprules, mode } = blocking;
  const message = mode === 'polite' ? blocking.message : undefined;
  const enforcers: Enforcer[] = [];
  if (peers?.cdb !== undefined) {
    const noted = cdbLog(() => enforcer.name, log, health);
    const enforcer = new PeersCdb({ ...peers, cdb: peers.cdb, message }, noted);
    enforcers.push(enforcer);
  } else if (peers) {
    const watch = `watch of peers ${peers.directory}`;
    const listener = {
      onEvent() {},
      onTrouble(error: unknown) {
        log.warn('cannot watch', { detail: reasonOf(error) });
        health?.note('watch', watch, reasonOf(error));
      },
      onMended() {
        log.info('watches again', { detail: peers.directory });
        health?.ended('watch', watch);
      },
    };
    enforcers.push(new PeersDirectory({ ...peers, message }, realTimers, listener));
  }
  if (tcprules) {
    const noted = cdbLog(() => enforcer.name, log, health);
    const enforcer = new TcprulesCdb({ ...tcprules, message }, noted);
    enforcers.push(enforcer);
  }
  return enforcers;
}
