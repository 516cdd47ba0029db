/** Whether the database and its driver can be used, and the database is undamaged, and is closed to others. */
import { statSync } from 'node:fs';
import { othersRead, othersWrite } from '../../files/mode-bits.ts';
import { type Finding, problem, someOf } from '../../health/finding.ts';
import { driverTrouble, lostWithout, startsWithout } from '../../store/driver.ts';
import { filesSetAside } from '../../store/open-store.ts';
import type { Check } from '../check.ts';

export const database: Check = {
  name: 'database',
  looksAt: 'the database',
  run({ config, enforcers, remembered: memory }) {
    const found: Finding[] = 'unknown' in memory && memory.unknown ? [memory.unknown] : [];
    const { dbPath } = config.settings;
    const trouble = driverTrouble();
    if (trouble) {
      const effect = startsWithout(trouble, enforcers.length > 0)
        ? `once rater is restarted, ${lostWithout(dbPath)}`
        : 'rater cannot start';
      found.push(problem(`${effect}: ${trouble.what}`, trouble.remedy));
    }
    if (dbPath === ':memory:') return found;
    for (const path of [dbPath, `${dbPath}-wal`, `${dbPath}-shm`]) {
      const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
      if ((mode & (othersRead | othersWrite)) === 0) continue;
      const may = mode & othersWrite ? 'change' : 'read';
      found.push(problem(`everybody may ${may} ${path}`, `chmod 0600 ${path}`));
    }
    const aside = filesSetAside(dbPath);
    if (aside.length > 0) {
      const what = `the database was damaged and set aside, and a fresh one begun: ${someOf(aside)}`;
      const remedy = 'see what is left with sqlite3 FILE .recover, then move these files away';
      found.push(problem(what, remedy));
    }
    return found;
  },
};
