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
#include "batch.h"

enum { READ_BYTES = 1 << 14 };

struct client;

struct transport {
	struct batch batch;
	int epoll, listener, again, spare;
	int is_again;
	struct client **clients; /* by descriptor */
	size_t capacity, open;
	struct client *head, *tail; /* to be served, in this order */
};

/*
 * All is 0 but the batch's `bytes`. Returns a descriptor that is readable when there is something to
 * gather, or a negative errno.
 */
int transport_open(struct transport *, const char *path, int backlog);
void transport_stop_listening(struct transport *);
/* After an accept_error. */
void transport_accept_again(struct transport *);
void transport_close(struct transport *);

void transport_gather(struct transport *);
/* `replies` are lines, in the order of the batch, one for each answered. */
void transport_settle(struct transport *, const char *replies, size_t length);

int64_t client_since_ms(const struct client *);
/* Whether it has replies to take, and whether it has sent a part of a line. */
int client_is_deaf(const struct client *);
int client_is_unfinished(const struct client *);
/*
 * Replies to the line for which a client is held, and holds it no more. If it is watched, a group of its
 * follows, be there lines or not.
 */
void transport_reply(struct transport *, int id, const char *reply, size_t length, int actions);
int64_t transport_now_ms(void);

#endif
