/**
 * Finds rules of tcprules that do not do what they seem to.
 *
 * Tests: src/enforcers/tcprules/check-rules.ts, src/enforcers/tcprules/examine-tcprules.ts
 * Tests: src/enforcers/tcprules/installed-tcprules.ts, src/files/private-directory.ts
 */
import { rmSync, writeFileSync } from 'node:fs';
import { findsEach } from '../examination.ts';

const rules = ':allow\n';

findsEach([
  {
    what: 'a network that tcprules never matches',
    plan: { rules: ':allow\n1.2.0.0/16:deny\n' },
    finds: 'problem rules',
    says: /rules:2: 1\.2\.0\.0\/16: .*never match.*; write 1\.2\. instead/,
  },
  {
    what: 'an IPv6 line that freezes the cdb',
    plan: { rules },
    dead: (site) => writeFileSync(site.path('rules'), ':allow\n2001:db8::1:deny\n'),
    finds: 'problem rules',
    says: /rules:2: 2001:db8::1: the installed tcprules refuses IPv6/,
  },
  {
    what: 'a line without a colon',
    plan: { rules: '192.0.2.1 deny\n:allow\n' },
    finds: 'problem rules',
    says: /ignores lines without a colon: line 1 "192\.0\.2\.1 deny"/,
  },
  {
    what: 'rules with CR LF',
    plan: { rules },
    dead: (site) => writeFileSync(site.path('rules'), '192.0.2.1:deny\r\n:allow\r\n'),
    finds: 'problem rules',
    says: /CR LF/,
  },
  {
    what: 'rules that cannot be compiled',
    plan: { rules },
    dead: (site) => writeFileSync(site.path('rules'), '192.0.2.1:refuse\n'),
    finds: 'problem rules',
    says: /cannot be compiled.*line 1, after the address.*unable to parse/,
  },
  {
    what: 'a rule that never matches',
    plan: { rules: '# mine\n 127.0.0.1:allow,RELAYCLIENT=""\n:allow\n' },
    finds: 'problem rules',
    says: /rules:2: " 127\.0\.0\.1:allow.*" does not do what it says: .* blank.*; write 127\.0\.0\.1$/,
  },
  {
    what: 'missing rules',
    plan: { rules },
    dead: (site) => rmSync(site.path('rules')),
    finds: 'problem rules',
    says: /there is no .*rules,/,
  },
]);
