/*
 * SECURITY: what clients send is data. Lengths come from the kernel and are bounded by the room that
 * was asked for; descriptors passed along are not received.
 */
#define _GNU_SOURCE
#include "transport.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, ACCEPTED_AT_ONCE = 64 };
/* Room that a client's turn may need: what it has kept, and what is read. */
enum { TURN_BYTES = 2 * READ_BYTES + LONGEST_LINE + 2 };

_Static_assert((int)TURN_BYTES <= (int)BATCH_BYTES, "a batch has room for a turn");

struct client {
	int fd;
	int64_t since_ms;
	struct client *next;
	unsigned char *kept; /* what was read and not answered */
	size_t kept_length;
	char *unsent; /* what was replied and not taken */
	size_t unsent_length;
	unsigned is_queued : 1;
	unsigned is_new : 1;       /* nobody was told of it */
	unsigned may_read : 1;     /* the kernel may have bytes or the end */
	unsigned is_hung_up : 1;   /* it sends no more, but its last bytes may not have been read */
	unsigned has_ended : 1;    /* all that it sent was read */
	unsigned is_broken : 1;    /* it takes no more */
	unsigned is_told : 1;      /* that it has ended */
	unsigned is_skipping : 1;  /* the rest of an overlong line */
	unsigned has_more : 1;     /* kept bytes must be looked at before more are read */
	unsigned is_watched : 1;
	unsigned is_held : 1;
	unsigned is_closing : 1;
	unsigned is_due : 1;       /* a group of its must come */
	unsigned waits_for_room : 1; /* epoll tells when it takes more */
};

int64_t transport_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int watch(struct transport *t, int operation, int fd, uint32_t events, void *what)
{
	struct epoll_event event = {.events = events, .data.ptr = what};
	return epoll_ctl(t->epoll, operation, fd, &event);
}

/* The queue */

static void enqueue(struct transport *t, struct client *client)
{
	if (client->is_queued)
		return;
	client->is_queued = 1;
	client->next = NULL;
	if (t->tail)
		t->tail->next = client;
	else
		t->head = client;
	t->tail = client;
}

static struct client *dequeue(struct transport *t)
{
	struct client *client = t->head;
	t->head = client->next;
	if (!t->head)
		t->tail = NULL;
	client->is_queued = 0;
	return client;
}

/* Has us woken again at once while somebody is in the queue. */
static void arm(struct transport *t)
{
	int is_again = t->head != NULL;
	if (is_again == t->is_again)
		return;
	if (watch(t, EPOLL_CTL_MOD, t->again, is_again ? EPOLLIN : 0, &t->again) == 0)
		t->is_again = is_again;
}

/* Clients */

int64_t client_since_ms(const struct client *client)
{
	return client->since_ms;
}

int client_is_deaf(const struct client *client)
{
	return client->unsent_length > 0;
}

int client_is_unfinished(const struct client *client)
{
	return client->kept_length > 0 || client->is_skipping;
}

static int make_room_for(struct transport *t, int fd)
{
	size_t capacity = t->capacity ? t->capacity : 64;
	while (capacity <= (size_t)fd)
		capacity *= 2;
	if (capacity == t->capacity)
		return 1;
	struct client **clients = realloc(t->clients, capacity * sizeof *clients);
	if (!clients)
		return 0;
	memset(clients + t->capacity, 0, (capacity - t->capacity) * sizeof *clients);
	t->clients = clients;
	t->capacity = capacity;
	return 1;
}

static void add_client(struct transport *t, int fd)
{
	struct client *client = make_room_for(t, fd) ? calloc(1, sizeof *client) : NULL;
	if (!client) {
		close(fd);
		return;
	}
	client->fd = fd;
	client->since_ms = transport_now_ms();
	client->is_new = client->may_read = 1;
	t->clients[fd] = client;
	t->open++;
	enqueue(t, client);
}

static void drop(struct transport *t, struct client *client)
{
	t->clients[client->fd] = NULL;
	t->open--;
	close(client->fd);
	free(client->kept);
	free(client->unsent);
	free(client);
}

/* Closes it, which must not be queued; its end is counted when nobody is told of it otherwise. */
static void finish(struct transport *t, struct client *client)
{
	t->batch.closed++;
	drop(t, client);
}

/* Without memory, a client is lost as one that breaks its connection. */
static void break_off(struct client *client)
{
	client->is_broken = client->has_ended = 1;
	client->has_more = 0;
	client->kept_length = client->unsent_length = 0;
}

static void keep(struct client *client, const unsigned char *bytes, size_t length)
{
	unsigned char *copy = length > 0 ? malloc(length) : NULL;
	if (copy)
		memcpy(copy, bytes, length);
	free(client->kept);
	client->kept = copy;
	client->kept_length = copy ? length : 0;
	if (length > 0 && !copy)
		break_off(client);
}

/* Writing */

/* How much of it the client has taken; all of it, as far as we are concerned, when it is gone. */
static size_t send_some(struct transport *t, struct client *client, const char *bytes, size_t length)
{
	ssize_t sent;
	do
		sent = send(client->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (size_t)sent;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
		return 0;
	if (errno == EPIPE)
		t->batch.late++;
	break_off(client);
	return length;
}

static void send_unsent(struct transport *t, struct client *client)
{
	size_t sent = send_some(t, client, client->unsent, client->unsent_length);
	if (client->is_broken || sent == client->unsent_length) {
		free(client->unsent);
		client->unsent = NULL;
		client->unsent_length = 0;
	} else {
		memmove(client->unsent, client->unsent + sent, client->unsent_length - sent);
		client->unsent_length -= sent;
	}
}

/* Only for a client that has taken all replies before. */
static void reply(struct transport *t, struct client *client, const char *bytes, size_t length)
{
	if (length == 0 || client->is_broken)
		return;
	size_t sent = send_some(t, client, bytes, length);
	if (client->is_broken || sent == length)
		return;
	client->unsent = malloc(length - sent);
	if (!client->unsent) {
		break_off(client);
		return;
	}
	memcpy(client->unsent, bytes + sent, length - sent);
	client->unsent_length = length - sent;
}

/* What is next for a client that has had its turn. */
static void go_on(struct transport *t, struct client *client)
{
	int is_over = client->is_closing || (client->has_ended && !client->has_more);
	int waits = client->unsent_length > 0;
	if (waits != client->waits_for_room) {
		uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLET | (waits ? EPOLLOUT : 0);
		if (watch(t, EPOLL_CTL_MOD, client->fd, events, client) < 0)
			break_off(client);
		client->waits_for_room = waits;
	}
	if (client->is_watched && client->has_ended && !client->is_told)
		enqueue(t, client);
	else if (client->is_held)
		return;
	else if (client->is_broken || (is_over && !waits))
		finish(t, client);
	else if (!waits && !is_over && (client->has_more || client->may_read))
		enqueue(t, client);
}

/* Gathering */

static void receive(struct transport *t, struct client *client, size_t *end)
{
	size_t most = *end + READ_BYTES;
	while (*end < most) {
		ssize_t count = recv(client->fd, t->batch.bytes + *end, most - *end, MSG_DONTWAIT);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) {
			client->may_read = 0;
			return;
		}
		if (count <= 0) {
			client->has_ended = 1;
			client->may_read = 0;
			client->is_broken |= count < 0;
			return;
		}
		*end += (size_t)count;
		/* The kernel had no more. Of its end it has told us, or will. */
		if (*end < most && !client->is_hung_up) {
			client->may_read = 0;
			return;
		}
	}
}

/* Adds the client's lines to the batch. */
static void split(struct transport *t, struct client *client, struct group *group, size_t end)
{
	size_t at = group->start;
	int is_skipping = client->is_skipping;
	while (t->batch.line_count < MAX_LINES
	       && find_line(t->batch.bytes, at, end, is_skipping, &t->batch.lines[t->batch.line_count])) {
		at = t->batch.lines[t->batch.line_count++].end;
		is_skipping = 0;
	}
	int is_full = t->batch.line_count == MAX_LINES;
	if (!is_full && end - at > LONGEST_LINE + 1)
		is_skipping = 1;
	if (!is_full && client->has_ended && (is_skipping || at < end)) {
		t->batch.lines[t->batch.line_count++] = (struct line){.start = at, .end = end, .is = UNFINISHED};
		is_skipping = 0;
	}
	client->has_more = is_full;
	client->is_skipping = is_skipping;
	group->end = end;
	group->count = t->batch.line_count - group->first;
}

/* Keeps what the client has sent from `rest` on. */
static void keep_rest(struct transport *t, const struct group *group, size_t rest)
{
	struct client *client = t->clients[group->id];
	int is_kept = client->has_more || !client->is_skipping;
	if (group->is_read)
		keep(client, t->batch.bytes + rest, is_kept ? group->end - rest : 0);
}

static void gather_from(struct transport *t, struct client *client)
{
	struct group *group = &t->batch.groups[t->batch.group_count];
	*group = (struct group){
		.id = client->fd, .start = t->batch.used, .end = t->batch.used, .first = t->batch.line_count,
		.was_skipping = client->is_skipping,
	};
	int is_registered = !client->is_new;
	if (!client->is_held && !client->is_closing && client->unsent_length == 0) {
		size_t end = t->batch.used + client->kept_length;
		if (client->kept_length > 0)
			memcpy(t->batch.bytes + t->batch.used, client->kept, client->kept_length);
		if (client->may_read && !client->has_more && !client->has_ended)
			receive(t, client, &end);
		split(t, client, group, end);
		group->is_read = 1;
	}
	if (!is_registered
	    && watch(t, EPOLL_CTL_ADD, client->fd, EPOLLIN | EPOLLRDHUP | EPOLLET, client) < 0)
		break_off(client);
	int has_ended = client->has_ended || (client->is_watched && client->is_hung_up);
	group->tells = (client->is_new ? IS_NEW : 0) | (has_ended ? HAS_ENDED : 0);
	if (group->count > 0 || client->is_new || (client->is_due && group->is_read)
	    || (client->is_watched && has_ended && !client->is_told)) {
		client->is_new = client->is_due = 0;
		client->is_told = has_ended;
		t->batch.used = group->end;
		t->batch.group_count++;
		return;
	}
	keep_rest(t, group, group->start);
	go_on(t, client);
}

/*
 * Out of descriptors: as libuv does, closes the client that waits, so that it fails open at once, with
 * the descriptor that is kept for that.
 */
static int refuse_one(struct transport *t)
{
	if (t->spare < 0)
		return 0;
	close(t->spare);
	int fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	t->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

/* What cannot be accepted for want of something must not have us woken again and again. */
static void stop_accepting(struct transport *t, int error)
{
	t->batch.accept_error = error;
	watch(t, EPOLL_CTL_MOD, t->listener, 0, &t->listener);
}

static void accept_clients(struct transport *t)
{
	for (int round = 0; round < ACCEPTED_AT_ONCE && t->listener >= 0; round++) {
		int fd = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			add_client(t, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EAGAIN)
			return;
		int error = errno;
		if ((error != EMFILE && error != ENFILE) || !refuse_one(t)) {
			stop_accepting(t, error);
			return;
		}
		t->batch.accept_error = error;
	}
}

void transport_accept_again(struct transport *t)
{
	if (t->listener >= 0)
		watch(t, EPOLL_CTL_MOD, t->listener, EPOLLIN, &t->listener);
	if (t->spare < 0)
		t->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void note(struct transport *t, const struct epoll_event *event)
{
	if (event->data.ptr == &t->again)
		return;
	if (event->data.ptr == &t->listener) {
		accept_clients(t);
		return;
	}
	struct client *client = event->data.ptr;
	if (event->events & ~(uint32_t)EPOLLOUT)
		client->may_read = 1;
	if (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		client->is_hung_up = 1;
	if (client->unsent_length > 0)
		send_unsent(t, client);
	enqueue(t, client);
}

void transport_gather(struct transport *t)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(t->epoll, events, EVENTS, 0);
	for (int i = 0; i < count; i++)
		note(t, &events[i]);
	empty_batch(&t->batch);
	/* Those that come back to the queue have their turn in the next batch. */
	struct client *last = t->tail;
	while (t->head && t->batch.group_count < MAX_GROUPS && t->batch.line_count < MAX_LINES
	       && t->batch.used + TURN_BYTES <= BATCH_BYTES) {
		struct client *client = dequeue(t);
		int is_last = client == last;
		gather_from(t, client);
		if (is_last)
			break;
	}
	if (t->batch.group_count == 0)
		arm(t);
}

/* Settling */

static void take(struct client *client, int actions)
{
	client->is_watched = (actions & WATCH) != 0;
	client->is_held = (actions & HOLD) != 0;
	if (actions & CLOSE)
		client->is_closing = 1;
}

static void settle_group(struct transport *t, const struct group *group, const char *replies, size_t length)
{
	struct client *client = t->clients[group->id];
	size_t rest = group->start;
	if (group->actions & REFUSE) {
		drop(t, client);
		return;
	}
	if (group->answered > 0)
		rest = t->batch.lines[group->first + group->answered - 1].end;
	if (group->answered < group->count) {
		client->has_more = 1;
		client->is_skipping = group->answered == 0 && group->was_skipping;
	}
	keep_rest(t, group, rest);
	take(client, group->actions);
	reply(t, client, replies, length);
	go_on(t, client);
}

void transport_settle(struct transport *t, const char *replies, size_t length)
{
	size_t at = 0;
	for (size_t i = 0; i < t->batch.group_count; i++)
		if (is_unserved(&t->batch.groups[i]))
			settle_group(t, &t->batch.groups[i], NULL, 0);
	for (size_t i = 0; i < t->batch.group_count; i++) {
		struct group *group = &t->batch.groups[i];
		if (is_unserved(group))
			continue;
		size_t part = length_of_lines(replies + at, length - at, count_replies(group));
		settle_group(t, group, replies + at, part);
		at += part;
	}
	empty_batch(&t->batch);
	arm(t);
}

void transport_reply(struct transport *t, int id, const char *bytes, size_t length, int actions)
{
	struct client *client = id >= 0 && (size_t)id < t->capacity ? t->clients[id] : NULL;
	if (!client || !client->is_held)
		return;
	take(client, actions);
	reply(t, client, bytes, length);
	client->is_due = client->is_watched;
	/* It may be there already, so it is not closed here. */
	enqueue(t, client);
	arm(t);
}

/* Beginning and end */

static int listen_on(const char *path, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if (length >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, backlog) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

int transport_open(struct transport *t, const char *path, int backlog)
{
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->again = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	t->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	t->listener = -1;
	int error = EMFILE;
	if (t->epoll >= 0 && t->again >= 0 && t->spare >= 0) {
		int fd = listen_on(path, backlog);
		t->listener = fd;
		error = fd < 0 ? -fd : 0;
		if (!error && (watch(t, EPOLL_CTL_ADD, t->again, 0, &t->again) < 0
		               || watch(t, EPOLL_CTL_ADD, t->listener, EPOLLIN, &t->listener) < 0))
			error = errno;
	}
	if (error) {
		transport_close(t);
		return -error;
	}
	return t->epoll;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void transport_stop_listening(struct transport *t)
{
	close_one(&t->listener);
}

void transport_close(struct transport *t)
{
	for (size_t fd = 0; fd < t->capacity; fd++)
		if (t->clients[fd])
			drop(t, t->clients[fd]);
	free(t->clients);
	t->clients = NULL;
	t->capacity = 0;
	close_one(&t->listener);
	close_one(&t->spare);
	close_one(&t->again);
	close_one(&t->epoll);
}
