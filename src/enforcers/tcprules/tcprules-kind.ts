/** tcpserver: the cdb of tcprules(1) that its -x reads. */
import { type EnforcerKind, refusalText } from '../enforcer-kind.ts';
import { TcprulesCdb } from './tcprules-cdb.ts';

export const tcprulesKind = {
  name: 'tcprules',
  writes: 'tcprules cdb',
  place: ({ tcprules }) => tcprules?.cdb,
  make(blocking, listener) {
    const { tcprules } = blocking;
    return tcprules && new TcprulesCdb({ ...tcprules, message: refusalText(blocking) }, listener);
  },
  async examine(blocking) {
    const { tcprules } = blocking;
    if (!tcprules) return undefined;
    const { examineTcprules } = await import('./examine-tcprules.ts');
    return examineTcprules({ ...tcprules, message: refusalText(blocking) });
  },
} as const satisfies EnforcerKind;
