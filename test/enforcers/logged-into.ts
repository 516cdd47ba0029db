/** An enforcer's listener that keeps what rater would log, as `LEVEL: EVENT: DETAIL`. */
import { type EnforcerListener, enforcerEvents } from '../../src/enforcers/enforcer-events.ts';

export function loggedInto(lines: string[]): EnforcerListener {
  return (event, detail) => {
    const { level, says } = enforcerEvents[event];
    lines.push(`${level}: ${says}: ${detail}`);
  };
}
