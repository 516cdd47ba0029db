/** Finds blocks with impossible times. */
import { block, changeRow, findsEach } from '../examination.ts';

const dayMs = 86_400_000;

findsEach([
  {
    what: 'a block that begins in the future',
    before: (site) => block(site, '2001:db8::1'),
    dead: (site) => changeRow(site, 'UPDATE blocks SET since_ms = ?', Date.now() + 60_000),
    finds: 'problem clock',
    says: /begin in the future: 2001:db8::1/,
  },
  {
    what: 'a block that ends too late',
    before: (site) => block(site, '2001:db8::1'),
    dead: (site) => changeRow(site, 'UPDATE blocks SET until_ms = ?', Date.now() + 400 * dayMs),
    finds: 'problem clock',
    says: /end later than any block may .*: 2001:db8::1/,
  },
]);
