/*
 * load: many clients at once, and what became of them, as one line of JSON on stdout.
 *
 *   load visit PORT VISITS CONCURRENCY BASE SPREAD STOP
 *       Connects to 127.0.0.1 from addresses BASE, BASE + 1, ... (SPREAD of them, in turn), sends
 *       nothing, reads to the end. With STOP 1, makes no new visits once one was dropped.
 *   load ask PATH PROTOCOL CLASS CHECKS CONCURRENCY DEPTH KEEP BASE SPREAD SECONDS
 *       Checks values in the form of addresses over a Unix socket, DEPTH at once on each of
 *       CONCURRENCY connections; KEEP 0: a new connection for every DEPTH checks. PROTOCOL is
 *       rater; datagram, with DEPTH 1: rater's, each from a socket of its own if KEEP is 0; or redis:
 *       INCR and EXPIRE after SECONDS.
 *   load probe PATH PROTOCOL CLASS
 *       One check about every millisecond until SIGTERM; tells the longest wait for an answer.
 *
 * What cannot be measured (no server, a broken answer) is a line on stderr and exit 111.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CLIENTS = 256, MOST_BYTES = 1 << 17, LONGEST_CHECK = 160, PATIENCE_MS = 20000 };

struct client {
	int fd;
	long replies_due; /* lines that must still come */
	size_t received;
	char first[4];
};

static long long now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(111);
}

static void address_text(char *text, unsigned base, long index, long spread)
{
	struct in_addr address = {.s_addr = htonl(base + (unsigned)(index % spread))};
	inet_ntop(AF_INET, &address, text, INET_ADDRSTRLEN);
}

static unsigned address_number(const char *text)
{
	struct in_addr address;
	if (inet_pton(AF_INET, text, &address) != 1)
		fail(text);
	return ntohl(address.s_addr);
}

static void watch(int epoll, struct client *client, int operation)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
	if (epoll_ctl(epoll, operation, client->fd, &event) < 0)
		fail("epoll_ctl");
}

/* Visits */

static struct {
	int epoll;
	long left, begun, open, greeted, refused, dropped, failed;
	unsigned base;
	long spread;
	int port, stop;
	long long start, first_drop;
} visits;

static void end_visit(struct client *client);

static void begin_visit(struct client *client)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	int yes = 1;
	from.sin_addr.s_addr = htonl(visits.base + (unsigned)(visits.begun++ % visits.spread));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(visits.port);
	visits.left--;
	client->received = 0;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		fail("socket");
	setsockopt(client->fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &yes, sizeof yes);
	if (bind(client->fd, (struct sockaddr *)&from, sizeof from) < 0)
		fail("bind");
	visits.open++;
	if (connect(client->fd, (struct sockaddr *)&to, sizeof to) == 0)
		watch(visits.epoll, client, EPOLL_CTL_ADD);
	else if (errno == ECONNRESET)
		end_visit(client); /* A proxy that refuses may be faster than we are. */
	else
		fail("connect");
}

static void end_visit(struct client *client)
{
	close(client->fd);
	visits.open--;
	if (client->received == 0) {
		if (visits.dropped++ == 0)
			visits.first_drop = now_ns() - visits.start;
		if (visits.stop)
			visits.left = 0;
	} else if (memcmp(client->first, "220 ", 4) == 0) {
		visits.greeted++;
	} else if (memcmp(client->first, "421 ", 4) == 0) {
		visits.refused++;
	} else {
		visits.failed++;
	}
	if (visits.left > 0)
		begin_visit(client);
}

static void hear_visit(struct client *client)
{
	static char bytes[4096];
	ssize_t count = read(client->fd, bytes, sizeof bytes);
	if (count <= 0) {
		end_visit(client);
		return;
	}
	for (ssize_t i = 0; i < count; i++, client->received++)
		if (client->received < sizeof client->first)
			client->first[client->received] = bytes[i];
}

static void visit(char **argument)
{
	static struct client clients[MOST_CLIENTS];
	struct epoll_event events[64];
	long concurrency = atol(argument[2]);
	visits.port = atoi(argument[0]);
	visits.left = atol(argument[1]);
	visits.base = address_number(argument[3]);
	visits.spread = atol(argument[4]);
	visits.stop = atoi(argument[5]);
	visits.epoll = epoll_create1(EPOLL_CLOEXEC);
	visits.first_drop = -1;
	visits.start = now_ns();
	for (long i = 0; i < concurrency && i < MOST_CLIENTS && visits.left > 0; i++)
		begin_visit(&clients[i]);
	while (visits.open > 0) {
		int count = epoll_wait(visits.epoll, events, 64, PATIENCE_MS);
		if (count <= 0)
			fail("no word from the server");
		for (int i = 0; i < count; i++)
			hear_visit(events[i].data.ptr);
	}
	printf("{\"seconds\":%.6f,\"greeted\":%ld,\"refused\":%ld,\"dropped\":%ld,\"failed\":%ld,"
	       "\"firstDropMs\":%.3f}\n",
	       (now_ns() - visits.start) / 1e9, visits.greeted, visits.refused, visits.dropped,
	       visits.failed, visits.first_drop < 0 ? -1 : visits.first_drop / 1e6);
}

/* Checks */

static struct {
	int epoll;
	struct sockaddr_un server;
	int is_redis, is_datagram, depth, keep;
	const char *class;
	long left, begun, open, errors;
	unsigned base;
	long spread, seconds;
} checks;

static int check_text(char *text)
{
	char value[INET_ADDRSTRLEN], seconds[24];
	address_text(value, checks.base, checks.begun++, checks.spread);
	if (!checks.is_redis)
		return sprintf(text, "%.64s %s\n", checks.class, value);
	sprintf(seconds, "%ld", checks.seconds);
	return sprintf(text,
	               "*2\r\n$4\r\nINCR\r\n$%zu\r\n%s\r\n"
	               "*3\r\n$6\r\nEXPIRE\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n",
	               strlen(value), value, strlen(value), value, strlen(seconds), seconds);
}

static void open_client(struct client *client)
{
	static const struct sockaddr_un any = {.sun_family = AF_UNIX};
	int type = checks.is_datagram ? SOCK_DGRAM : SOCK_STREAM;
	client->fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (client->fd < 0 ||
	    connect(client->fd, (struct sockaddr *)&checks.server, sizeof checks.server) < 0)
		fail(checks.server.sun_path);
	if (checks.is_datagram && bind(client->fd, (struct sockaddr *)&any, sizeof any.sun_family) < 0)
		fail("bind");
	watch(checks.epoll, client, EPOLL_CTL_ADD);
	checks.open++;
}

/* Sends a batch; false when there is nothing left to send. */
static int send_batch(struct client *client)
{
	static char bytes[MOST_BYTES];
	size_t length = 0;
	long many = checks.left < checks.depth ? checks.left : checks.depth;
	if (many == 0)
		return 0;
	for (long i = 0; i < many && length < MOST_BYTES - LONGEST_CHECK; i++, checks.left--) {
		length += check_text(bytes + length);
		client->replies_due += checks.is_redis ? 2 : 1;
	}
	for (size_t sent = 0; sent < length;) {
		ssize_t count = write(client->fd, bytes + sent, length - sent);
		if (count < 0)
			fail("write");
		sent += count;
	}
	return 1;
}

static void hear_replies(struct client *client)
{
	static char bytes[MOST_BYTES];
	ssize_t count = read(client->fd, bytes, sizeof bytes);
	if (count <= 0)
		fail("the server closed early");
	for (ssize_t i = 0; i < count; i++) {
		if (client->received++ == 0 && bytes[i] == (checks.is_redis ? '-' : '2'))
			checks.errors++;
		if (bytes[i] == '\n') {
			client->replies_due--;
			client->received = 0;
		}
	}
	if (client->replies_due > 0)
		return;
	if (!checks.keep || checks.left == 0) {
		close(client->fd);
		checks.open--;
		if (checks.left == 0)
			return;
		open_client(client);
	}
	send_batch(client);
}

static void set_server(char **argument)
{
	checks.server.sun_family = AF_UNIX;
	if (strlen(argument[0]) >= sizeof checks.server.sun_path)
		fail("path too long");
	strcpy(checks.server.sun_path, argument[0]);
	checks.is_redis = strcmp(argument[1], "redis") == 0;
	checks.is_datagram = strcmp(argument[1], "datagram") == 0;
	checks.class = argument[2];
	checks.epoll = epoll_create1(EPOLL_CLOEXEC);
}

static void ask(char **argument)
{
	static struct client clients[MOST_CLIENTS];
	struct epoll_event events[64];
	set_server(argument);
	checks.left = atol(argument[3]);
	long many = checks.left, concurrency = atol(argument[4]);
	checks.depth = atoi(argument[5]);
	checks.keep = atoi(argument[6]);
	checks.base = address_number(argument[7]);
	checks.spread = atol(argument[8]);
	checks.seconds = atol(argument[9]);
	long long start = now_ns();
	for (long i = 0; i < concurrency && i < MOST_CLIENTS && checks.left > 0; i++) {
		open_client(&clients[i]);
		send_batch(&clients[i]);
	}
	while (checks.open > 0) {
		int count = epoll_wait(checks.epoll, events, 64, PATIENCE_MS);
		if (count <= 0)
			fail("no answer");
		for (int i = 0; i < count; i++)
			hear_replies(events[i].data.ptr);
	}
	printf("{\"seconds\":%.6f,\"checks\":%ld,\"errors\":%ld}\n", (now_ns() - start) / 1e9, many,
	       checks.errors);
}

static volatile sig_atomic_t is_over;

static void end_probe(int signal)
{
	(void)signal;
	is_over = 1;
}

static void probe(char **argument)
{
	struct client client = {0};
	long many = 0, late = 0;
	long long longest = 0;
	set_server(argument);
	checks.depth = checks.keep = 1;
	checks.spread = 1;
	checks.seconds = 3600;
	checks.base = 0x0afffffe;
	signal(SIGTERM, end_probe);
	open_client(&client);
	while (!is_over) {
		long long start = now_ns();
		checks.left = 1;
		checks.open = 1;
		send_batch(&client);
		while (client.replies_due > 0) {
			char bytes[256];
			ssize_t count = read(client.fd, bytes, sizeof bytes);
			if (count <= 0 && errno != EINTR)
				fail("the server closed early");
			for (ssize_t i = 0; i < count; i++)
				client.replies_due -= bytes[i] == '\n';
		}
		long long took = now_ns() - start;
		many++;
		late += took > 20000000;
		if (took > longest)
			longest = took;
		usleep(1000);
	}
	printf("{\"checks\":%ld,\"longestMs\":%.3f,\"over20ms\":%ld}\n", many, longest / 1e6, late);
}

int main(int count, char **argument)
{
	signal(SIGPIPE, SIG_IGN);
	if (count == 8 && strcmp(argument[1], "visit") == 0)
		visit(argument + 2);
	else if (count == 12 && strcmp(argument[1], "ask") == 0)
		ask(argument + 2);
	else if (count == 5 && strcmp(argument[1], "probe") == 0)
		probe(argument + 2);
	else
		return 100;
	return 0;
}
