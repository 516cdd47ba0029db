/*
 * What one wake-up brings to the caller, and what the caller makes of it: groups of lines, one group a
 * client, and what happened to the client.
 */
#ifndef BATCH_H
#define BATCH_H
#include <stdint.h>
#include "lines.h"

enum { BATCH_BYTES = 1 << 17, REPLY_BYTES = 1 << 16, MAX_GROUPS = 256, MAX_LINES = 4096 };

/* What a group tells of its client. */
enum { IS_NEW = 1, HAS_ENDED = 2 };

/*
 * What is done with a client after its replies. One that is watched is not closed before a group has
 * told that it has ended; one that is held gets no more lines before its last one is answered.
 * One that is refused is closed without replies, and is not counted in `closed`.
 */
enum { WATCH = 1, HOLD = 2, CLOSE = 4, REFUSE = 8 };

struct group {
	int id;    /* of its client, among those that have not ended */
	int tells;
	size_t first, count; /* its lines */
	size_t answered;     /* set by the caller, like the next: the first so many of its lines */
	int actions;
	size_t start, end; /* its bytes */
	int is_read, was_skipping;
};

struct batch {
	unsigned char *bytes; /* BATCH_BYTES of the caller's, for what the lines are in */
	size_t used;
	struct group groups[MAX_GROUPS];
	size_t group_count;
	struct line lines[MAX_LINES];
	size_t line_count;
	/* Since they were last set to 0: clients that were closed untold, replies that came too late. */
	size_t closed, late;
	int accept_error; /* why the listener has stopped accepting, or 0 */
};

static inline void empty_batch(struct batch *batch)
{
	batch->used = batch->group_count = batch->line_count = 0;
}

/* The length of the first `count` lines. */
static inline size_t length_of_lines(const char *text, size_t length, size_t count)
{
	size_t at = 0;
	while (count-- > 0 && at < length) {
		const char *lf = memchr(text + at, '\n', length - at);
		at = lf ? (size_t)(lf - text) + 1 : length;
	}
	return at;
}

/*
 * Bounds what the caller says of a group. Returns how many replies it has: the line for which a client
 * is held, its last, is answered later.
 */
static inline size_t count_replies(struct group *group)
{
	if (group->answered > group->count)
		group->answered = group->count;
	return group->answered - (group->actions & HOLD && group->answered > 0);
}

/* Whether others had their turn before it; its lines come again. */
static inline int is_unserved(const struct group *group)
{
	return group->answered == 0 && group->count > 0;
}

#endif
