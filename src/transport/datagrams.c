/*
 * SECURITY: a datagram may have any length and content, and its sender any name. Descriptors that are
 * passed along are not received, because there is no room for ancillary data.
 */
#define _GNU_SOURCE
#include "datagrams.h"
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Replies to all datagrams that are kept take half of what the kernel makes of it. */
enum { SEND_BUFFER = 1 << 18, REPLIES_UNLOOKED = 64 };

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

int datagrams_receive(struct datagrams *d)
{
	look_at_replies(d);
	if (d->is_clogged)
		return 0;
	int room = d->free_count < RECEIVED_AT_ONCE ? d->free_count : RECEIVED_AT_ONCE;
	int count = room > 0 ? recvmmsg(d->socket, d->messages, (unsigned)room, MSG_DONTWAIT, NULL) : 0;
	for (int i = 0; i < count; i++) {
		d->senders[i].length = d->messages[i].msg_hdr.msg_namelen;
		d->messages[i].msg_hdr.msg_namelen = sizeof d->senders[i].name;
	}
	return count > 0 ? count : 0;
}

int datagrams_keep(struct datagrams *d, int received, struct line *line)
{
	const struct sender *sender = &d->senders[received];
	unsigned char *text = d->texts[received];
	size_t length = d->messages[received].msg_len;
	if (sender->length <= offsetof(struct sockaddr_un, sun_path) + 1
	    || sender->length > sizeof sender->name || sender->name.sun_path[0] != 0)
		return -1;
	text[length] = '\n';
	find_line(text, 0, length + 1, 0, line);
	if (line->end < length)
		return -1;
	int id = d->free[--d->free_count];
	d->kept[id] = *sender;
	d->is_kept[id] = 1;
	return id;
}

int datagrams_reply(struct datagrams *d, int id, const char *reply, size_t length)
{
	if (id < 0 || id >= MAX_DATAGRAMS || !d->is_kept[id])
		return 1;
	const struct sender *to = &d->kept[id];
	ssize_t sent = 0;
	if (length > 0)
		do
			sent = sendto(d->socket, reply, length, MSG_DONTWAIT | MSG_NOSIGNAL,
			              (const struct sockaddr *)&to->name, to->length);
		while (sent < 0 && errno == EINTR);
	if (sent > 0)
		d->unlooked++;
	d->is_kept[id] = 0;
	d->free[d->free_count++] = id;
	return sent >= 0;
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
	d->socket = bind_to(path);
	for (int i = 0; i < RECEIVED_AT_ONCE; i++) {
		d->parts[i] = (struct iovec){.iov_base = d->texts[i], .iov_len = DATAGRAM_BYTES};
		d->messages[i] = (struct mmsghdr){.msg_hdr = {
			.msg_name = &d->senders[i].name, .msg_namelen = sizeof d->senders[i].name,
			.msg_iov = &d->parts[i], .msg_iovlen = 1,
		}};
	}
	for (int i = 0; i < MAX_DATAGRAMS; i++)
		d->free[i] = MAX_DATAGRAMS - 1 - i;
	d->free_count = MAX_DATAGRAMS;
	d->unlooked = d->is_clogged = 0;
	if (d->socket >= 0)
		d->room = make_room(d->socket);
	return d->socket;
}

void datagrams_close(struct datagrams *d)
{
	if (d->socket >= 0)
		close(d->socket);
	d->socket = -1;
}
