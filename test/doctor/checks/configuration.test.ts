/** What is likely meant otherwise in the configuration is found, with its line. */
import { findsEach } from '../examination.ts';

findsEach([
  {
    what: 'a limit that is never reached',
    plan: { limits: 'ip: ( ("*", 60, 10),\n("192.0.2.0/24", 60, 100) );' },
    finds: 'hint configuration',
    says: /rater\.conf:3: warning: limits\.ip: "192\.0\.2\.0\/24" is never reached: "\*" on line 2 .*; change that line/,
  },
  {
    what: 'an allowed network that is written as an address in it',
    plan: { allow: ['192.0.2.7/24'] },
    finds: 'hint configuration',
    says: /allow: "192\.0\.2\.7\/24" is taken as 192\.0\.2\.0\/24; write that, or 192\.0\.2\.7/,
  },
]);
