/*
 * Bytes to lines, as src/wire/line-splitter.ts does it: a line ends with LF or CRLF.
 *
 * Guarantee: nothing outside of the bytes given is read, and of a line whose end has not come, at most
 * LONGEST_LINE + 1 bytes are worth keeping; the rest of an overlong line is thrown away.
 */
#ifndef LINES_H
#define LINES_H
#include <stddef.h>
#include <string.h>

enum { LONGEST_LINE = 1000 }; /* bytes without its end */

/* What a line is. An unfinished one is what a client leaves that ends in the middle of a line. */
enum { ASCII, OTHER_BYTES, TOO_LONG, UNFINISHED };

struct line {
	size_t start, length, end; /* the next line begins at `end` */
	int is;
};

static inline int is_ascii(const unsigned char *bytes, size_t length)
{
	unsigned char all = 0;
	for (size_t i = 0; i < length; i++)
		all |= bytes[i];
	return all < 128;
}

/* The line at `at`, whose beginning was thrown away if `is_skipping`. False when its end has not come. */
static inline int find_line(const unsigned char *bytes, size_t at, size_t end, int is_skipping,
                            struct line *line)
{
	const unsigned char *lf = at < end ? memchr(bytes + at, '\n', end - at) : NULL;
	if (!lf)
		return 0;
	size_t last = (size_t)(lf - bytes);
	line->end = last + 1;
	if (last > at && bytes[last - 1] == '\r')
		last--;
	line->start = at;
	line->length = last - at;
	line->is = is_ascii(bytes + at, last - at) ? ASCII : OTHER_BYTES;
	if (is_skipping || line->length > LONGEST_LINE) {
		line->length = 0;
		line->is = TOO_LONG;
	}
	return 1;
}

#endif
