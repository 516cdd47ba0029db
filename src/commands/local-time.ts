/** Instants in the zone of this process. */

const minuteMs = 60_000;
export const localTimeWidth = '2026-01-31 08:05:46+05:30'.length;

/**
 * Tells local time to the second and how far it is from UTC, as `2026-01-31 08:05:46+05:30`. It keeps
 * what it has told of a minute, since to ask for the zone costs ten times as much as all the rest; so
 * it is to be made anew for each answer.
 */
export function localTimes(): (milliseconds: number) => string {
  const minutes = new Map<number, readonly [string, string]>();
  return (milliseconds) => {
    const minute = Math.floor(milliseconds / minuteMs);
    let told = minutes.get(minute);
    if (!told) {
      told = aroundSeconds(minute * minuteMs);
      minutes.set(minute, told);
    }
    const second = Math.floor((milliseconds - minute * minuteMs) / 1000);
    return `${told[0]}${twoDigits(second)}${told[1]}`;
  };
}

export function localTime(milliseconds: number): string {
  return localTimes()(milliseconds);
}

/** What stands before and behind the seconds. */
function aroundSeconds(milliseconds: number): readonly [string, string] {
  const offset = -new Date(milliseconds).getTimezoneOffset();
  const local = new Date(milliseconds + offset * minuteMs).toISOString();
  const [hours, rest] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60];
  const zone = `${offset < 0 ? '-' : '+'}${twoDigits(hours)}:${twoDigits(rest)}`;
  return [local.slice(0, -'46.000Z'.length).replace('T', ' '), zone];
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}
