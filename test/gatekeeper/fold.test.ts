/** One account under several spellings, in classes that fold and in those that do not. */
import { expect, test } from 'vitest';
import { session, gatekeeperSite as site } from './site.ts';

const limits = `limits : { user: ( ("Rosario*", 60, 3), ("*", 60, 9) ); exact: ( ("*", 60, 9) ); };`;
const spellings = ['rosario', 'Rosario', ' rosario', 'rosario '];

test('a class that folds counts all spellings as one, and its patterns match them', async () => {
  const { ask, askUntrusted } = site(`${limits}
    classes : { user: { fold: true; also: ("exact"); concurrent: 4; }; };`);
  const replies: string[] = [];
  for (const each of spellings) replies.push(await ask(`user ${each}`, session()));
  expect(replies).toEqual(['0 1/3', '0 2/3', '0 3/3', '1 4/3']);
  expect(await ask('user rosario@example.org')).toBe('0 1/3');
  // The other class sees what was sent.
  expect(await ask('exact Rosario')).toBe('0 2/9');
  expect(await askUntrusted('user ROSARIO')).toBe('0 1/3');
});

test('without it each spelling has its own', async () => {
  const { ask } = site(limits);
  for (const each of spellings) expect(await ask(`user ${each}`)).toMatch(/^0 1\//);
});

test('sessions of all spellings are those of one', async () => {
  const { ask } = site(`${limits} classes : { user: { fold: true; concurrent: 1; }; };`);
  expect(await ask('user rosario', session())).toMatch(/^0 /);
  expect(await ask('user ROSARIO', session())).toMatch(/^1 /);
});
