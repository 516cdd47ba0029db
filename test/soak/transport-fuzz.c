/*
 * transport-fuzz: clients that do anything, and a caller that decides anything, against
 * src/transport/transport.c and datagrams.c. Stops at the first bad access of a build with sanitizers,
 * and at a client that is lost, is told of twice or never leaves.
 *
 *   cc -g -O1 -fsanitize=address,undefined -Isrc/transport -o transport-fuzz \
 *     test/soak/transport-fuzz.c src/transport/transport.c src/transport/datagrams.c
 *   ./transport-fuzz DIRECTORY ROUNDS SEED
 *
 * With clang -fsanitize=fuzzer,address,undefined -DLIBFUZZER it is a target of libFuzzer (fuzz.sh), which
 * makes its sockets in the current directory.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "datagrams.h"
#include "transport.h"

enum { CLIENTS = 12, IDS = 4096, LONGEST_ROUND = 400, PATIENCE = 2000 };

static const unsigned char *choices;
static size_t choices_left;
static const char *directory = ".";

static size_t choose(size_t count)
{
	if (choices_left == 0)
		return 0;
	choices_left--;
	return *choices++ % count;
}

static void must(int is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "transport-fuzz: not so: %s\n", what);
	abort();
}

static unsigned char bytes[BATCH_BYTES];
static char replies[MAX_LINES * 4];
static struct sockaddr_un address;

static void name_address(const char *name)
{
	address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof address.sun_path, "%s/%s.%d", directory, name, (int)getpid());
	unlink(address.sun_path);
}

/* What is sent: a piece of a line, or several lines. */
static size_t make_piece(char *piece)
{
	static const char *const texts[] = {"user ", "a", "\n", "\r\n", "\r", "user b\nuser c\r\n", "\n\n\n", "\xff\xc3"};
	size_t kind = choose(12), length;
	if (kind < sizeof texts / sizeof *texts) {
		length = strlen(texts[kind]);
		memcpy(piece, texts[kind], length);
		return length;
	}
	length = kind == 8 ? 995 + choose(12) : kind == 9 ? 20000 : 1 + choose(64);
	memset(piece, kind == 11 ? '\n' : 'x', length);
	return length;
}

/* The caller's side of a batch; `is_held` and `is_watched` by the client's number. */
static struct {
	char is_held[IDS], is_watched[IDS];
	long told, refused, closed;
} caller;

/* What one client alone has sent, and which of its lines were answered. */
static struct {
	int is_used;
	unsigned char sent[1 << 20];
	size_t length;
	struct { size_t length; int is; } answered[1 << 20];
	size_t count;
} single;

static void note_answered(const struct batch *batch, const struct group *group)
{
	for (size_t at = group->first; at < group->first + group->answered; at++, single.count++) {
		single.answered[single.count].length = batch->lines[at].length;
		single.answered[single.count].is = batch->lines[at].is;
	}
}

/* All that was sent, looked at in one piece, has the lines that were answered. */
static void check_answered(void)
{
	struct line line;
	size_t at = 0, count = 0;
	for (; find_line(single.sent, at, single.length, 0, &line); at = line.end, count++)
		must(count < single.count && single.answered[count].is == line.is
		     && single.answered[count].length == line.length, "each line is answered as it was sent");
	if (at < single.length)
		must(count < single.count && single.answered[count++].is == UNFINISHED, "the rest is told");
	must(count == single.count, "no line is answered twice");
}

static size_t decide(struct batch *batch)
{
	size_t length = 0;
	for (size_t i = 0; i < batch->group_count; i++) {
		struct group *group = &batch->groups[i];
		must(group->id >= 0 && group->id < IDS, "numbers are small");
		must(group->first + group->count <= batch->line_count, "lines are in the table");
		for (size_t at = group->first; at < group->first + group->count; at++)
			must(batch->lines[at].start + batch->lines[at].length <= BATCH_BYTES, "lines are in bounds");
		char *is_held = &caller.is_held[group->id], *is_watched = &caller.is_watched[group->id];
		must(!*is_held || group->count == 0, "who is held gets no lines");
		if (group->tells & IS_NEW) {
			must(!*is_held && !*is_watched, "who is new was not there before");
			caller.told++;
			if (!single.is_used && choose(16) == 1) {
				caller.refused++;
				group->actions = REFUSE;
				continue;
			}
		}
		group->answered = choose(4) == 1 ? choose(group->count + 1) : group->count;
		size_t now = group->answered;
		if (group->answered > 0 && choose(8) == 1) {
			*is_held = 1;
			now--;
		}
		if (single.is_used)
			note_answered(batch, group);
		for (size_t each = 0; each < now; each++, length += 2)
			memcpy(replies + length, "r\n", 2);
		*is_watched = !(group->tells & HAS_ENDED) && choose(4) == 1;
		group->actions = *is_held ? HOLD | WATCH : *is_watched ? WATCH : !single.is_used && choose(16) == 1 ? CLOSE : 0;
	}
	return length;
}

static void wake(struct transport *t)
{
	transport_gather(t);
	size_t length = decide(&t->batch);
	transport_settle(t, replies, length);
	caller.closed += (long)t->batch.closed;
	t->batch.closed = t->batch.late = 0;
	if (t->batch.accept_error)
		transport_accept_again(t);
	t->batch.accept_error = 0;
}

static void reply_to_held(struct transport *t, size_t most)
{
	for (int id = 0; id < IDS && most > 0; id++) {
		if (!caller.is_held[id])
			continue;
		most--;
		caller.is_held[id] = 0;
		caller.is_watched[id] = choose(2) == 1;
		transport_reply(t, id, "late\n", 5, caller.is_watched[id] ? WATCH : 0);
	}
}

static void act(struct transport *t, int *client)
{
	static char piece[32768], room[4096];
	size_t action = choose(8);
	if (*client < 0) {
		*client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(*client, (struct sockaddr *)&address, sizeof address) == 0)
			return;
		close(*client);
		*client = -1;
	} else if (action < 4) {
		send(*client, piece, make_piece(piece), MSG_NOSIGNAL);
	} else if (action == 4) {
		shutdown(*client, SHUT_WR);
	} else if (action == 5) {
		close(*client);
		*client = -1;
	} else if (action == 6) {
		while (recv(*client, room, sizeof room, 0) > 0)
			;
	} else {
		reply_to_held(t, 1);
	}
}

static void try_streams(void)
{
	static struct transport transport;
	struct transport *t = &transport;
	int clients[CLIENTS];
	memset(t, 0, sizeof *t);
	memset(&caller, 0, sizeof caller);
	memset(clients, -1, sizeof clients);
	t->batch.bytes = bytes;
	name_address("streams");
	must(transport_open(t, address.sun_path, 50) >= 0, "it listens");
	for (int round = 0; round < LONGEST_ROUND && choices_left > 0; round++) {
		act(t, &clients[choose(CLIENTS)]);
		if (choose(3) == 0)
			wake(t);
	}
	for (int i = 0; i < CLIENTS; i++)
		if (clients[i] >= 0)
			close(clients[i]);
	choices_left = 0;
	/* First it accepts those that wait for that, also when nobody is there. */
	wake(t);
	for (int patience = PATIENCE; patience > 0 && (t->open > 0 || caller.told == 0); patience--) {
		wake(t);
		reply_to_held(t, IDS);
	}
	must(t->open == 0, "who has left is gone");
	caller.closed += (long)t->batch.closed;
	must(caller.told - caller.refused == caller.closed, "each end is told once");
	transport_stop_listening(t);
	transport_close(t);
	unlink(address.sun_path);
}

/* The same with one client, which reads all that it is told and is never closed before its end. */
static void try_single(void)
{
	static struct transport transport;
	static char piece[32768], room[4096];
	struct transport *t = &transport;
	memset(t, 0, sizeof *t);
	memset(&caller, 0, sizeof caller);
	single.is_used = 1;
	single.length = single.count = 0;
	t->batch.bytes = bytes;
	name_address("single");
	must(transport_open(t, address.sun_path, 1) >= 0, "it listens");
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(connect(client, (struct sockaddr *)&address, sizeof address) == 0, "it accepts");
	for (int patience = PATIENCE; patience > 0 && (t->open > 0 || caller.told == 0); patience--) {
		size_t length = choices_left > 0 ? make_piece(piece) : 0;
		ssize_t sent = length > 0 ? send(client, piece, length, MSG_NOSIGNAL) : 0;
		if (sent > 0) {
			memcpy(single.sent + single.length, piece, (size_t)sent);
			single.length += (size_t)sent;
		}
		if (choices_left == 0 || single.length > sizeof single.sent - sizeof piece) {
			choices_left = 0;
			shutdown(client, SHUT_WR);
		}
		while (recv(client, room, sizeof room, 0) > 0)
			;
		if (choose(3) == 0)
			wake(t);
		if (choose(4) == 0)
			reply_to_held(t, 1);
	}
	must(t->open == 0, "the client is gone");
	check_answered();
	close(client);
	single.is_used = 0;
	transport_close(t);
	unlink(address.sun_path);
}

static int kept; /* datagrams that wait for their replies */

static void answer_datagrams(struct datagrams *d)
{
	struct line line;
	int count = datagrams_receive(d);
	must(count <= MAX_DATAGRAMS - kept, "no more come than can be kept");
	for (int i = 0; i < count; i++) {
		int id = datagrams_keep(d, i, &line);
		if (id < 0)
			continue;
		must(id < MAX_DATAGRAMS && !caller.is_held[id], "who waits is known by a number of its own");
		must(line.start == 0 && line.length <= LONGEST_LINE, "lines are in bounds");
		caller.is_held[id] = choose(8) == 1;
		if (caller.is_held[id])
			kept++;
		else
			datagrams_reply(d, id, "r\n", choose(2) * 2);
	}
}

static void try_datagrams(void)
{
	static struct datagrams datagrams;
	static char piece[32768], room[4096];
	struct datagrams *d = &datagrams;
	struct sockaddr_un own = {.sun_family = AF_UNIX};
	memset(d, 0, sizeof *d);
	memset(&caller, 0, sizeof caller);
	kept = 0;
	name_address("datagrams");
	must(datagrams_open(d, address.sun_path) >= 0, "it receives");
	must(!is_dead_name(address.sun_path), "it is not dead");
	int client = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(connect(client, (struct sockaddr *)&address, sizeof address) == 0, "it can be reached");
	if (choose(8) != 1)
		bind(client, (struct sockaddr *)&own, sizeof own.sun_family);
	for (int round = 0; round < LONGEST_ROUND && choices_left > 0; round++) {
		if (choose(2) == 1)
			send(client, piece, make_piece(piece), MSG_NOSIGNAL);
		if (choose(4) == 1)
			while (recv(client, room, sizeof room, 0) > 0)
				;
		if (choose(3) == 1)
			answer_datagrams(d);
		int id = (int)choose(256);
		if (choose(4) == 1 && caller.is_held[id]) {
			caller.is_held[id] = 0;
			datagrams_reply(d, id, "late\n", 5);
			kept--;
		}
	}
	must(d->free_count == MAX_DATAGRAMS - kept, "what is answered is forgotten");
	close(client);
	datagrams_close(d);
	must(is_dead_name(address.sun_path), "it is dead");
	unlink(address.sun_path);
}

int LLVMFuzzerTestOneInput(const unsigned char *input, size_t length)
{
	choices = input;
	choices_left = length;
	size_t kind = choose(4);
	if (kind == 1)
		try_datagrams();
	else if (kind == 2)
		try_single();
	else
		try_streams();
	return 0;
}

#ifndef LIBFUZZER
int main(int argc, char **argv)
{
	static unsigned char input[6000];
	if (argc != 4)
		return 100;
	directory = argv[1];
	unsigned long long state = strtoull(argv[3], NULL, 10) * 2 + 1;
	for (long round = atol(argv[2]); round > 0; round--) {
		for (size_t i = 0; i < sizeof input; i++) {
			state ^= state << 13, state ^= state >> 7, state ^= state << 17;
			input[i] = (unsigned char)(state >> 32);
		}
		LLVMFuzzerTestOneInput(input, sizeof input);
	}
	return 0;
}
#endif
