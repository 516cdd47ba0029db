/** Who is in a group, as the system's own directory tells: Node knows no users. */
import { spawnSync } from 'node:child_process';

/**
 * Whether anybody but root and the user `owner` is a member, by the group's own list or by a primary
 * group; undefined: it cannot be told.
 */
export function hasOtherMembers(gid: number, owner: number): boolean | undefined {
  const [groups, users] = [entries('group', String(gid)), entries('passwd')];
  if (!groups || !users) return undefined;
  const others = users.filter(([, , uid]) => uid !== '0' && uid !== String(owner));
  if (others.some(([, , , primary]) => primary === String(gid))) return true;
  const names = new Set(others.map(([name]) => name));
  return groups.some(([, , , members = '']) => {
    return members.split(',').some((member) => names.has(member));
  });
}

/** The number of the group; `none` when there is no such name, undefined when it cannot be told. */
export function gidOf(group: string): number | 'none' | undefined {
  if (/^\d+$/.test(group)) return Number(group);
  const rows = entries('group', '--', group);
  return rows?.length === 0 ? 'none' : rows?.map(([, , gid]) => Number(gid))[0];
}

/** Rows of the table, each with its columns; all without a key. */
function entries(table: 'group' | 'passwd', ...keys: string[]): string[][] | undefined {
  const { error, stdout } = spawnSync('getent', [table, ...keys], { encoding: 'utf8' });
  if (error) return undefined;
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split(':')]));
}
