/** The control shell is for this host, unless the configuration says explicitly that it is not. */
import { expect, test } from 'vitest';
import { checked } from './mistakes-in.ts';

function mistakesOf(settings: string): readonly string[] {
  return checked(`settings : {\n${settings}\n};\nlimits : { ip: ( ("*", 60, 10) ); };`).mistakes;
}

test.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'])('%s is loopback', (address) => {
  expect(mistakesOf(`control_port: 4445; control_address: "${address}";`)).toEqual([]);
});

test.each(['0.0.0.0', '::', '192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1', '::2'])(
  '%s is a mistake with its line',
  (address) => {
    expect(mistakesOf(`control_port: 4445;\ncontrol_address: "${address}";`)).toEqual([
      `c:3: settings.control_address ${address} is not a loopback address: whoever reaches it may ` +
        'block and unblock; if that is wished, say control_remote: true',
    ]);
  },
);

test('without a port, or with control_remote, every address will do', () => {
  expect(mistakesOf('control_address: "192.0.2.1";')).toEqual([]);
  expect(mistakesOf('control_port: 1; control_address: "::"; control_remote: true;')).toEqual([]);
});
