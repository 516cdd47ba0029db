/** The enforcers that a configuration asks for. */
import type { Blocking } from '../config/config.ts';
import type { Health } from '../health/health.ts';
import type { Log } from '../runtime/log.ts';
import type { Enforcer } from './enforcer.ts';
import { type EnforcerEvent, enforcerEvents } from './enforcer-events.ts';
import { kinds } from './kinds.ts';

/** `health` counts the events that they report; what they throw is counted where it is caught. */
export function makeEnforcers(blocking: Blocking, log: Log, health?: Health): Enforcer[] {
  const follow = (name: string, event: EnforcerEvent, detail: string) => {
    const { level, says, mode, begins } = enforcerEvents[event];
    log[level](says, { detail });
    const part = mode === 'watch' ? `watch of ${name}` : name;
    if (begins) health?.note(mode, part, detail);
    else health?.ended(mode, part);
  };
  return kinds.flatMap((kind) => {
    const enforcer: Enforcer | undefined = kind.make(blocking, (event, detail) => {
      if (enforcer) follow(enforcer.name, event, detail);
    });
    return enforcer ?? [];
  });
}
