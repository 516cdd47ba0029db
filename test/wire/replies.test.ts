import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Replies } from '../../src/wire/replies.ts';
import { longestReply, type Reply, replyLine } from '../../src/wire/reply.ts';

const count = fc.oneof(fc.nat(), fc.constantFrom(0, 9, 10, 99, 100, 999_999, 2 ** 31 - 1));
const limit = fc.oneof(count, fc.constant(-1));
const judged = fc.record(
  { status: fc.constantFrom(0, 1), count, limit, secondsLeft: count },
  { requiredKeys: ['status', 'count', 'limit'] },
);
const message = fc.string({ unit: 'binary', maxLength: 400, size: 'max' });
const error = fc.record({ status: fc.constant(2), message });
const reply = fc.oneof(judged, error) as fc.Arbitrary<Reply>;

test('Guarantee: the same bytes as those of replyLine, also after others and when it is cleared', () => {
  const replies = new Replies(100 * longestReply);
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 100 }), (all) => {
      replies.clear();
      for (const each of all) replies.add(each);
      const lines = Buffer.from(all.map(replyLine).join(''));
      expect(Buffer.from(replies.said)).toEqual(lines);
      expect(replies.length).toBe(lines.length);
    }),
  );
});

test('Guarantee: while there is room, the next reply fits, whatever it says', () => {
  const longest: Reply = { status: 2, message: '\u20ac'.repeat(1000) };
  expect(Buffer.byteLength(replyLine(longest))).toBe(longestReply);
  const replies = new Replies(2 * longestReply);
  replies.add(longest);
  expect(replies.hasRoom).toBe(true);
  replies.add(longest);
  expect([replies.length, replies.hasRoom]).toEqual([2 * longestReply, false]);
  replies.clear();
  replies.add({ status: 0, count: 1, limit: 1 });
  replies.add(longest);
  expect(replies.hasRoom).toBe(false);
});
