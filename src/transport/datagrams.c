/*
 * SECURITY: a datagram may have any length and content, and its sender any name. Descriptors that are
 * passed along are not received, because there is no room for ancillary data.
 */
#define _GNU_SOURCE
#include "datagrams.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <linux/sockios.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

enum { RECEIVED_AT_ONCE = 16, NONE = -1 };
/* Replies to all datagrams that are kept take half of what the kernel makes of it. */
enum { SEND_BUFFER = 1 << 18, REPLIES_UNLOOKED = 64 };

struct datagram {
	struct sockaddr_un from;
	socklen_t from_length;
	char text[LONGEST_LINE + 3]; /* a line with its end, and a byte that shows that it is longer */
	size_t length;
	int is_held, next;
};

static int watch(struct datagrams *d, int operation, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};
	return epoll_ctl(d->epoll, operation, fd, &event);
}

/* Lists */

static void release(struct datagrams *d, int id)
{
	d->all[id].is_held = 0;
	d->all[id].next = d->free;
	d->free = id;
}

static void enqueue(struct datagrams *d, int id)
{
	d->all[id].next = NONE;
	if (d->tail == NONE)
		d->head = id;
	else
		d->all[d->tail].next = id;
	d->tail = id;
}

static int dequeue(struct datagrams *d)
{
	int id = d->head;
	d->head = d->all[id].next;
	if (d->head == NONE)
		d->tail = NONE;
	return id;
}

/*
 * Has us woken while something waits here, and while something waits in the kernel if there is room; when
 * we are clogged, as soon as the kernel says that a quarter of the room for replies is taken at most.
 */
static void arm(struct datagrams *d)
{
	int is_again = d->head != NONE;
	uint32_t wanted = d->free == NONE ? 0 : d->is_clogged ? EPOLLOUT : EPOLLIN;
	if (is_again != d->is_again
	    && watch(d, EPOLL_CTL_MOD, d->again, is_again ? EPOLLIN : 0) == 0)
		d->is_again = is_again;
	if (wanted != d->wanted && watch(d, EPOLL_CTL_MOD, d->socket, wanted) == 0)
		d->wanted = wanted;
}

/* Gathering */

/* One line, with or without its end, of a sender to whom we can reply. */
static int is_request(const struct datagram *datagram)
{
	const char *lf = memchr(datagram->text, '\n', datagram->length);
	size_t name = offsetof(struct sockaddr_un, sun_path);
	return datagram->from_length > name + 1 && datagram->from.sun_path[0] == 0
	       && (!lf || lf == datagram->text + datagram->length - 1);
}

/*
 * The kernel counts what senders have not read against our socket, and does not bound what one of them
 * leaves. When a quarter is taken, the rest is enough for the requests that we have.
 */
static void look_at_replies(struct datagrams *d)
{
	int unread = 0;
	if (d->unlooked < REPLIES_UNLOOKED && !d->is_clogged)
		return;
	ioctl(d->socket, SIOCOUTQ, &unread);
	d->is_clogged = unread > d->room / 4;
	d->unlooked = 0;
}

static void receive(struct datagrams *d)
{
	struct mmsghdr messages[RECEIVED_AT_ONCE];
	struct iovec parts[RECEIVED_AT_ONCE];
	int ids[RECEIVED_AT_ONCE];
	int room = 0;
	for (int id = d->free; id != NONE && room < RECEIVED_AT_ONCE; id = d->all[id].next) {
		struct datagram *datagram = &d->all[id];
		parts[room] = (struct iovec){.iov_base = datagram->text, .iov_len = sizeof datagram->text};
		messages[room] = (struct mmsghdr){.msg_hdr = {
			.msg_name = &datagram->from, .msg_namelen = sizeof datagram->from,
			.msg_iov = &parts[room], .msg_iovlen = 1,
		}};
		ids[room++] = id;
	}
	int count = room > 0 ? recvmmsg(d->socket, messages, (unsigned)room, MSG_DONTWAIT, NULL) : 0;
	for (int i = 0; i < count; i++) {
		struct datagram *datagram = &d->all[ids[i]];
		d->free = datagram->next;
		datagram->from_length = messages[i].msg_hdr.msg_namelen;
		datagram->length = messages[i].msg_len;
		if (datagram->from_length > sizeof datagram->from)
			datagram->from_length = 0;
		enqueue(d, ids[i]);
	}
}

static void add_line(struct batch *batch, const struct datagram *datagram)
{
	struct line *line = &batch->lines[batch->line_count++];
	unsigned char *bytes = batch->bytes + batch->used;
	memcpy(bytes, datagram->text, datagram->length);
	if (!memchr(bytes, '\n', datagram->length))
		bytes[datagram->length] = '\n';
	find_line(bytes, 0, datagram->length + 1, 0, line);
	line->start += batch->used;
	line->end += batch->used;
	batch->used += sizeof datagram->text + 1;
}

void datagrams_gather(struct datagrams *d)
{
	struct batch *batch = &d->batch;
	empty_batch(batch);
	look_at_replies(d);
	if (d->head == NONE && !d->is_clogged)
		receive(d);
	while (d->head != NONE) {
		int id = dequeue(d);
		if (!is_request(&d->all[id])) {
			release(d, id);
			continue;
		}
		batch->groups[batch->group_count++]
			= (struct group){.id = id, .first = batch->line_count, .count = 1};
		add_line(batch, &d->all[id]);
	}
	if (batch->group_count == 0)
		arm(d);
}

/* Settling */

static void send_reply(struct datagrams *d, const struct datagram *to, const char *reply, size_t length)
{
	ssize_t sent;
	if (length == 0)
		return;
	do
		sent = sendto(d->socket, reply, length, MSG_DONTWAIT | MSG_NOSIGNAL,
		              (const struct sockaddr *)&to->from, to->from_length);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		d->batch.late++;
	else
		d->unlooked++;
}

void datagrams_settle(struct datagrams *d, const char *replies, size_t length)
{
	struct batch *batch = &d->batch;
	size_t at = 0;
	for (size_t i = 0; i < batch->group_count; i++) {
		struct group *group = &batch->groups[i];
		size_t part = length_of_lines(replies + at, length - at, count_replies(group));
		if (is_unserved(group) && !(group->actions & CLOSE)) {
			enqueue(d, group->id);
			continue;
		}
		send_reply(d, &d->all[group->id], replies + at, part);
		at += part;
		if (group->actions & HOLD)
			d->all[group->id].is_held = 1;
		else
			release(d, group->id);
	}
	empty_batch(batch);
	arm(d);
}

void datagrams_reply(struct datagrams *d, int id, const char *reply, size_t length)
{
	if (id < 0 || id >= MAX_DATAGRAMS || !d->all[id].is_held)
		return;
	send_reply(d, &d->all[id], reply, length);
	release(d, id);
	arm(d);
}

/* Beginning and end */

uint64_t namespace_cookie(void)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0 || size != sizeof cookie)
		cookie = 0;
	close(fd);
	return cookie;
}

/* False when the path is too long. */
static int make_address(struct sockaddr_un *address, const char *path)
{
	size_t length = strlen(path);
	if (length >= sizeof address->sun_path)
		return 0;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, path, length);
	return 1;
}

int is_dead_name(const char *path)
{
	struct sockaddr_un address;
	int fd = make_address(&address, path) ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	if (fd < 0)
		return 0;
	int is_dead = connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno == ECONNREFUSED;
	close(fd);
	return is_dead;
}

/* How many bytes of replies may be unread; what the kernel counts of one is several times its length. */
static int make_room(int fd)
{
	int room = SEND_BUFFER;
	socklen_t size = sizeof room;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, size);
	getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &size);
	return room;
}

static int bind_to(const char *path)
{
	struct sockaddr_un address;
	if (!make_address(&address, path))
		return -ENAMETOOLONG;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

int datagrams_open(struct datagrams *d, const char *path)
{
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	d->again = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	d->all = calloc(MAX_DATAGRAMS, sizeof *d->all);
	d->socket = d->epoll >= 0 && d->again >= 0 && d->all ? bind_to(path) : -EMFILE;
	int error = d->socket < 0 ? -d->socket : 0;
	if (!error && (watch(d, EPOLL_CTL_ADD, d->again, 0) < 0
	               || watch(d, EPOLL_CTL_ADD, d->socket, EPOLLIN) < 0))
		error = errno;
	if (error) {
		datagrams_close(d);
		return -error;
	}
	d->wanted = EPOLLIN;
	d->room = make_room(d->socket);
	d->free = d->head = d->tail = NONE;
	for (int id = MAX_DATAGRAMS - 1; id >= 0; id--)
		release(d, id);
	return d->epoll;
}

void datagrams_close(struct datagrams *d)
{
	int *all[] = {&d->socket, &d->again, &d->epoll};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
	free(d->all);
	d->all = NULL;
}
