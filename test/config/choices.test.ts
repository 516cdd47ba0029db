/** Several ways to write one thing, and what its absence means. */
import { describe, expect, test } from 'vitest';
import { LimitIndex } from '../../src/core/limit-index.ts';
import { checked } from './mistakes-in.ts';

describe('choices in writing', () => {
  const limits = 'limits: { ip: () }';
  test.each(['"0660"', '"660"', '660', '0660'])('socket_mode: %s is 0660', (mode) => {
    expect(
      checked(`settings: { socket_mode: ${mode} } ${limits}`).config?.settings.socketMode,
    ).toBe(0o660);
  });

  test('control stands beside socket', () => {
    const { config } = checked(`settings: { socket: "/a/b" } ${limits}`);
    expect(config?.settings.controlSocket).toBe('/a/control.sock');
  });

  test('blocking means class ip when it names none', () => {
    expect(checked(`blocking: { } ${limits}`).config?.blocking.classes).toEqual(new Set(['ip']));
  });

  test.each(['"ip"', '("ip")', '["ip"]'])('classes: %s', (classes) => {
    const { config } = checked(`blocking: { classes: ${classes} } ${limits}`);
    expect(config?.blocking.classes).toEqual(new Set(['ip']));
  });

  test('a single time, program or class is a list of one', () => {
    const { config } = checked(`limits: { ip: (); net: () }
      classes: { ip: { also: "net" }; net: { prefix6: 48 } }
      blocking: { time: 60 } overload: { command: "/a b" }`);
    expect(config?.blocking.penalty.steps).toEqual([60]);
    expect(config?.overload.command).toEqual(['/a b']);
    expect(config?.classes.get('ip')?.also).toEqual(['net']);
  });

  test('load_below is load_above when it is not set', () => {
    const { config } = checked(`${limits} overload: { load_above: 8 }`);
    expect(config?.overload).toMatchObject({ loadAbove: 8, loadBelow: 8 });
  });

  test.each([
    ['a prefix length makes an address class', 'classes: { net: { prefix6: 48 } }', true],
    ['other traits make none', 'classes: { net: { concurrent: 5 } }', false],
    ['blocking makes one', 'blocking: { classes: ("net") }', true],
  ])('%s', (_, text, addresses) => {
    const { config } = checked(`limits: { net: () } ${text}`);
    expect(config?.classes.get('net')?.addresses).toBe(addresses);
  });

  test('classes that count each other’s hits are not a mistake', () => {
    const circle = 'classes: { ip: { also: ("net") }; net: { prefix4: 24; also: ("ip") } }';
    expect(checked(`limits: { ip: (); net: () } ${circle}`).mistakes).toEqual([]);
  });

  test('limits with the same rates share them', () => {
    const { config } = checked(
      'limits: { ip: ( ("10.0.0.1", 1, 2), ("10.*", 1, 2), ("*", 1, 3) ) }',
    );
    const [first, second, third] = config?.classes.get('ip')?.limits ?? [];
    expect(second?.rates).toBe(first?.rates);
    expect(third?.rates).toEqual([{ seconds: 1, count: 3 }]);
  });

  test('in a class of names a glob is not a network', () => {
    const { config } = checked('limits: { user: ( ("a/b", 1, 1), ("10.0.0.0/8", 1, 1) ) }');
    const index = new LimitIndex(config?.classes.get('user')?.limits ?? []);
    const limit = index.find('10.0.0.0/8', undefined);
    expect(limit?.pattern.text).toBe('10.0.0.0/8');
  });
});
