/*
 * A listening Unix socket and its clients, without Node: accepts, reads, splits into lines, writes and
 * closes. It holds no policy: who may stay, what a line means and what is replied says the caller.
 *
 * A wake-up has two steps. `transport_gather` fills a batch: groups of lines, one group a client, and
 * with it what happened to the client. `transport_settle` takes what became of each group and all
 * replies. Lines that the caller left unanswered come again, after those of other clients.
 *
 * Guarantee: nothing here blocks, and a client costs at most READ_BYTES and a line of memory, and the
 * replies that it has not taken. While there are such, it is neither read nor answered.
 * Guarantee: no client is served twice before another that waited has been served once.
 */
#ifndef TRANSPORT_H
#define TRANSPORT_H
#include <stdint.h>
#include "lines.h"

enum { READ_BYTES = 1 << 14, BATCH_BYTES = 1 << 17, MAX_GROUPS = 256, MAX_LINES = 4096 };

/* What a group tells of its client. */
enum { IS_NEW = 1, HAS_ENDED = 2 };

/*
 * What is done with a client after its replies. One that is watched is not closed before a group has
 * told that it has ended; one that is held gets no more lines before transport_reply answers its last.
 * One that is refused is closed without replies, and is not counted in `closed`.
 */
enum { WATCH = 1, HOLD = 2, CLOSE = 4, REFUSE = 8 };

struct client;

struct group {
	struct client *client;
	int tells;
	size_t first, count; /* its lines */
	size_t answered;     /* set by the caller, like the next: the first so many of its lines */
	int actions;
	size_t start, end; /* its bytes */
	int is_read, was_skipping;
};

struct transport {
	int epoll, listener, again, spare;
	int is_again;
	struct client **clients; /* by descriptor */
	size_t capacity, open;
	struct client *head, *tail; /* to be served, in this order */
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

/*
 * All is 0 but `bytes`. Returns a descriptor that is readable when there is something to gather, or a
 * negative errno.
 */
int transport_open(struct transport *, const char *path, int backlog);
void transport_stop_listening(struct transport *);
/* After an accept_error. */
void transport_accept_again(struct transport *);
void transport_close(struct transport *);

void transport_gather(struct transport *);
/* `replies` are lines, in the order of the batch, one for each answered. */
void transport_settle(struct transport *, const char *replies, size_t length);

/* The client with this descriptor, or NULL. */
struct client *transport_client(const struct transport *, int fd);
int client_fd(const struct client *);
int64_t client_since_ms(const struct client *);
/* Whether it has replies to take, and whether it has sent a part of a line. */
int client_is_deaf(const struct client *);
int client_is_unfinished(const struct client *);
/*
 * Replies to the line for which a client is held, and holds it no more. If it is watched, a group of its
 * follows, be there lines or not.
 */
void transport_reply(struct transport *, struct client *, const char *reply, size_t length, int actions);
int64_t transport_now_ms(void);

#endif
