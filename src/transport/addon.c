/*
 * Node's side of transport.c and datagrams.c: one handle of libuv for a listener with all its clients,
 * and one call into JavaScript a wake-up, or for each datagram.
 * src/daemon/listeners/native-transport.ts has what it exports.
 *
 * Only the stable Node-API is used, and of libuv uv_poll_*, uv_close and uv_handle_size, which have
 * not changed since Node 4: one build serves all versions.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include "datagrams.h"
#include "transport.h"

/*
 * Numbers that both sides see: what happened, the groups, then the lines. JavaScript changes only
 * what it has answered and what is to be done.
 */
enum { GROUPS, CLOSED, LATE, ACCEPT_ERROR, FIRST_GROUP };
enum { ID, TELLS, COUNT, ANSWERED, ACTIONS, GROUP_SIZE };
enum { START, LENGTH, IS, LINE_SIZE };
enum { FIRST_LINE = FIRST_GROUP + MAX_GROUPS * GROUP_SIZE, SHARED = FIRST_LINE + MAX_LINES * LINE_SIZE };
enum { LONGEST_PATH = 108, SHORT_TEXT = 1 << 14 };

struct listener {
	struct transport *streams; /* one of these two is NULL */
	struct datagrams *datagrams;
	struct batch *batch; /* of streams */
	napi_env env;
	uv_poll_t *poll; /* NULL when closed */
	napi_async_cleanup_hook_handle hook;
	napi_ref wake, bytes, replies, shared;
	napi_async_context context;
	int32_t *numbers;
	const char *reply_bytes; /* REPLY_BYTES, in which JavaScript puts replies together */
	/* Of datagrams. */
	napi_ref late;
	unsigned char *text; /* where JavaScript reads a line */
	enum awaited awaited;
	int is_stopped, is_closing, is_waking, is_forgotten, is_leaving;
};

static void close_all(struct listener *listener)
{
	if (listener->streams)
		transport_close(listener->streams);
	else
		datagrams_close(listener->datagrams);
	free(listener->streams);
	free(listener->datagrams);
}

static napi_value thrown(napi_env env, const char *what)
{
	napi_throw_error(env, NULL, what);
	return NULL;
}

static napi_value number(napi_env env, double value)
{
	napi_value result = NULL;
	napi_create_double(env, value, &result);
	return result;
}

/* The arguments of a call; the first is the listener. False, with an exception, if that is not one. */
static int take_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments,
                          struct listener **listener)
{
	size_t given = count;
	void *found = NULL;
	if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok || given < count
	    || napi_get_value_external(env, arguments[0], &found) != napi_ok || !found) {
		thrown(env, "not a listener");
		return 0;
	}
	*listener = found;
	return 1;
}

/* A text in `room`, or in memory that the caller frees when it is not `room`; NULL: no memory. */
static char *text_of(napi_env env, napi_value value, char *room, size_t size, size_t *length)
{
	char *text = room;
	if (napi_get_value_string_utf8(env, value, NULL, 0, length) != napi_ok)
		return NULL;
	if (*length >= size) {
		size = *length + 1;
		text = malloc(size);
	}
	if (text)
		napi_get_value_string_utf8(env, value, text, size, length);
	return text;
}

static void tell_counts(struct listener *listener)
{
	struct batch *batch = listener->batch;
	listener->numbers[CLOSED] = (int32_t)batch->closed;
	listener->numbers[LATE] = (int32_t)batch->late;
	listener->numbers[ACCEPT_ERROR] = batch->accept_error;
	batch->closed = batch->late = 0;
	batch->accept_error = 0;
}

/* The end */

static void free_if_over(struct listener *listener)
{
	if (!listener->poll && listener->is_forgotten)
		free(listener);
}

static void on_forgotten(napi_env env, void *data, void *hint)
{
	(void)env, (void)hint;
	struct listener *listener = data;
	listener->is_forgotten = 1;
	free_if_over(listener);
}

static void drop_references(struct listener *listener)
{
	const napi_ref all[] = {
		listener->wake, listener->bytes, listener->shared, listener->late, listener->replies,
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i])
			napi_delete_reference(listener->env, all[i]);
}

static void on_closed(uv_handle_t *handle)
{
	struct listener *listener = handle->data;
	free(handle);
	listener->poll = NULL;
	close_all(listener);
	listener->streams = NULL;
	listener->datagrams = NULL;
	listener->batch = NULL;
	napi_async_destroy(listener->env, listener->context);
	if (!listener->is_leaving)
		drop_references(listener);
	napi_remove_async_cleanup_hook(listener->hook);
	free_if_over(listener);
}

static void end(struct listener *listener)
{
	if (!listener->poll || listener->is_closing)
		return;
	listener->is_closing = 1;
	uv_poll_stop(listener->poll);
	uv_close((uv_handle_t *)listener->poll, on_closed);
}

static void end_if_over(struct listener *listener)
{
	if (!listener->poll)
		return;
	const struct transport *streams = listener->streams;
	int is_over = streams ? streams->listener < 0 && streams->open == 0 : listener->is_stopped;
	if (is_over && !listener->is_waking)
		end(listener);
}

static void on_leaving(napi_async_cleanup_hook_handle hook, void *data)
{
	(void)hook;
	struct listener *listener = data;
	listener->is_leaving = 1;
	end(listener);
}

/* Waking */

static void tell_batch(struct listener *listener)
{
	const struct batch *batch = listener->batch;
	int32_t *to = listener->numbers + FIRST_GROUP;
	for (size_t i = 0; i < batch->group_count; i++, to += GROUP_SIZE) {
		const struct group *group = &batch->groups[i];
		to[ID] = group->id;
		to[TELLS] = group->tells;
		to[COUNT] = (int32_t)group->count;
		to[ANSWERED] = to[ACTIONS] = 0;
	}
	to = listener->numbers + FIRST_LINE;
	for (size_t i = 0; i < batch->line_count; i++, to += LINE_SIZE) {
		to[START] = (int32_t)batch->lines[i].start;
		to[LENGTH] = (int32_t)batch->lines[i].length;
		to[IS] = batch->lines[i].is;
	}
	listener->numbers[GROUPS] = (int32_t)batch->group_count;
	tell_counts(listener);
}

/* An exception in JavaScript is a bug there; nobody waits for an answer that will not come. */
static void close_batch(struct listener *listener)
{
	struct batch *batch = listener->batch;
	for (size_t i = 0; i < batch->group_count; i++) {
		batch->groups[i].answered = 0;
		batch->groups[i].actions = CLOSE;
	}
	transport_settle(listener->streams, "", 0);
}

/* Calls a function and then whatever that leaves for later; NULL after an exception. */
static napi_value call(struct listener *listener, napi_ref function, size_t count, const napi_value *arguments)
{
	napi_env env = listener->env;
	napi_value called, receiver, error, result = NULL;
	if (napi_get_reference_value(env, function, &called) != napi_ok
	    || napi_get_global(env, &receiver) != napi_ok)
		return NULL;
	if (napi_make_callback(env, listener->context, receiver, called, count, arguments, &result) == napi_ok)
		return result;
	if (napi_get_and_clear_last_exception(env, &error) == napi_ok)
		napi_fatal_exception(env, error);
	return NULL;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	struct listener *listener = poll->data;
	const struct batch *batch = listener->batch;
	napi_handle_scope scope;
	transport_gather(listener->streams);
	if (batch->group_count > 0 || batch->closed > 0 || batch->late > 0 || batch->accept_error) {
		if (napi_open_handle_scope(listener->env, &scope) != napi_ok)
			return;
		tell_batch(listener);
		listener->is_waking = 1;
		call(listener, listener->wake, 0, NULL);
		listener->is_waking = 0;
		if (batch->group_count > 0)
			close_batch(listener);
		napi_close_handle_scope(listener->env, scope);
	}
	end_if_over(listener);
}

static void reply_to_datagram(struct listener *listener, int id, const char *reply, size_t length)
{
	int is_late = !datagrams_reply(listener->datagrams, id, reply, length);
	if (is_late)
		call(listener, listener->late, 0, NULL);
}

/* Without a reply now, it is kept for a later one. Who gets none because of an exception is forgotten. */
static void answer(struct listener *listener, int received)
{
	napi_env env = listener->env;
	napi_value arguments[3], result = NULL;
	struct line line;
	int32_t length = 0;
	int id = datagrams_keep(listener->datagrams, received, &line);
	if (id < 0)
		return;
	memcpy(listener->text, listener->datagrams->texts[received], line.length);
	if (napi_create_int32(env, id, &arguments[0]) == napi_ok
	    && napi_create_int32(env, line.is, &arguments[1]) == napi_ok
	    && napi_create_int32(env, (int32_t)line.length, &arguments[2]) == napi_ok)
		result = call(listener, listener->wake, 3, arguments);
	if (!result || napi_get_value_int32(env, result, &length) != napi_ok || length > LONGEST_REPLY)
		reply_to_datagram(listener, id, "", 0);
	else if (length > 0)
		reply_to_datagram(listener, id, listener->reply_bytes, (size_t)length);
}

static void await_datagrams(struct listener *);

static void on_datagrams(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	struct listener *listener = poll->data;
	napi_handle_scope scope;
	if (napi_open_handle_scope(listener->env, &scope) != napi_ok)
		return;
	int count = datagrams_receive(listener->datagrams);
	listener->is_waking = 1;
	for (int i = 0; i < count; i++)
		answer(listener, i);
	listener->is_waking = 0;
	napi_close_handle_scope(listener->env, scope);
	await_datagrams(listener);
	end_if_over(listener);
}

static void await_datagrams(struct listener *listener)
{
	static const int events[] = {[A_REPLY] = 0, [ROOM] = UV_WRITABLE, [MORE] = UV_READABLE};
	enum awaited awaited = datagrams_await(listener->datagrams);
	if (awaited == listener->awaited)
		return;
	listener->awaited = awaited;
	if (events[awaited])
		uv_poll_start(listener->poll, events[awaited], on_datagrams);
	else
		uv_poll_stop(listener->poll);
}

/* What JavaScript calls */

static int watch_descriptor(struct listener *listener, int fd)
{
	uv_poll_cb on_event = listener->streams ? on_readable : on_datagrams;
	uv_loop_t *loop;
	listener->poll = malloc(uv_handle_size(UV_POLL));
	if (!listener->poll)
		return -ENOMEM;
	int error = -ENOMEM;
	if (napi_get_uv_event_loop(listener->env, &loop) == napi_ok)
		error = uv_poll_init(loop, listener->poll, fd);
	if (error) {
		free(listener->poll);
		return error;
	}
	listener->poll->data = listener;
	uv_poll_start(listener->poll, UV_READABLE, on_event);
	return 0;
}

/* The memory of a typed array of at least so many elements, or NULL. */
static void *elements(napi_env env, napi_value value, napi_typedarray_type wanted, size_t least)
{
	napi_typedarray_type type;
	size_t length;
	void *found;
	if (napi_get_typedarray_info(env, value, &type, &length, &found, NULL, NULL) != napi_ok)
		return NULL;
	return type == wanted && length >= least ? found : NULL;
}

/* Not yet listening; NULL: no memory. */
static struct listener *make_listener(napi_env env, int is_datagrams)
{
	struct listener *listener = calloc(1, sizeof *listener);
	if (!listener)
		return NULL;
	listener->env = env;
	if (is_datagrams)
		listener->datagrams = calloc(1, sizeof *listener->datagrams);
	else
		listener->streams = calloc(1, sizeof *listener->streams);
	if (listener->streams)
		listener->batch = &listener->streams->batch;
	if (listener->streams || listener->datagrams)
		return listener;
	free(listener);
	return NULL;
}

static void unmake(struct listener *listener)
{
	free(listener->streams);
	free(listener->datagrams);
	free(listener);
}

/* Listens, or returns a negative errno. */
static int begin(struct listener *listener, const char *path, int backlog)
{
	int fd = listener->streams ? transport_open(listener->streams, path, backlog)
	                           : datagrams_open(listener->datagrams, path);
	int error = fd < 0 ? fd : watch_descriptor(listener, fd);
	if (fd >= 0 && error && listener->streams)
		transport_close(listener->streams);
	else if (fd >= 0 && error)
		datagrams_close(listener->datagrams);
	return error;
}

/* The listener once it listens, or a negative errno. */
static napi_value started(struct listener *listener, const char *path, int backlog, napi_value wake)
{
	napi_env env = listener->env;
	napi_value name, result;
	int error = begin(listener, path, backlog);
	if (error) {
		drop_references(listener);
		unmake(listener);
		return number(env, error);
	}
	napi_create_string_latin1(env, "ipthrottle", NAPI_AUTO_LENGTH, &name);
	napi_async_init(env, NULL, name, &listener->context);
	napi_create_reference(env, wake, 1, &listener->wake);
	napi_add_async_cleanup_hook(env, on_leaving, listener, &listener->hook);
	napi_create_external(env, listener, on_forgotten, NULL, &result);
	return result;
}

/* listen(path, backlog, bytes, replies, numbers, wake): the listener, or a negative errno. */
static napi_value listen_(napi_env env, napi_callback_info info)
{
	size_t count = 6, length;
	napi_value arguments[6];
	char path[LONGEST_PATH + 1];
	int32_t backlog;
	void *bytes, *replies, *numbers;
	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 6
	    || napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &length) != napi_ok
	    || napi_get_value_int32(env, arguments[1], &backlog) != napi_ok
	    || !(bytes = elements(env, arguments[2], napi_uint8_array, BATCH_BYTES))
	    || !(replies = elements(env, arguments[3], napi_uint8_array, REPLY_BYTES))
	    || !(numbers = elements(env, arguments[4], napi_int32_array, SHARED)))
		return thrown(env, "wrong arguments");
	if (length >= LONGEST_PATH)
		return number(env, -ENAMETOOLONG);
	struct listener *listener = make_listener(env, 0);
	if (!listener)
		return number(env, -ENOMEM);
	listener->batch->bytes = bytes;
	listener->reply_bytes = replies;
	listener->numbers = numbers;
	napi_create_reference(env, arguments[2], 1, &listener->bytes);
	napi_create_reference(env, arguments[3], 1, &listener->replies);
	napi_create_reference(env, arguments[4], 1, &listener->shared);
	return started(listener, path, backlog, arguments[5]);
}

/*
 * receive(path, text, replies, answer, late): the listener for datagrams, or a negative errno. For each,
 * answer(id, is, length) is called with its line at the start of `text`, and returns how many bytes at the
 * start of `replies` are the reply, or 0 if replyLate is to be called. late() is called for each reply
 * that could not be sent.
 */
static napi_value receive(napi_env env, napi_callback_info info)
{
	size_t count = 5, length;
	napi_value arguments[5];
	char path[LONGEST_PATH + 1];
	void *text, *replies;
	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 5
	    || napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &length) != napi_ok
	    || !(text = elements(env, arguments[1], napi_uint8_array, LONGEST_LINE))
	    || !(replies = elements(env, arguments[2], napi_uint8_array, LONGEST_REPLY)))
		return thrown(env, "wrong arguments");
	if (length >= LONGEST_PATH)
		return number(env, -ENAMETOOLONG);
	struct listener *listener = make_listener(env, 1);
	if (!listener)
		return number(env, -ENOMEM);
	listener->text = text;
	listener->awaited = MORE;
	listener->reply_bytes = replies;
	napi_create_reference(env, arguments[1], 1, &listener->bytes);
	napi_create_reference(env, arguments[2], 1, &listener->replies);
	napi_create_reference(env, arguments[4], 1, &listener->late);
	return started(listener, path, 0, arguments[3]);
}

/* take(listener, length): what becomes of the batch is in the shared numbers, and its replies in the bytes. */
static napi_value take(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	struct listener *listener;
	uint32_t length;
	if (!take_arguments(env, info, 2, arguments, &listener))
		return NULL;
	if (!listener->poll || !listener->streams)
		return thrown(env, "closed");
	if (napi_get_value_uint32(env, arguments[1], &length) != napi_ok || length > REPLY_BYTES)
		return thrown(env, "wrong length");
	struct batch *batch = listener->batch;
	const int32_t *from = listener->numbers + FIRST_GROUP;
	for (size_t i = 0; i < batch->group_count; i++, from += GROUP_SIZE) {
		batch->groups[i].answered = from[ANSWERED] > 0 ? (size_t)from[ANSWERED] : 0;
		batch->groups[i].actions = from[ACTIONS];
	}
	transport_settle(listener->streams, listener->reply_bytes, length);
	tell_counts(listener);
	return NULL;
}

/* reply(listener, id, line, actions): the answer to the line for which the client is held. */
static napi_value reply(napi_env env, napi_callback_info info)
{
	napi_value arguments[4];
	struct listener *listener;
	char room[SHORT_TEXT];
	size_t length;
	int32_t id, actions;
	if (!take_arguments(env, info, 4, arguments, &listener))
		return NULL;
	if (napi_get_value_int32(env, arguments[1], &id) != napi_ok
	    || napi_get_value_int32(env, arguments[3], &actions) != napi_ok)
		return thrown(env, "wrong arguments");
	if (!listener->poll || !listener->streams || listener->is_closing)
		return NULL; /* nobody is left */
	if (listener->batch->group_count > 0)
		return thrown(env, "not now");
	char *line = text_of(env, arguments[2], room, sizeof room, &length);
	if (!line)
		return thrown(env, "no reply");
	transport_reply(listener->streams, id, line, length, actions);
	tell_counts(listener);
	if (line != room)
		free(line);
	end_if_over(listener);
	return NULL;
}

/* replyLate(listener, id, line): the answer to the datagram for which there was none at first. */
static napi_value reply_late(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	struct listener *listener;
	char room[SHORT_TEXT];
	size_t length;
	int32_t id;
	if (!take_arguments(env, info, 3, arguments, &listener))
		return NULL;
	if (napi_get_value_int32(env, arguments[1], &id) != napi_ok)
		return thrown(env, "wrong arguments");
	if (!listener->poll || !listener->datagrams || listener->is_closing)
		return NULL; /* nobody is left */
	char *line = text_of(env, arguments[2], room, sizeof room, &length);
	if (!line)
		return thrown(env, "no reply");
	reply_to_datagram(listener, id, line, length);
	if (line != room)
		free(line);
	await_datagrams(listener);
	return NULL;
}

/* clients(listener): for each its id, how many milliseconds it is open, and what it waits for. */
static napi_value clients(napi_env env, napi_callback_info info)
{
	napi_value arguments[1], result;
	struct listener *listener;
	if (!take_arguments(env, info, 1, arguments, &listener))
		return NULL;
	const struct transport *t = listener->streams;
	int64_t now_ms = transport_now_ms();
	uint32_t at = 0;
	napi_create_array(env, &result);
	if (!t || !listener->poll)
		return result;
	for (size_t fd = 0; fd < t->capacity; fd++) {
		const struct client *client = t->clients[fd];
		if (!client)
			continue;
		int waits = client_is_deaf(client) ? 2 : client_is_unfinished(client);
		napi_set_element(env, result, at++, number(env, (double)fd));
		napi_set_element(env, result, at++, number(env, (double)(now_ms - client_since_ms(client))));
		napi_set_element(env, result, at++, number(env, waits));
	}
	return result;
}

static napi_value accept_again(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	struct listener *listener;
	if (take_arguments(env, info, 1, arguments, &listener) && listener->poll && listener->streams)
		transport_accept_again(listener->streams);
	return NULL;
}

/* close(listener): accepts no more; clients stay. */
static napi_value close_(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	struct listener *listener;
	if (!take_arguments(env, info, 1, arguments, &listener))
		return NULL;
	listener->is_stopped = 1;
	if (listener->poll && listener->streams)
		transport_stop_listening(listener->streams);
	end_if_over(listener);
	return NULL;
}

/* cookie(): the name of our network namespace in decimal, or an empty text where it has none. */
static napi_value cookie(napi_env env, napi_callback_info info)
{
	(void)info;
	char text[24] = "";
	uint64_t value = namespace_cookie();
	napi_value result = NULL;
	if (value)
		snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	napi_create_string_latin1(env, text, NAPI_AUTO_LENGTH, &result);
	return result;
}

/* isDeadName(path): whether it is a socket for datagrams, and certainly nobody receives any there. */
static napi_value is_dead_name_(napi_env env, napi_callback_info info)
{
	size_t count = 1, length = 0;
	napi_value argument, result = NULL;
	char path[LONGEST_PATH + 1];
	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok || count < 1
	    || napi_get_value_string_utf8(env, argument, path, sizeof path, &length) != napi_ok)
		return thrown(env, "wrong arguments");
	napi_get_boolean(env, length < LONGEST_PATH && is_dead_name(path), &result);
	return result;
}

NAPI_MODULE_INIT()
{
	const napi_property_descriptor exported[] = {
		{"listen", NULL, listen_, NULL, NULL, NULL, napi_enumerable, NULL},
		{"take", NULL, take, NULL, NULL, NULL, napi_enumerable, NULL},
		{"receive", NULL, receive, NULL, NULL, NULL, napi_enumerable, NULL},
		{"replyLate", NULL, reply_late, NULL, NULL, NULL, napi_enumerable, NULL},
		{"reply", NULL, reply, NULL, NULL, NULL, napi_enumerable, NULL},
		{"clients", NULL, clients, NULL, NULL, NULL, napi_enumerable, NULL},
		{"acceptAgain", NULL, accept_again, NULL, NULL, NULL, napi_enumerable, NULL},
		{"cookie", NULL, cookie, NULL, NULL, NULL, napi_enumerable, NULL},
		{"isDeadName", NULL, is_dead_name_, NULL, NULL, NULL, napi_enumerable, NULL},
		{"close", NULL, close_, NULL, NULL, NULL, napi_enumerable, NULL},
	};
	napi_define_properties(env, exports, sizeof exported / sizeof *exported, exported);
	return exports;
}
