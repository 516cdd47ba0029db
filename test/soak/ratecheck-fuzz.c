/*
 * ratecheck-fuzz: all of ratecheck with any arguments, any environment, any system and any daemon, a
 * target of libFuzzer. The system is made of the input: each call returns what that says.
 *
 * RATECHECK_C is a copy of src/ratecheck/ratecheck.c in which nothing is kept from one run to the next,
 * which fuzz.sh makes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
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

enum { MOST_CALLS = 100000, TICK_MS = 3 };
enum { RAN = 1000, PIPE = 99 };

static const unsigned char *choices;
static size_t choices_left;
static long long clock_ms;
static long calls;
static jmp_buf over;
static char out[1 << 16], err[1 << 16], request[1 << 16];
static size_t out_length, err_length, request_length;

static void must(int is_so)
{
	if (!is_so)
		abort();
}

static size_t choose(size_t count)
{
	if (choices_left == 0)
		return 0;
	choices_left--;
	return *choices++ % count;
}

/* Bytes of the input, or one of them very often. */
static size_t choose_bytes(char *bytes, size_t most)
{
	if (choose(4) == 1) {
		size_t length = 800 + choose(256);
		length = length < most ? length : most;
		memset(bytes, (int)choose(256), length);
		return length;
	}
	size_t length = choose(40);
	length = length < most ? length : most;
	length = length < choices_left ? length : choices_left;
	memcpy(bytes, choices, length);
	choices += length;
	choices_left -= length;
	return length;
}

/* A text in memory of exactly its length. */
static char *choose_text(void)
{
	char bytes[1200];
	size_t length = choose_bytes(bytes, sizeof bytes);
	if (choose(4) == 1)
		length += choose_bytes(bytes + length, sizeof bytes - length);
	char *text = malloc(length + 1);
	must(text != NULL);
	memcpy(text, bytes, length);
	text[length] = 0;
	return text;
}

/* Every call takes time, so that nothing can go on for ever. */
static void call(void)
{
	must(++calls < MOST_CALLS);
	clock_ms += choose(4) == 1 ? (long long)choose(256) * TICK_MS : 1;
}

static int failed(void)
{
	static const int errors[] = {EAGAIN, EINTR, ECONNREFUSED, EPIPE, ENOENT, EMFILE, ENOTSOCK, EACCES};
	call();
	if (choose(5) != 1)
		return 0;
	errno = errors[choose(sizeof errors / sizeof *errors)];
	return 1;
}

static void note(char *to, size_t *length, const void *bytes, size_t count)
{
	must(count <= 4096 && *length + count < 1 << 16);
	memcpy(to + *length, bytes, count);
	*length += count;
}

static ssize_t give(int fd, const void *bytes, size_t count)
{
	if (failed())
		return -1;
	size_t taken = choose(3) == 1 && count > 1 ? 1 + choose(count - 1) : count;
	if (fd == 1)
		note(out, &out_length, bytes, taken);
	else if (fd == 2)
		note(err, &err_length, bytes, taken);
	else if (fd != PIPE)
		note(request, &request_length, bytes, taken);
	return (ssize_t)taken;
}

static int fake_socket(int family, int type, int protocol)
{
	(void)protocol;
	must(family == AF_UNIX && (type & SOCK_CLOEXEC) && (type & SOCK_NONBLOCK));
	return failed() ? -1 : (int)choose(32);
}

static int fake_fcntl(int fd, int command, int argument)
{
	(void)fd;
	if (failed())
		return -1;
	return command == F_DUPFD_CLOEXEC ? argument + (int)choose(20) : 0;
}

static int fake_simple(int fd, const void *what, socklen_t length)
{
	(void)fd, (void)what, (void)length;
	return failed() ? -1 : 0;
}

static ssize_t fake_send(int fd, const void *bytes, size_t count, int flags)
{
	must(flags & MSG_NOSIGNAL);
	return give(fd, bytes, count);
}

static ssize_t fake_recv(int fd, void *bytes, size_t room, int flags)
{
	(void)fd, (void)flags;
	static const char *const replies[] = {"0 1/10\r\n", "1 12/10 118\r\n", "2 no\r\n", "1 1/2 ", "0", "\n"};
	if (failed())
		return -1;
	if (choose(2) == 1) {
		const char *reply = replies[choose(sizeof replies / sizeof *replies)];
		size_t length = strlen(reply) < room ? strlen(reply) : room;
		memcpy(bytes, reply, length);
		return (ssize_t)length;
	}
	return (ssize_t)choose_bytes(bytes, room);
}

static int fake_poll(struct pollfd *all, nfds_t count, int timeout_ms)
{
	must(timeout_ms >= 0 && timeout_ms <= 600000);
	if (count == 0 || choose(4) == 1) {
		clock_ms += timeout_ms;
		return 0;
	}
	if (failed())
		return -1;
	all->revents = choose(6) == 1 ? POLLERR : choose(6) == 1 ? POLLHUP : all->events;
	return 1;
}

static int fake_name(int fd, struct sockaddr *name, socklen_t *size)
{
	(void)fd;
	if (failed())
		return -1;
	size_t length = choose(*size + 1);
	for (size_t i = 0; i < length; i++)
		((unsigned char *)name)[i] = (unsigned char)choose(256);
	if (choose(2) == 1)
		name->sa_family = choose(2) == 1 ? AF_INET : AF_INET6;
	return 0;
}

static int fake_option(int fd, int level, int option, void *value, socklen_t *size)
{
	(void)fd, (void)level, (void)option;
	if (failed())
		return -1;
	for (size_t i = 0; i < *size; i++)
		((unsigned char *)value)[i] = (unsigned char)choose(256);
	return 0;
}

static int fake_open(const char *path, int flags)
{
	(void)path;
	must((flags & O_NONBLOCK) && (flags & O_CLOEXEC) && (flags & O_NOFOLLOW));
	return failed() ? -1 : PIPE;
}

static int fake_stat(int fd, struct stat *found)
{
	(void)fd;
	if (failed())
		return -1;
	*found = (struct stat){.st_mode = choose(2) == 1 ? S_IFIFO : S_IFREG, .st_ino = choose(2)};
	return 0;
}

static long fake_syscall(long number, int clock, struct timespec *now)
{
	(void)clock;
	must(number == SYS_clock_gettime);
	call();
	*now = (struct timespec){.tv_sec = clock_ms / 1000, .tv_nsec = clock_ms % 1000 * 1000000};
	return 0;
}

static struct { const char *name; char *value; } variables[] = {
	{"RATER_SOCKET", NULL}, {"TCPREMOTEIP", NULL}, {"TCP6REMOTEIP", NULL}, {"PROTO", NULL},
	{"SSLREMOTEIP", NULL}, {"TCPREMOTEADDR", NULL}, {"REMOTE_ADDR", NULL}, {"REMOTE_HOST", NULL},
	{"SOCAT_PEERADDR", NULL}, {"NCAT_REMOTE_ADDR", NULL},
};
enum { VARIABLES = sizeof variables / sizeof *variables };

static char *fake_getenv(const char *name)
{
	for (size_t i = 0; i < VARIABLES; i++)
		if (strcmp(variables[i].name, name) == 0)
			return variables[i].value;
	return NULL;
}

static unsigned long fake_auxiliary(unsigned long type)
{
	static unsigned char random[16];
	must(type == AT_RANDOM);
	return choose(4) == 1 ? 0 : (unsigned long)random;
}

static int fake_signals(void)
{
	return 0;
}

_Noreturn static void fake_exit(int status)
{
	longjmp(over, status + 1);
}

static int fake_exec(const char *program, char *const *arguments)
{
	must(program && arguments[0] == program);
	if (choose(4) == 1) {
		errno = ENOENT;
		return -1;
	}
	longjmp(over, RAN);
}

#define main ratecheck
#define socket fake_socket
#define fcntl fake_fcntl
#define connect fake_simple
#define bind fake_simple
#define send fake_send
#define recv fake_recv
#define poll fake_poll
#define getpeername fake_name
#define getsockopt fake_option
#define open fake_open
#define fstat fake_stat
#define close(fd) ((void)(fd), call())
#define write give
#define syscall fake_syscall
#define getenv fake_getenv
#define getauxval fake_auxiliary
#define sigpending(set) (sigemptyset(set), fake_signals())
#define sigprocmask(how, set, old) fake_signals()
#define sigtimedwait(set, info, time) fake_signals()
#define execvp fake_exec
#define _exit fake_exit
#include RATECHECK_C

/* Printable, but for what it ends with. */
static void check_line(const char *bytes, size_t length, size_t most)
{
	must(length <= most);
	for (size_t i = 0; i < length; i++)
		must(bytes[i] == '\n' || bytes[i] == '\r' || !is_control(bytes[i]));
}

static void check_request(void)
{
	must(request_length <= 1000);
	const char *lf = memchr(request, '\n', request_length);
	must(!lf || lf == request + request_length - 1);
}

static void check(int ended)
{
	must(ended == RAN || (ended >= 1 && ended <= 3) || ended == 101 || ended == 112);
	check_line(err, err_length, 2 * MAX_LINE);
	check_line(out, out_length, 2 * MAX_LINE);
	check_request();
	must(ended != RAN || out_length == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *input, size_t length)
{
	static const char *const options[] = {"-s", "-t", "-c", "-v", "-m", "-n", "-w", "-k", "-F", "-O", "500", "--"};
	char *arguments[12], *texts[12] = {NULL};
	int count = 0;
	choices = input;
	choices_left = length;
	clock_ms = 0;
	calls = 0;
	out_length = err_length = request_length = 0;
	memset(&rater, 0, sizeof rater);
	rater.sun_family = AF_UNIX;
	for (size_t i = 0; i < VARIABLES; i++)
		variables[i].value = choose(3) == 1 ? choose_text() : NULL;
	arguments[count++] = (char *)"ratecheck";
	for (size_t left = choose(10); left > 0; left--, count++) {
		if (choose(3) > 0)
			arguments[count] = (char *)options[choose(sizeof options / sizeof *options)];
		else
			arguments[count] = texts[count] = choose_text();
	}
	arguments[count] = NULL;
	int ended = setjmp(over);
	if (ended == 0)
		ratecheck(count, arguments);
	check(ended);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	for (size_t i = 0; i < VARIABLES; i++)
		free(variables[i].value);
	return 0;
}
