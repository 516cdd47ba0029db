/*
 * ratecheck: ask rater whether this client comes too often, then become the next program or refuse.
 *
 * Runs once per connection, so it is small and holds no policy: send a line, read a line, exec or
 * answer 421. Rater thinks.
 *
 * Guarantee: the program gets environment, descriptors, signals and blocking mode as ratecheck
 * received them. Nothing is set on fds 0, 1 and 2, no signal disposition is touched, SIGPIPE is held
 * back for one write at most, and our one socket is close-on-exec and never one of these three. With -k, and only when the program
 * runs because the daemon said so, it gets one descriptor more: that socket, at FIRST_KEPT or above.
 * Guarantee: one deadline covers everything. No daemon, client or full log pipe can hold us longer,
 * but for the race told at write_some.
 * Guarantee: a request is sent once, as a datagram or on the stream socket, so it is counted once.
 *
 * SECURITY: never setuid. What the client, the daemon or a variable says is data: bounded in size,
 * and shown only after its control bytes are replaced. No allocation, no recursion.
 *
 * BUGS: the default texts speak SMTP. With -F, only the text for an exceeded limit can be changed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef DEFAULT_SOCKET
#define DEFAULT_SOCKET "/run/ipthrottle/rater.sock"
#endif
#ifndef VERSION
#define VERSION "0"
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14; a kernel without it says so */
#endif

#define USAGE                                                                    \
	"usage: ratecheck [-s SOCKET] [-t MS] [-O|-F] [-k] [-c CLASS] [-v VALUE] " \
	"[-m MESSAGE] prog [args...]\n"                                          \
	"       ratecheck [-s SOCKET] [-t MS] -n CLASS VALUE\n"                  \
	"       ratecheck [-v VALUE] -w\n"                                              \
	"       ratecheck -h | -V\n"
#define REFUSED_UNTIL "421 4.7.0 Too many connections from %v, try again in %s seconds"
#define REFUSED "421 4.7.0 Too many connections from %v, try again later"
#define FAILED_OPEN ".failed-open" /* after the socket's path: the pipe in which rater counts us */
#define UNAVAILABLE "421 4.3.2 Service temporarily unavailable, try again later"

enum { EXCEEDED = 1, OPERATOR = 100, LATER = 111 };          /* exit codes */
enum { MAX_MS = 600000, LONGEST_PAUSE_MS = 16 };
enum { MAX_REQUEST = 1000, MAX_REPLY = 1000, MAX_LINE = 1024 };
enum { MAX_SMTP = 512 - 2, SHOWN_VALUE = 64, SHOWN = 200, MAX_SECONDS_DIGITS = 9 };
enum { DRAIN_ROUNDS = 16, MAX_PROTOCOL = 16, MAX_COOKIE_DIGITS = 20, NAME_LENGTH = 16 };
enum { FIRST_KEPT = 10 }; /* above 6 and 7 of UCSPI clients, and what shell scripts redirect */

/* A line being made or read. What does not fit is cut off; add_char is the only way in. */
struct line {
	char text[MAX_LINE];
	size_t length;
};

struct options {
	const char *socket, *timeout, *class, *value, *message;
	int fail_closed, keep_open, ask_only, tell_only, check_options;
};

/* The outcome of asking: the daemon's status and its reply, or NO_ANSWER and a problem. */
enum { WITHIN = '0', OVER = '1', ERROR = '2', NO_ANSWER = 0 };
struct answer {
	int status;
	int is_unseen; /* rater cannot know of us */
	struct line reply, problem;
};

static struct sockaddr_un rater = {.sun_family = AF_UNIX};
static long long deadline; /* the one deadline, in milliseconds of CLOCK_MONOTONIC */

_Static_assert(sizeof DEFAULT_SOCKET <= sizeof rater.sun_path, "DEFAULT_SOCKET is too long");

/* Lines */

static void add_char(struct line *line, char c)
{
	if (line->length < sizeof line->text)
		line->text[line->length++] = c;
}

static void add(struct line *line, const char *text)
{
	while (*text)
		add_char(line, *text++);
}

static int is_control(char c)
{
	return (unsigned char)c < ' ' || c == 127;
}

/* Bytes from outside: unprintable ones become '?', and no more than `max` are shown. */
static void add_outside(struct line *line, const char *bytes, size_t length, size_t max)
{
	for (size_t i = 0; i < length && i < max; i++)
		add_char(line, is_control(bytes[i]) || bytes[i] & 128 ? '?' : bytes[i]);
}

static void add_outside_text(struct line *line, const char *text)
{
	add_outside(line, text, strlen(text), SHOWN);
}

static void add_quoted(struct line *line, const char *bytes, size_t length)
{
	add_char(line, '"');
	add_outside(line, bytes, length, SHOWN);
	add_char(line, '"');
}

/* Time */

/*
 * Asks the kernel itself where a long has 64 bits, so that its struct timespec is that of libc: the
 * call costs less than the two page faults of the vdso.
 */
static long long now_ms(void)
{
	struct timespec now;
#if LONG_MAX > INT_MAX
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
#else
	clock_gettime(CLOCK_MONOTONIC, &now);
#endif
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int remaining_ms(void)
{
	long long left = deadline - now_ms();
	return left > 0 ? (int)left : 0;
}

/* Waits for `events` on `fd`. Returns what poll saw, or 0 when the deadline has come. */
static int wait_for(int fd, short events)
{
	struct pollfd ready = {.fd = fd, .events = events};
	int count;
	do
		count = poll(&ready, 1, remaining_ms());
	while (count < 0 && errno == EINTR);
	return count > 0 ? ready.revents : 0;
}

/* Writing to descriptors that are not ours */

/*
 * One write that neither blocks nor raises SIGPIPE, on a descriptor whose flags are not ours to
 * change. On a socket MSG_DONTWAIT and MSG_NOSIGNAL do it. Elsewhere poll is asked first: it says
 * POLLERR for a pipe without a reader, and POLLOUT only when a page is free, so a line fits.
 * XXX: where other writers share the pipe and fill it in between, write waits for its reader.
 */
static ssize_t write_some(int fd, const char *bytes, size_t length)
{
	ssize_t sent = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent >= 0 || errno != ENOTSOCK)
		return sent;
	int ready = wait_for(fd, POLLOUT);
	if (ready & (POLLERR | POLLNVAL) || !(ready & POLLOUT)) {
		errno = EPIPE;
		return -1;
	}
	return write(fd, bytes, length);
}

/* Writes what it can before the deadline; one attempt is made even after it. */
static void write_bytes(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = write_some(fd, bytes, length);
		if (sent > 0) {
			bytes += sent;
			length -= (size_t)sent;
		} else if (sent == 0 || (errno != EINTR && errno != EAGAIN) || !wait_for(fd, POLLOUT)) {
			return;
		}
	}
}

static void write_line(int fd, struct line *line, const char *ending)
{
	size_t room = sizeof line->text - strlen(ending);
	if (line->length > room)
		line->length = room;
	add(line, ending);
	write_bytes(fd, line->text, line->length);
}

static void start_complaint(struct line *line, const char *level)
{
	line->length = 0;
	add(line, "ratecheck: ");
	add(line, level);
	add(line, ": ");
}

/* Options */

_Noreturn static void wrong_usage(const char *detail, char flag)
{
	struct line line;
	start_complaint(&line, "fatal");
	add(&line, "wrong usage: ");
	if (flag) {
		const char option[] = {'-', flag};
		add_outside(&line, option, sizeof option, sizeof option);
		add(&line, ": ");
	}
	add(&line, detail);
	add(&line, " (try ratecheck -h)");
	write_line(2, &line, "\n");
	_exit(OPERATOR);
}

_Noreturn static void print_and_leave(const char *text)
{
	write_bytes(1, text, strlen(text));
	_exit(0);
}

static int milliseconds(const char *text)
{
	int number = 0;
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || text[digits])
		wrong_usage("not a whole number of milliseconds", 't');
	for (; *text && number <= MAX_MS; text++)
		number = number * 10 + (*text - '0');
	if (number < 1 || number > MAX_MS)
		wrong_usage("must be 1 to 600000 milliseconds", 't');
	return number;
}

static void take_flag(struct options *options, char flag)
{
	switch (flag) {
	case 'O': options->fail_closed = 0; options->check_options = 1; break;
	case 'F': options->fail_closed = 1; options->check_options = 1; break;
	case 'k': options->keep_open = 1; options->check_options = 1; break;
	case 'n': options->ask_only = 1; break;
	case 'w': options->tell_only = 1; options->check_options = 1; break;
	case 'h': print_and_leave(USAGE);
	case 'V': print_and_leave("ratecheck " VERSION "\n");
	default: wrong_usage("unknown option", flag);
	}
}

static void take_option(struct options *options, char flag, const char *argument)
{
	switch (flag) {
	case 's': options->socket = argument; return;
	case 't': options->timeout = argument; return;
	case 'c': options->class = argument; break;
	case 'v': options->value = argument; break;
	case 'm':
		if (!*argument)
			wrong_usage("an empty message tells the client nothing", flag);
		options->message = argument;
		break;
	}
	options->check_options = 1;
}

/*
 * Returns where the operands begin. Options end at the first argument that is not one, or after
 * "--": what follows belongs to the program. GNU getopt(3) would reorder it and print errors.
 */
static char **take_options(char **arguments, struct options *options)
{
	for (; *arguments && (*arguments)[0] == '-' && (*arguments)[1]; arguments++) {
		if (strcmp(*arguments, "--") == 0)
			return arguments + 1;
		for (const char *flag = *arguments + 1; *flag; flag++) {
			if (!strchr("stcvm", *flag)) {
				take_flag(options, *flag);
				continue;
			}
			const char *argument = flag[1] ? flag + 1 : *++arguments;
			if (!argument)
				wrong_usage("needs an argument", *flag);
			take_option(options, *flag, argument);
			break;
		}
	}
	return arguments;
}

/* A variable that is set but empty counts as not set. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static void choose_socket(const char *path)
{
	if (!path && !(path = variable("RATER_SOCKET")))
		path = DEFAULT_SOCKET;
	if (!*path)
		wrong_usage("the socket's path is empty", 's');
	if (strlen(path) >= sizeof rater.sun_path)
		wrong_usage("the socket's path is too long for a Unix socket", 's');
	strcpy(rater.sun_path, path);
}

/* The client's address. Each of these returns NULL where there is none. */

/*
 * The address in what servers write: 192.0.2.1, 192.0.2.1:25, 2001:db8::1, fe80::1%eth0,
 * [2001:db8::1]:25. NULL for anything else, as for a host's name or a path.
 */
static const char *address_in(const char *text)
{
	static char address[INET6_ADDRSTRLEN];
	struct in6_addr parsed;
	if (!text)
		return NULL;
	const char *end = "%", *colon = strchr(text, ':');
	if (*text == '[') {
		text++;
		end = "%]";
	} else if (colon && !strchr(colon + 1, ':')) {
		end = ":";
	}
	size_t length = strcspn(text, end);
	if (length >= sizeof address)
		return NULL;
	memcpy(address, text, length);
	address[length] = 0;
	if (inet_pton(AF_INET, address, &parsed) != 1 && inet_pton(AF_INET6, address, &parsed) != 1)
		return NULL;
	return address;
}

/* ${PROTO}REMOTEIP, the rule of UCSPI servers: SSLREMOTEIP, for one. */
static const char *variable_of_protocol(void)
{
	char name[MAX_PROTOCOL + sizeof "REMOTEIP"];
	const char *protocol = variable("PROTO");
	if (!protocol || strlen(protocol) > MAX_PROTOCOL)
		return NULL;
	return variable(strcat(strcpy(name, protocol), "REMOTEIP"));
}

static const char *address_of_peer(void)
{
	static char address[INET6_ADDRSTRLEN];
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} peer;
	socklen_t size = sizeof peer;
	if (getpeername(0, &peer.any, &size) < 0)
		return NULL;
	switch (peer.any.sa_family) {
	case AF_INET: return inet_ntop(AF_INET, &peer.v4.sin_addr, address, sizeof address);
	case AF_INET6: return inet_ntop(AF_INET6, &peer.v6.sin6_addr, address, sizeof address);
	default: return NULL;
	}
}

/*
 * What the server says comes before the socket: behind a proxy or a TLS front end, which knows the
 * client, descriptor 0 is no socket or leads to the front end. TCPREMOTEIP costs no system call.
 */
static const char *address_of_client(void)
{
	const char *const said[] = {
		variable("TCPREMOTEIP"),
		variable("TCP6REMOTEIP"),
		variable_of_protocol(),
		variable("TCPREMOTEADDR"), /* BusyBox */
		variable("REMOTE_ADDR"),   /* systemd */
		variable("REMOTE_HOST"),   /* xinetd */
		variable("SOCAT_PEERADDR"),
		variable("NCAT_REMOTE_ADDR"),
	};
	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		const char *address = address_in(said[i]);
		if (address)
			return address;
	}
	return address_of_peer();
}

/* Where nothing is an address, the daemon is to see what the server says, and answers an error. */
static const char *default_value(void)
{
	const char *value = address_of_client();
	if (!value && !(value = variable("TCPREMOTEIP")))
		value = variable("TCP6REMOTEIP");
	return value;
}

/* Asking. Each step returns true, or false after writing the problem down. */

static int problem(struct answer *answer, const char *what, const char *detail)
{
	add(&answer->problem, what);
	add(&answer->problem, ": ");
	add_outside_text(&answer->problem, detail);
	return 0;
}

static int problem_with_rater(struct answer *answer, const char *what, const char *detail)
{
	add(&answer->problem, what);
	add_char(&answer->problem, ' ');
	add_outside_text(&answer->problem, rater.sun_path);
	return problem(answer, "", detail);
}

static int problem_with_reply(struct answer *answer, const char *what)
{
	problem_with_rater(answer, what, "");
	add_quoted(&answer->problem, answer->reply.text, answer->reply.length);
	return 0;
}

static int problem_with_time(struct answer *answer, const char *timeout)
{
	problem_with_rater(answer, "no answer from", "not within ");
	add_outside_text(&answer->problem, timeout);
	add(&answer->problem, " ms");
	return 0;
}

static int is_sendable(const struct options *options, struct answer *answer)
{
	if (!options->value)
		return problem(answer, "no value to check",
			"no address in TCPREMOTEIP, TCP6REMOTEIP, ${PROTO}REMOTEIP, TCPREMOTEADDR, REMOTE_ADDR, "
			"REMOTE_HOST, SOCAT_PEERADDR or NCAT_REMOTE_ADDR, nor at descriptor 0");
	if (!*options->class || strpbrk(options->class, " \r\n"))
		return problem(answer, "class not sent", "it is empty, or has a space or a line break");
	if (!*options->value || strpbrk(options->value, "\r\n"))
		return problem(answer, "value not sent", "it is empty or has a line break");
	size_t mark = options->keep_open ? 1 : 0;
	if (strlen(options->class) + strlen(options->value) + mark > MAX_REQUEST - 2)
		return problem(answer, "value not sent", "the request would be over 1000 bytes");
	return 1;
}

/* Where the server closed some of fds 0 to 2, the program must find them closed as well. */
static int open_socket(int type, int lowest)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || fd >= lowest)
		return fd;
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
	int error = errno;
	close(fd);
	errno = error;
	return moved;
}

/*
 * A Unix socket whose backlog is full says EAGAIN to a non-blocking connect, and poll cannot tell
 * when there is room again. In a burst that is normal, so it is tried again after short pauses.
 */
static int connect_rater(int fd, const struct options *options, struct answer *answer)
{
	int pause = 1;
	while (connect(fd, (struct sockaddr *)&rater, sizeof rater) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return problem_with_rater(answer, "cannot connect to", strerror(errno));
		int left = remaining_ms();
		if (left == 0)
			return problem_with_time(answer, options->timeout);
		poll(NULL, 0, pause < left ? pause : left);
		if (pause < LONGEST_PAUSE_MS)
			pause *= 2;
	}
	return 1;
}

static int send_request(int fd, const struct line *request, const struct options *options,
                        struct answer *answer)
{
	size_t sent = 0;
	while (sent < request->length) {
		ssize_t count = send(fd, request->text + sent, request->length - sent, MSG_NOSIGNAL);
		if (count >= 0)
			sent += (size_t)count;
		else if (errno == EAGAIN && !wait_for(fd, POLLOUT))
			return problem_with_time(answer, options->timeout);
		else if (errno != EAGAIN && errno != EINTR)
			return problem_with_rater(answer, "cannot write to", strerror(errno));
	}
	return 1;
}

/* Returns the socket on which the reply will come, or -1 after writing the problem down. */
static int send_by_stream(const struct line *request, const struct options *options,
                          struct answer *answer)
{
	int fd = open_socket(SOCK_STREAM, options->keep_open ? FIRST_KEPT : 3);
	if (fd < 0) {
		problem(answer, "cannot open a socket", strerror(errno));
		return -1;
	}
	if (!connect_rater(fd, options, answer))
		return -1;
	answer->is_unseen = 0;
	return send_request(fd, request, options, answer) ? fd : -1;
}

/*
 * Where rater takes datagrams: its socket's path and the cookie of its network namespace. A reply goes
 * to a name that exists only in the client's, so in another namespace there is nothing to be found.
 */
static int name_datagrams(int fd, struct sockaddr_un *name)
{
	uint64_t cookie;
	socklen_t size = sizeof cookie;
	char digits[MAX_COOKIE_DIGITS + 1], *first = digits + MAX_COOKIE_DIGITS;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return 0;
	*first = 0;
	do
		*--first = (char)('0' + cookie % 10);
	while (cookie /= 10);
	if (strlen(rater.sun_path) + 1 + strlen(first) >= sizeof name->sun_path)
		return 0;
	*name = rater;
	strcat(name->sun_path, ".");
	strcat(name->sun_path, first);
	return 1;
}

/*
 * A name that nobody can guess, of what the kernel gives each program. One that it makes up itself is one
 * of a million: who asks in its place, from another network namespace, would choose the reply to us.
 */
static socklen_t name_ourselves(struct sockaddr_un *name)
{
	const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	for (int i = 0; i < NAME_LENGTH && random; i++)
		name->sun_path[1 + i] = (char)('a' + (random[8 + i / 2] >> i % 2 * 4 & 15));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (random ? 1 + NAME_LENGTH : 0));
}

/*
 * Returns the socket on which the reply will come, or -1 when nothing was sent, for whatever reason:
 * an old daemon, another network namespace, a full queue. Nothing here waits.
 * Connected before it has a name of its own, so that the kernel refuses what others send to it.
 */
static int send_by_datagram(const struct line *request)
{
	struct sockaddr_un name, own;
	socklen_t own_length = name_ourselves(&own);
	int fd = open_socket(SOCK_DGRAM, 3);
	if (fd < 0)
		return -1;
	if (name_datagrams(fd, &name) && connect(fd, (struct sockaddr *)&name, sizeof name) == 0
	    && bind(fd, (struct sockaddr *)&own, own_length) == 0
	    && send(fd, request->text, request->length, MSG_NOSIGNAL) >= 0)
		return fd;
	close(fd);
	return -1;
}

/* Reads up to the first newline and cuts it off, with the CR before it. What follows is ignored. */
static int receive_reply(int fd, const struct options *options, struct answer *answer)
{
	struct line *reply = &answer->reply;
	for (;;) {
		if (!wait_for(fd, POLLIN))
			return problem_with_time(answer, options->timeout);
		char *fresh = reply->text + reply->length;
		ssize_t count = recv(fd, fresh, MAX_REPLY - reply->length, 0);
		if (count < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (count < 0)
			return problem_with_rater(answer, "cannot read from", strerror(errno));
		if (count == 0)
			return problem_with_rater(answer, "no answer from", "connection closed");
		char *end = memchr(fresh, '\n', (size_t)count);
		reply->length = (size_t)((end ? end : fresh + count) - reply->text);
		if (end) {
			if (reply->length > 0 && end[-1] == '\r')
				reply->length--;
			return 1;
		}
		if (reply->length == MAX_REPLY)
			return problem_with_reply(answer, "endless answer from");
	}
}

static int judge_reply(struct answer *answer)
{
	const struct line *reply = &answer->reply;
	if (reply->length == 0 || !memchr("012", reply->text[0], 3)
	    || (reply->length > 1 && reply->text[1] != ' '))
		return problem_with_reply(answer, "nonsense from");
	answer->status = reply->text[0];
	return 1;
}

/*
 * With -k a program that may run takes the socket along, so the kernel closes it when the last
 * process of the session ends, however it ends.
 */
static void keep_open(int fd, const struct options *options, const struct answer *answer)
{
	if (options->keep_open && answer->status == WITHIN)
		fcntl(fd, F_SETFD, 0);
}

/*
 * The socket stays open until exec or exit closes it: the daemon must not see the end of this
 * connection any sooner.
 */
static void ask(const struct options *options, struct answer *answer)
{
	answer->is_unseen = 1;
	if (!is_sendable(options, answer))
		return;
	struct line request = {.length = 0};
	if (options->keep_open)
		add_char(&request, '+');
	add(&request, options->class);
	add_char(&request, ' ');
	add(&request, options->value);
	add_char(&request, '\n');
	int fd = options->keep_open ? -1 : send_by_datagram(&request);
	if (fd < 0 && (fd = send_by_stream(&request, options, answer)) < 0)
		return;
	answer->is_unseen = 0;
	if (receive_reply(fd, options, answer) && judge_reply(answer))
		keep_open(fd, options, answer);
}

/* Acting on the answer */

_Noreturn static void run(char **program)
{
	struct line line;
	execvp(*program, program);
	const char *reason = strerror(errno);
	start_complaint(&line, "fatal");
	add(&line, "cannot run ");
	add_outside_text(&line, *program);
	add(&line, ": ");
	add(&line, reason);
	write_line(2, &line, "\n");
	_exit(LATER);
}

/*
 * Closing a TCP socket that holds unread bytes sends a reset, and a reset can overtake or discard
 * the 421 before the client reads it. So what a client sent ahead of our greeting is taken in
 * first: only what has arrived, only so much, and only when fd 0 is the very socket the line went
 * to. When it is not (a plugin), the bytes belong to a program that will go on reading them.
 */
static void drain_client(void)
{
	char bytes[4096];
	struct stat in, out;
	if (fstat(0, &in) < 0 || fstat(1, &out) < 0 || in.st_dev != out.st_dev || in.st_ino != out.st_ino)
		return;
	for (int round = 0; round < DRAIN_ROUNDS; round++)
		if (recv(0, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
			return;
}

_Noreturn static void refuse(struct line *line, int status)
{
	if (line->length > MAX_SMTP)
		line->length = MAX_SMTP;
	write_line(1, line, "\r\n");
	drain_client();
	_exit(status);
}

/* The third word of a reply, "118" in "1 12/10 118". False when it is missing or not a number. */
static int find_seconds(const struct line *reply, struct line *seconds)
{
	size_t at = 2;
	while (at < reply->length && reply->text[at] != ' ')
		at++;
	for (at++; at < reply->length && reply->text[at] != ' '; at++) {
		if (reply->text[at] < '0' || reply->text[at] > '9')
			return 0;
		add_char(seconds, reply->text[at]);
	}
	return seconds->length > 0 && seconds->length <= MAX_SECONDS_DIGITS;
}

/* %v, %s and %% are replaced; any other % stays. A control character becomes a space. */
static void add_message(struct line *line, const char *message, const char *value,
                        const struct line *seconds)
{
	for (; *message; message++) {
		char next = *message == '%' ? message[1] : 0;
		if (next == 'v')
			add_outside(line, value, strlen(value), SHOWN_VALUE);
		else if (next == 's')
			add_outside(line, seconds->text, seconds->length, SHOWN);
		else
			add_char(line, is_control(*message) ? ' ' : *message);
		message += next == 'v' || next == 's' || next == '%';
	}
}

_Noreturn static void refuse_exceeded(const struct options *options, const struct answer *answer)
{
	struct line line = {.length = 0}, seconds = {.length = 0};
	const char *message = REFUSED_UNTIL;
	if (!find_seconds(&answer->reply, &seconds)) {
		message = REFUSED;
		seconds.length = 0;
		add(&seconds, "some");
	}
	add_message(&line, options->message ? options->message : message, options->value, &seconds);
	refuse(&line, EXCEEDED);
}

static void complain(const char *level, const struct line *problem, const char *outcome,
                     const char *program)
{
	struct line line;
	start_complaint(&line, level);
	add_outside(&line, problem->text, problem->length, sizeof problem->text);
	add(&line, outcome);
	if (program) {
		add_outside_text(&line, program);
		add(&line, " unchecked");
	}
	write_line(2, &line, "\n");
}

/* One byte into a pipe whose reader may end at this moment, which must not end us. */
static void write_byte(int pipe)
{
	sigset_t sigpipe, mask, pending;
	const struct timespec no_time = {0};
	sigemptyset(&sigpipe);
	sigaddset(&sigpipe, SIGPIPE);
	sigpending(&pending);
	sigprocmask(SIG_BLOCK, &sigpipe, &mask);
	if (write(pipe, "", 1) < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&sigpipe, NULL, &no_time);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

/*
 * Tells rater that a client was let in of whom it cannot know otherwise. Everybody may write to the
 * pipe, also those who may not ask. Where it is missing, full or something else, nothing is told.
 */
static void count_failing_open(void)
{
	char path[sizeof rater.sun_path + sizeof FAILED_OPEN];
	struct stat found;
	strcpy(path, rater.sun_path);
	strcat(path, FAILED_OPEN);
	int pipe = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (pipe < 0)
		return;
	if (fstat(pipe, &found) == 0 && S_ISFIFO(found.st_mode))
		write_byte(pipe);
	close(pipe);
}

_Noreturn static void do_without_answer(const struct options *options, struct answer *answer,
                                        char **program)
{
	if (answer->status == ERROR)
		problem_with_reply(answer, "error from");
	if (!options->fail_closed) {
		if (answer->is_unseen)
			count_failing_open();
		complain("warning", &answer->problem, ", running ", *program);
		run(program);
	}
	complain("warning", &answer->problem, ", refusing the client", NULL);
	struct line line = {.length = 0};
	add(&line, UNAVAILABLE);
	refuse(&line, LATER);
}

_Noreturn static void print_answer(const struct answer *answer)
{
	struct line line = {.length = 0};
	if (answer->status == NO_ANSWER) {
		complain("fatal", &answer->problem, "", NULL);
		_exit(LATER);
	}
	add_outside(&line, answer->reply.text, answer->reply.length, MAX_REPLY);
	write_line(1, &line, "\n");
	_exit(answer->status - '0');
}

/* With -w the answer is the value itself, and nobody is asked. */
_Noreturn static void tell_value(const struct options *options, struct answer *answer)
{
	if (is_sendable(options, answer)) {
		answer->status = WITHIN;
		add(&answer->reply, options->value);
	}
	print_answer(answer);
}

int main(int argc, char **argv)
{
	static struct answer answer; /* beside libc's own data, where the stack would need another page */
	struct options options = {.class = "ip", .timeout = "500"};
	long long start = now_ms();
	char **operands = take_options(argc > 0 ? argv + 1 : argv, &options);
	deadline = start + milliseconds(options.timeout);
	choose_socket(options.socket);
	if (options.ask_only) {
		if (options.check_options)
			wrong_usage("goes with -s and -t only", 'n');
		if (!operands[0] || !operands[1] || operands[2])
			wrong_usage("needs a class and a value, and nothing more", 'n');
		options.class = operands[0];
		options.value = operands[1];
		ask(&options, &answer);
		print_answer(&answer);
	}
	if (!options.value)
		options.value = default_value();
	if (options.tell_only)
		tell_value(&options, &answer);
	if (!operands[0])
		wrong_usage("no program to run", 0);
	ask(&options, &answer);
	if (answer.status == WITHIN)
		run(operands);
	if (answer.status == OVER)
		refuse_exceeded(&options, &answer);
	do_without_answer(&options, &answer, operands);
}
