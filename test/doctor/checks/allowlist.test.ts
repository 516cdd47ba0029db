/**
 * Finds blocks and servers' entries that refuse allowlisted addresses.
 *
 * Tests: src/enforcers/tcprules/denials-in-rules.ts
 */
import { block, findsEach, put } from '../examination.ts';

findsEach([
  {
    what: 'a block of an allowlisted address',
    before: (site) => block(site, '192.0.2.1'),
    dead: (site) => site.configure({ allow: ['192.0.2.0/24'] }),
    finds: 'problem allowlist',
    says: /192\.0\.2\.1 is blocked, and 192\.0\.2\.0\/24 is on the allowlist/,
  },
  {
    what: "an allowlisted address that the administrator's file denies",
    plan: { allow: ['192.0.2.0/24'] },
    before: (site) => put(site, '192.0.2.66', 0o000),
    finds: 'problem allowlist',
    says: /192\.0\.2\.0\/24 is on the allowlist.*refuses 192\.0\.2\.66: .*peers/,
  },
  {
    what: "an allowlisted address in a network that the administrator's file denies",
    plan: { allow: ['192.0.2.66'] },
    before: (site) => put(site, '192.0', 0o000),
    finds: 'problem allowlist',
    says: /192\.0\.2\.66 is on the allowlist, and an entry of your own refuses it: peers/,
  },
  {
    what: "an operator's allowlist entry that the rules deny",
    plan: { rules: '192.0.2.66:deny\n:allow\n' },
    async before(site) {
      await site.ipthrottle('allow', 'add', '192.0.2.66');
    },
    finds: 'problem allowlist',
    says: /192\.0\.2\.66 is on the allowlist.*rules/,
  },
  {
    what: 'an allowlisted address that the default of the rules denies',
    plan: { rules: '127.:allow\n:deny\n', allow: ['192.0.2.66', '127.0.0.0/8'] },
    finds: 'problem allowlist',
    says: /192\.0\.2\.66 is on the allowlist.*tcprules/,
  },
]);
