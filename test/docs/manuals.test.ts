/**
 * Manuals and code agree in both directions: what exists is documented, and what is documented
 * exists.
 *
 * Tests: src/cli/cli-commands.ts, src/runtime/errors.ts
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cliCommands } from '../../src/cli/cli-commands.ts';
import { shellCommands } from '../../src/commands/commands.ts';
import { metrics } from '../../src/commands/metric-families.ts';
import { schema, settingRows, topLevelNames } from '../../src/config/schema.ts';
import { longestCommand, longestPersonLine } from '../../src/daemon/listeners/control-listener.ts';
import { checks } from '../../src/doctor/checks/checks.ts';
import { degradedModes } from '../../src/health/degraded-modes.ts';
import { exitCodes, faults } from '../../src/runtime/errors.ts';
import { longestLine } from '../../src/wire/line-splitter.ts';
import { missing, unless } from '../run/unless.ts';
import { manuals, optionsIn, page, pageNames, pages, root } from './manual-page.ts';
import { run } from './programs.ts';
import { foundIn, sourceFiles } from './source-files.ts';

/** The sections of every page, and the further ones of pages about programs. */
const sections = ['NAME', 'DESCRIPTION', 'FILES', 'EXAMPLES', 'SEE ALSO', 'BUGS'];
const programSections = ['SYNOPSIS', 'ENVIRONMENT', 'EXIT STATUS', 'SECURITY'];

test('the pages in man/ are those that package.json installs', () => {
  const { man } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(pageNames.map((name) => `man/${name}`)).toEqual([...man].sort());
});

describe.each(pageNames)('%s', (name) => {
  test('mandoc finds nothing to warn about', unless(missing('mandoc')), () => {
    const { status, said } = run('mandoc', ['-T', 'lint', '-W', 'warning', join(manuals, name)]);
    expect({ status, said }).toEqual({ status: 0, said: '' });
  });

  test('has every section', () => {
    const wanted = name.endsWith('.5') ? sections : [...sections, ...programSections];
    expect(page(name).sections).toEqual(expect.arrayContaining(wanted));
  });

  test('names only pages, files and settings that exist', () => {
    const { lines } = page(name);
    const ours = /^(ipthrottle|rater|ratecheck|spp-)/;
    const wanted = lines.flatMap((line) => {
      const [, title = '', section] = /^\.Xr (\S+) (\d)/.exec(line) ?? [];
      return ours.test(title) ? [`${title}.${section}`] : [];
    });
    expect(wanted.filter((other) => !pageNames.includes(other))).toEqual([]);

    const files = page(name)
      .wordsAfter('Pa')
      .filter((path) => /^(bin|etc|man|peers|src|test)\//.test(path));
    expect(files.filter((path) => !existsSync(join(root, path)))).toEqual([]);

    const settings = new Set<string>([
      ...topLevelNames,
      ...Object.keys(schema),
      ...settingRows().flatMap((row) => [row.name, `${row.group}.${row.name}`]),
    ]);
    const named = page(name)
      .wordsAfter('Va')
      .filter((word) => /^[a-z_.]+$/.test(word));
    expect(named.filter((word) => !settings.has(word) && word !== 'and')).toEqual([]);
  });
});

describe('commands', () => {
  /** Options by command, as COMMANDS of ipthrottle.8 has them: on its line and in its list. */
  function documentedCommands(): Map<string, Set<string>> {
    const found = new Map<string, Set<string>>();
    let options = new Set<string>();
    for (const item of page('ipthrottle.8').items('COMMANDS')) {
      const [, name] = /^Ic (\S+)/.exec(item) ?? [];
      if (name) {
        options = new Set(optionsIn(item));
        found.set(name, options);
      } else if (item.startsWith('Fl ')) {
        for (const option of optionsIn(item))
          expect(options, `${item} on its command's line`).toContain(option);
      }
    }
    return found;
  }

  const documented = documentedCommands();

  test('ipthrottle.8 has every command and no other', () => {
    // Commander adds help by itself.
    expect([...documented.keys()].sort()).toEqual(
      [...cliCommands.map(({ name }) => name), 'help'].sort(),
    );
  });

  test.each(cliCommands)('$name has all its options there and no other', ({ name, options }) => {
    const real = options.map(({ flags }) => /--[\w-]+/.exec(flags)?.[0]);
    expect([...(documented.get(name) ?? [])].sort()).toEqual(real.sort());
  });

  test.each(cliCommands)('each option of $name has a paragraph', ({ name, options }) => {
    const items = page('ipthrottle.8').items('COMMANDS');
    const start = items.findIndex((item) => item.split(' ')[1] === name && item.startsWith('Ic'));
    const rest = items.slice(start + 1);
    const end = rest.findIndex((item) => item.startsWith('Ic '));
    const paragraphs = rest
      .slice(0, end < 0 ? rest.length : end)
      .filter((item) => item.startsWith('Fl '))
      .flatMap(optionsIn);
    expect(paragraphs.sort()).toEqual(
      options.map(({ flags }) => /--[\w-]+/.exec(flags)?.[0]).sort(),
    );
  });
});

test('ipthrottle.8 has every check of doctor, in their order, and no other', () => {
  const [, rest = ''] = page('ipthrottle.8').section('COMMANDS').join('\n').split('.It Ic doctor');
  const documented = [...(rest.split('.It Ic')[0]?.matchAll(/^\.It Sy (.*)$/gm) ?? [])];
  expect(documented.map(([, name]) => name)).toEqual(checks.map(({ name }) => name));
});

test('ipthrottle.8 has every metric with its type, in their order, and no other', () => {
  const text = page('ipthrottle.8').lines.join('\n');
  const [, section = ''] = /^\.Sh METRICS\n(.*?)^\.Sh /ms.exec(text) ?? [];
  const found = [...section.matchAll(/^\.It Sy (\S+)\n(\w+)/gm)];
  expect(found.map(([, name, type]) => [name, type])).toEqual(
    metrics.map(({ name, type }) => [name, type]),
  );
});

test('ipthrottle.8 has every degraded mode with its effect, in their order, and no other', () => {
  const [, rest = ''] = page('ipthrottle.8').section('COMMANDS').join('\n').split('.It Ic status');
  const [, list = ''] = rest.split('.Bl -tag -width "connection refused"');
  const items = [...(list.split('.El')[0]?.matchAll(/^\.It Sy (.*)\n([\w ]+):/gm) ?? [])];
  expect(items.map(([, name, effect]) => [name, effect])).toEqual(
    Object.entries(degradedModes).map(([name, { effect }]) => [name, effect]),
  );
});

test('ipthrottle(7) explains ideas, setup and daily use in this order, and before all reference', () => {
  const first = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'SETUP', 'DAILY USE'];
  expect(page('ipthrottle.7').sections.slice(0, first.length)).toEqual(first);
});

test('every fault in ipthrottle(7) names the tests that cause it', () => {
  const [, section = ''] =
    /^\.Ss What happens when what fails\n([\s\S]*?)^\.El/m.exec(
      page('ipthrottle.7').lines.join('\n'),
    ) ?? [];
  const faults = section.split(/^\.It /m).slice(1);
  expect(faults.length).toBeGreaterThan(20);
  const unproven = faults.filter((fault) => !/^\.Pa test\/\S+\.test\.ts/m.test(fault));
  expect(unproven.map((fault) => fault.split('\n')[0])).toEqual([]);
});

describe('the control shell', () => {
  test('rater.8 has every command and no other', () => {
    const named = page('rater.8')
      .items('CONTROL SHELL')
      .flatMap((item) =>
        item
          .replace(/^Ic /, '')
          .replace(/ Op .*/, '')
          .split(' , '),
      );
    expect(named.sort()).toEqual(shellCommands.map(({ name }) => name).sort());
  });

  test('rater.8 has the lengths of its lines', () => {
    expect(page('rater.8').text).toContain(`more than ${longestPersonLine} bytes`);
    expect(page('rater.8').text).toContain(`up to ${longestCommand} bytes`);
  });

  test('ipthrottle.8 has every timer', () => {
    const [, rest = ''] = page('ipthrottle.8').section('COMMANDS').join('\n').split('.It Ic tmr');
    const documented = [...(rest.split('.It Ic')[0]?.matchAll(/^\.It Sy (.*)$/gm) ?? [])];
    const code = sourceFiles('src/daemon', '.ts').filter(({ path }) =>
      /(scheduler|rater).ts$/.test(path),
    );
    const names = foundIn(code, /(?:\.every\(|this\.#after\(|name: )['`](\w[\w ]*)/g);
    const real = names.map((name) => name.trim());
    expect(documented.map(([, name]) => name).sort()).toEqual(real.sort());
  });
});

describe('options', () => {
  test.each([
    ['rater', 'rater.8'],
    ['ipthrottle', 'ipthrottle.8'],
  ])('those of %s --help are those in OPTIONS of %s', (program, name) => {
    const { said } = run(process.execPath, [join(root, 'bin', program), '--help']);
    const real = [...said.matchAll(/^ {2}(-.*?)(?: {2}|$)/gm)].flatMap(([, flags = '']) => {
      return flags.match(/(?<![\w-])--?[\w-]+/g) ?? [];
    });
    expect(page(name).items('OPTIONS').flatMap(optionsIn).sort()).toEqual(real.sort());
  });

  test('those of ratecheck -h are those in OPTIONS of ratecheck.8', () => {
    const { said } = run(join(root, 'bin/ratecheck'), ['-h']);
    const real = new Set(said.match(/(?<=[\s[|])-[A-Za-z]\b/g) ?? []);
    const documented = new Set(page('ratecheck.8').items('OPTIONS').flatMap(optionsIn));
    expect([...documented].sort()).toEqual([...real].sort());
  });
});

describe('exit codes', () => {
  const all = Object.values(exitCodes).map(({ code }) => code);

  function documented(name: string): number[] {
    const codes = page(name)
      .items('EXIT STATUS')
      .flatMap((item) => item.match(/\d+/g) ?? [])
      .map(Number);
    return [...new Set(codes)].sort((a, b) => a - b);
  }

  // A daemon refuses nobody by its exit code. ratecheck is C and has no stack to show; its -n passes
  // on the status 2 of a reply.
  test.each([
    ['ipthrottle.7', all],
    ['ipthrottle.8', all],
    ['rater.8', all.filter((code) => code !== exitCodes.refused.code)],
    ['ratecheck.8', [...all.filter((code) => code !== exitCodes.bug.code), 2]],
  ])('%s has those that its program leaves with', (name, codes) => {
    expect(documented(name)).toEqual([...codes].sort((a, b) => a - b));
  });

  test('ipthrottle.7 explains each in the words of src/runtime/errors.ts', () => {
    const said = page('ipthrottle.7').section('EXIT STATUS').join(' ').toLowerCase();
    for (const { means } of Object.values(exitCodes)) expect(said).toContain(means);
  });

  test('every fault leaves with one of them', () => {
    for (const { exit } of Object.values(faults)) expect(all).toContain(exit);
  });
});

describe('environment', () => {
  /** Read by the system and its libraries below us, and worth a word. */
  const inherited = ['PATH', 'TZ', 'NODE_OPTIONS'];

  test.each([
    ['ipthrottle.8', sourceFiles('src/cli', '.ts')],
    ['rater.8', sourceFiles('src/daemon', '.ts')],
    ['ratecheck.8', sourceFiles('src/ratecheck', '.c')],
  ])('%s has every variable that its program reads and no other', (name, files) => {
    const real = foundIn(files, /(?:process\.env\.|\b(?:variable|getenv)\(")(\w+)/g);
    const documented = page(name)
      .items('ENVIRONMENT')
      .flatMap((item) => item.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? []);
    expect(documented).toEqual(expect.arrayContaining(real));
    const known = [...inherited, ...real];
    expect(documented.filter((variable) => !known.includes(variable))).toEqual([]);
  });

  test('no other code reads the environment', () => {
    const files = sourceFiles('src', '.ts').filter(
      ({ path }) => !/^src\/(cli|daemon)\//.test(path),
    );
    expect(
      files.filter(({ text }) => text.includes('process.env')).map(({ path }) => path),
    ).toEqual([]);
  });
});

describe('what rater says', () => {
  test('rater.8 has every event of the log and no other', () => {
    const files = sourceFiles('src', '.ts').filter(({ path }) => !path.startsWith('src/cli/'));
    const real = foundIn(
      files,
      /(?:(?:[lL]og|health)(?:\.(?:debug|info|warn|error)|\[level\])(?:\?\.)?\(|says: |\b(?:forget|end)\(\[?\w+\]?, )'([^']+)'/g,
    );
    const documented = page('rater.8')
      .items('THE LOG')
      .flatMap((item) => item.replace(/^Sy /, '').split(/ , (?!the old)/))
      .map((event) => event.replace(' ,', ','));
    expect(documented.sort()).toEqual(real);
  });

  test('rater-protocol.5 has every error and no other', () => {
    const files = sourceFiles('src', '.ts').filter(({ path }) =>
      /\/(wire|daemon)\/|gatekeeper/.test(path),
    );
    const sentences = foundIn(files, /(?:errorReply\(|return )'([A-Z][^']+)'/g);
    const documented = page('rater-protocol.5').items('DESCRIPTION');
    expect(
      documented
        .filter((item) => item.startsWith('Sy '))
        .map((item) => item.slice(3))
        .sort(),
    ).toEqual(sentences);
  });

  test('rater-protocol.5 has the length of a request line', () => {
    expect(page('rater-protocol.5').text).toContain(`at most ${longestLine} bytes`);
  });
});

describe('spp-ipthrottle.8', () => {
  const plugins = sourceFiles('bin', '').filter(({ path }) => path.includes('/spp-'));

  test('names the plugins that package.json installs and no other', () => {
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const installed = Object.values<string>(bin).filter((path) => path.includes('/spp-'));
    expect(plugins.map(({ path }) => path)).toEqual(installed.sort());
    const named = page('spp-ipthrottle.8').section('SYNOPSIS').filter(Boolean);
    expect(named.map((line) => `bin/${line.slice(4)}`).sort()).toEqual(installed.sort());
  });

  test('has every variable that they read and no other', () => {
    // PATH is read by the shell, RATER_SOCKET by ratecheck.
    const read = foundIn(plugins, /\$\{([A-Z0-9]+):-/g);
    const documented = page('spp-ipthrottle.8').items('ENVIRONMENT');
    const names = documented.map((item) => item.replace('Ev ', ''));
    expect(names.sort()).toEqual([...read, 'PATH', 'RATER_SOCKET'].sort());
  });

  test('has what they say, word for word', () => {
    const said = foundIn(plugins, /(?:echo ['"]R|pause=['"])([^$'"]+?)[. ]*['"$]/g);
    const text = page('spp-ipthrottle.8').text;
    expect(said.length).toBeGreaterThanOrEqual(5);
    for (const words of said) expect(text).toContain(words);
  });
});

test('every page that exists is pointed to by another', () => {
  const pointedTo = pages.flatMap(({ name, lines }) => {
    return lines.flatMap((line) => {
      const [, title, section] = /^\.Xr (\S+) (\d)/.exec(line) ?? [];
      return title && `${title}.${section}` !== name ? [`${title}.${section}`] : [];
    });
  });
  expect(pageNames.filter((name) => !pointedTo.includes(name))).toEqual([]);
});
