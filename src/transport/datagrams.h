/*
 * A Unix socket for datagrams, for checks that need no connection: one line comes, one goes back.
 * Like transport.h it holds no policy and never blocks. Checks come one at a time, when other programs have
 * taken the processor's caches, so that what counts is how much code and memory one of them touches.
 *
 * Guarantee: at most MAX_DATAGRAMS are kept; while so many wait for their replies no more are received,
 * and senders find the kernel's queue full.
 * Guarantee: senders that do not read their replies keep none from others. While so many are unread that
 * the kernel would soon take no more, none are received, as above.
 * Guarantee: a reply goes only to an abstract name, which a sender has by autobind. What a name in a
 * file system leads to can change, and ours may write where the sender may not.
 */
#ifndef DATAGRAMS_H
#define DATAGRAMS_H
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "lines.h"

enum { MAX_DATAGRAMS = 256, RECEIVED_AT_ONCE = 16 };
/* A line with its end, and a byte that shows that it is longer. */
enum { DATAGRAM_BYTES = LONGEST_LINE + 3, LONGEST_REPLY = 1 << 10 };

struct sender {
	struct sockaddr_un name;
	socklen_t length;
};

struct datagrams {
	int socket;
	/* What was received last. */
	struct mmsghdr messages[RECEIVED_AT_ONCE];
	struct iovec parts[RECEIVED_AT_ONCE];
	struct sender senders[RECEIVED_AT_ONCE];
	unsigned char texts[RECEIVED_AT_ONCE][DATAGRAM_BYTES + 1];
	/* Those that wait for their replies, by number. */
	struct sender kept[MAX_DATAGRAMS];
	char is_kept[MAX_DATAGRAMS];
	int free[MAX_DATAGRAMS], free_count;
	int room, unlooked; /* bytes for replies, and replies since it was looked at what is left */
	int is_clogged;
};

/* Returns the descriptor to be watched for reading, or a negative errno. */
int datagrams_open(struct datagrams *, const char *path);
void datagrams_close(struct datagrams *);

/* Returns how many have come, which is none while no more can be kept or replied to. */
int datagrams_receive(struct datagrams *);
/*
 * Keeps one of those, and finds its line in its text. Returns its number, or -1 if it is not one line of a
 * sender to whom we can reply.
 */
int datagrams_keep(struct datagrams *, int received, struct line *);
/*
 * Replies to the datagram of this number, if one is kept, and forgets it; no reply is empty. False if the
 * sender could not be reached.
 */
int datagrams_reply(struct datagrams *, int id, const char *reply, size_t length);

/* What to wait for before receiving again: nothing until a reply is given, room for replies, or more. */
enum awaited { A_REPLY, ROOM, MORE };

static inline enum awaited datagrams_await(const struct datagrams *d)
{
	return d->free_count == 0 ? A_REPLY : d->is_clogged ? ROOM : MORE;
}

/* The name of our network namespace, or 0: autobound names are seen only in their own. */
uint64_t namespace_cookie(void);
/* Whether certainly nobody receives datagrams there. */
int is_dead_name(const char *path);

#endif
