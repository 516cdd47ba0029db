/*
 * flood: datagrams for rater, of one kind and without an end; on SIGTERM says how many were sent and
 * how many replies came.
 *
 *   flood KIND NAME SOCKET DIRECTORY
 *       NAME is rater's socket for datagrams, SOCKET that for connections, and DIRECTORY is where
 *       senders may have names.
 *
 * It ends with the process that has started it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 64, PAUSE_NS = 1000000, ROUNDS_OF_DEAF = 500, LONGEST = 150000, MAX_SENDERS = 50, PASSED = 100 };

static const char *target, *directory;
static volatile sig_atomic_t is_over;
static unsigned long sent, replies;
static char bytes[LONGEST], room[LONGEST];

static void leave(int signal)
{
	(void)signal;
	is_over = 1;
}

static size_t make_line(void)
{
	return (size_t)sprintf(bytes, "user flood-%ld\n", random() % 10);
}

static size_t make_gibberish(void)
{
	size_t length = (size_t)random() % 1200;
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)random();
	return length;
}

static size_t make_oversized(void)
{
	size_t length = 1000 + (size_t)random() % (LONGEST - 1000);
	memset(bytes, 'x', length);
	memcpy(bytes, "user ", 5);
	return length;
}

/* What a sender is called. */
enum { AUTOBOUND, NAMELESS, BY_PATH, ODD };

static socklen_t make_name(int kind, int sender, struct sockaddr_un *name)
{
	size_t length = 0;
	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (kind == BY_PATH) {
		snprintf(name->sun_path, sizeof name->sun_path, "%s/flood-%d-%d", directory, (int)getpid(), sender);
		unlink(name->sun_path);
		return sizeof *name;
	}
	if (kind == ODD) {
		length = 1 + (size_t)random() % sizeof name->sun_path;
		for (size_t i = 1; i < length; i++)
			name->sun_path[i] = (char)random();
	}
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static const struct kind {
	const char *is;
	size_t (*make)(void);
	int senders, name;
	int is_deaf; /* reads no replies, and is away half of the time */
	int is_gone; /* once it has sent */
	int passes;  /* descriptors with what it sends */
} kinds[] = {
	{"valid", make_line, 1, AUTOBOUND, 0, 0, 0},
	{"gibberish", make_gibberish, 1, AUTOBOUND, 0, 0, 0},
	{"oversized", make_oversized, 1, AUTOBOUND, 0, 0, 0},
	{"deaf", make_line, MAX_SENDERS, AUTOBOUND, 1, 0, 0},
	{"gone", make_line, 1, AUTOBOUND, 1, 1, 0},
	{"nameless", make_line, 1, NAMELESS, 1, 0, 0},
	{"path", make_line, 1, BY_PATH, 0, 0, 0},
	{"odd", make_line, 1, ODD, 0, 1, 0},
	{"passing", make_line, 1, AUTOBOUND, 0, 0, 1},
};

static int open_sender(const struct kind *kind, int sender)
{
	struct sockaddr_un rater = {.sun_family = AF_UNIX}, name;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	strncpy(rater.sun_path, target, sizeof rater.sun_path - 1);
	socklen_t length = make_name(kind->name, sender, &name);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&rater, sizeof rater) == 0
	    && (kind->name == NAMELESS || bind(fd, (struct sockaddr *)&name, length) == 0))
		return fd;
	close(fd);
	return -1;
}

static ssize_t send_with_descriptors(int fd, size_t length)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(PASSED * sizeof(int))];
	} passed = {0};
	struct iovec part = {.iov_base = bytes, .iov_len = length};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = sizeof passed,
	};
	passed.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	passed.header.cmsg_len = CMSG_LEN(PASSED * sizeof(int));
	for (int i = 0; i < PASSED; i++)
		((int *)CMSG_DATA(&passed.header))[i] = fd;
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void pass_by_stream(const char *path)
{
	struct sockaddr_un rater = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strncpy(rater.sun_path, path, sizeof rater.sun_path - 1);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&rater, sizeof rater) == 0
	    && send_with_descriptors(fd, make_line()) > 0 && recv(fd, room, sizeof room, 0) > 0)
		replies++;
	close(fd);
}

static void send_one(const struct kind *kind, int *fd, int sender)
{
	if (*fd < 0 && (*fd = open_sender(kind, sender)) < 0)
		return;
	size_t length = kind->make();
	ssize_t taken = kind->passes ? send_with_descriptors(*fd, length)
	                             : send(*fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	sent += taken >= 0;
	while (!kind->is_deaf && recv(*fd, room, sizeof room, MSG_DONTWAIT) >= 0)
		replies++;
	if (!kind->is_gone && (taken >= 0 || errno == EAGAIN || errno == EMSGSIZE))
		return;
	close(*fd);
	*fd = -1;
}

static void flood(const struct kind *kind, const char *path)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct sockaddr_un unused;
	int fds[MAX_SENDERS];
	memset(fds, -1, sizeof fds);
	for (long round = 1; !is_over; round++) {
		int is_away = kind->is_deaf && round / ROUNDS_OF_DEAF % 2;
		for (int i = 0; i < BURST && !is_away; i++)
			send_one(kind, &fds[i % kind->senders], i % kind->senders);
		for (int i = 0; i < kind->senders && is_away; i++) {
			close(fds[i]);
			fds[i] = -1;
		}
		if (kind->passes)
			pass_by_stream(path);
		nanosleep(&pause, NULL);
	}
	for (int i = 0; i < kind->senders && kind->name == BY_PATH; i++)
		make_name(BY_PATH, i, &unused);
	printf("%lu %lu\n", sent, replies);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 100;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGTERM, leave);
	target = argv[2];
	directory = argv[4];
	srandom((unsigned)getpid());
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].is, argv[1]) == 0) {
			flood(&kinds[i], argv[3]);
			return 0;
		}
	return 100;
}
