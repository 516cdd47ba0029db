/** Local times are those that Date gives, also where summer begins, in whichever order they come. */
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { localTime, localTimes, localTimeWidth } from '../../src/commands/local-time.ts';

const zone = process.env.TZ;

afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

/** Half an hour of summer time, and changes at a minute past the hour. */
test.each(['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns', 'Asia/Kathmandu'])(
  'in %s',
  (name) => {
    process.env.TZ = name;
    const told = localTimes();
    const instant = fc.oneof(
      fc.integer({ min: 0, max: 4_000_000_000_000 }),
      fc.integer({ min: 1_143_331_200_000, max: 1_143_345_600_000 }),
    );
    fc.assert(
      fc.property(instant, (ms) => {
        const text = told(ms);
        expect(text).toHaveLength(localTimeWidth);
        expect(new Date(text.replace(' ', 'T')).getTime()).toBe(Math.floor(ms / 1000) * 1000);
        const local = new Date(ms);
        expect(text.slice(11, 19)).toBe(local.toTimeString().slice(0, 8));
        expect(localTime(ms)).toBe(text);
      }),
    );
  },
);
