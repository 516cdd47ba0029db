/*
 * lines-fuzz: src/transport/lines.h and batch.h, a target of libFuzzer: lines are those that a plain
 * loop finds, and nothing outside of the bytes is read.
 */
#include <stdlib.h>
#include "batch.h"

static void must(int is_so)
{
	if (!is_so)
		abort();
}

/* The line at `at` as a plain loop finds it. */
static int find_plainly(const unsigned char *bytes, size_t at, size_t end, struct line *line)
{
	size_t lf = at;
	*line = (struct line){.start = at, .is = ASCII};
	while (lf < end && bytes[lf] != '\n')
		lf++;
	if (lf == end)
		return 0;
	line->end = lf + 1;
	line->length = lf - at - (lf > at && bytes[lf - 1] == '\r');
	for (size_t i = at; i < at + line->length; i++)
		if (bytes[i] > 127)
			line->is = OTHER_BYTES;
	return 1;
}

/* `bytes` is no longer than what it says, so that a sanitizer sees what is read beyond. */
static void try_lines(const unsigned char *bytes, size_t length, int is_skipping)
{
	struct line line, plain;
	size_t count = 0, at = 0;
	for (; find_line(bytes, at, length, is_skipping, &line); at = line.end, is_skipping = 0, count++) {
		must(find_plainly(bytes, at, length, &plain));
		int is_long = is_skipping || plain.length > LONGEST_LINE;
		must(line.start == plain.start && line.end == plain.end);
		must(line.length == (is_long ? 0 : plain.length) && line.is == (is_long ? TOO_LONG : plain.is));
		must(length_of_lines((const char *)bytes, length, count + 1) == line.end);
	}
	must(!find_plainly(bytes, at, length, &plain));
	must(length_of_lines((const char *)bytes, length, count) == at);
	must(length_of_lines((const char *)bytes, length, count + 1) == length);
}

static void try_group(const unsigned char *input)
{
	struct group group = {.count = input[0], .answered = input[1], .actions = input[2]};
	size_t replies = count_replies(&group);
	must(group.answered <= group.count && replies <= group.answered);
	must(is_unserved(&group) == (group.count > 0 && group.answered == 0));
}

/* The input, in which 'R' and another byte stand for a line that may be too long by a little. */
static size_t expand(const unsigned char *input, size_t length, unsigned char *to, size_t room)
{
	size_t end = 0;
	for (size_t i = 0; i < length; i++) {
		size_t count = input[i] == 'R' && i + 1 < length ? LONGEST_LINE - 128 + input[++i] : 1;
		if (count > room - end)
			break;
		memset(to + end, count > 1 ? 'x' : input[i], count);
		end += count;
	}
	return end;
}

int LLVMFuzzerTestOneInput(const unsigned char *input, size_t length)
{
	static unsigned char room[1 << 16];
	if (length < 3)
		return 0;
	try_group(input);
	size_t end = expand(input + 1, length - 1, room, sizeof room);
	unsigned char *bytes = malloc(end);
	must(bytes != NULL);
	memcpy(bytes, room, end);
	try_lines(bytes, end, input[0] & 1);
	free(bytes);
	return 0;
}
