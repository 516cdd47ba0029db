/*
 * A Unix socket for datagrams, for checks that need no connection: one line comes, one goes back.
 * Like transport.h it holds no policy, never blocks, and gives its lines in batches.
 *
 * Guarantee: at most MAX_DATAGRAMS are kept; while so many wait for their replies no more are received,
 * and senders find the kernel's queue full.
 * Guarantee: senders that do not read their replies keep none from others. While so many are unread that
 * the kernel would soon take no more, none are received, as above.
 * Guarantee: a reply goes only to an abstract name. What a name in a file system leads to can change, and
 * ours may write where the sender may not.
 */
#ifndef DATAGRAMS_H
#define DATAGRAMS_H
#include "batch.h"

enum { MAX_DATAGRAMS = 256 };

struct datagram;

struct datagrams {
	struct batch batch;
	int epoll, socket, again;
	int is_again, is_clogged;
	uint32_t wanted; /* of the socket */
	int room, unlooked; /* bytes for replies, and replies since it was looked at what is left */
	struct datagram *all;
	int free, head, tail; /* lists by number, -1 at their end */
};

/* As transport_open does. */
int datagrams_open(struct datagrams *, const char *path);
void datagrams_close(struct datagrams *);

void datagrams_gather(struct datagrams *);
void datagrams_settle(struct datagrams *, const char *replies, size_t length);
/* Replies to the datagram of this number, if one is held. */
void datagrams_reply(struct datagrams *, int id, const char *reply, size_t length);

/* The name of our network namespace, or 0: autobound names are seen only in their own. */
uint64_t namespace_cookie(void);
/* Whether certainly nobody receives datagrams there. */
int is_dead_name(const char *path);

#endif
