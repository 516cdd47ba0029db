/**
 * Under Debian's ucspi-tcp-ipv6 doctor finds what its tcpserver never looks up.
 *
 * Tests: src/enforcers/tcprules/check-foreign-lines.ts
 * Tests: src/enforcers/tcprules/check-tcprules-drift.ts
 */
import { expect, test } from 'vitest';
import { debianPackages } from '../../run/debian-packages.ts';
import { missing, unless } from '../../run/unless.ts';
import { block, examine, findsEach, newSite, startAsked } from '../examination.ts';

const { bin, reason } = debianPackages('ucspi-tcp-ipv6');
const searchPath = `${bin}:${process.env.PATH}`;
const environment = [`PATH=${searchPath}`];
const skip = reason ?? missing('tcpsvd');

function withRules(rules: string) {
  return {
    plan: { rules, environment },
    how: () => ({ searchPath }),
    finds: 'problem rules',
    skip,
  };
}

findsEach([
  {
    what: 'a network that it looks up otherwise',
    ...withRules('2001:db8:5::/48:deny\n:allow\n'),
    says: /rules:1: 2001:db8:5::\/48: .*accepts this .*never matches; write 2001:db8:5: instead$/,
  },
  {
    what: 'a network that it cannot look up',
    ...withRules('2001:db8:0:1::/64:deny\n:allow\n'),
    says: /rules:1: 2001:db8:0:1::\/64: .*never matches; .*ratecheck/,
  },
  {
    what: 'an address in a spelling that it does not look up',
    ...withRules('2001:db8:1:1:1:1:0:1:deny\n:allow\n'),
    says: /rules:1: 2001:db8:1:1:1:1:0:1: .*never matches; write .* and 2001:db8:1:1:1:1::1 instead$/,
  },
  {
    what: 'an IPv4 network in CIDR notation',
    ...withRules('192.0.2.0/24:deny\n:allow\n'),
    says: /rules:1: 192\.0\.2\.0\/24: .*; write 192\.0\.2\. and ::ffff:192\.0\.2\. instead$/,
  },
  {
    what: 'a block that it cannot look up',
    plan: { rules: ':allow\n', environment },
    before: (site) => block(site, '2001:db8:0:1::/64'),
    how: () => ({ searchPath }),
    finds: 'problem drift',
    says: /can look up no rule for 2001:db8:0:1::\/64; .*ratecheck/,
    skip,
  },
]);

test('of what it looks up nothing is said', unless(skip), async () => {
  const rules = '2001:db8::7:deny\n2001:db8:6::deny\n::ffff:192.0.2.9:deny\n:allow\n';
  const site = newSite({ rules, environment });
  await startAsked(site);
  await block(site, '2001:db8:5::/64', '2001:db8::1', '192.0.2.1', '198.51.100.0/24');
  const { findings, well } = await examine(site, { searchPath });
  expect(findings).toEqual([]);
  expect(well).toBe(true);
});
