/** A period with everything that a page tells of, the same each time. */
import { Period } from '../../src/report/period.ts';

/** What a page must not take for markup, as the name of a client and of a class. */
export const hostile = '</td></table><script>document.title=1</script><img src=x>';

const fromMs = Date.UTC(2026, 0, 26);
const dayMs = 86_400_000;

/** Three weeks with a rhythm, 60 IPv4 and 30 IPv6 clients, and one that is hostile. */
export function somePeriod(): Period {
  const period = new Period();
  const count = 30_000;
  for (let index = 0; index < count; index += 1) {
    const atMs = fromMs + (index / count) * 21 * dayMs;
    const hour = Math.floor((atMs / 3_600_000) % 24);
    if ((index * 31) % 24 > 6 + 10 * Math.sin((hour / 24) * Math.PI)) continue;
    const number = (index * 37 + Math.floor(index / 91)) % 91;
    const isSix = number >= 60;
    const client = isSix ? `2001:db8:0:${number % 4}::${number}` : `192.0.${number % 7}.${number}`;
    const isRefused = number % 9 === 1 && index % 3 > 0;
    period.connection(atMs, number % 5 === 0 ? 'relay' : 'ip', client, isRefused);
    if (!isRefused || index % 4 > 0) continue;
    const offence = 1 + (index % 13);
    const seconds = 60 * 2 ** offence;
    period.block({ atMs, value: client, class: 'ip', seconds, offence });
  }
  period.connection(fromMs, hostile, hostile, true);
  period.block({
    ...{ atMs: fromMs, value: hostile, class: hostile },
    ...{ seconds: undefined, offence: 0 },
  });
  return period;
}
