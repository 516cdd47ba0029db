/*
 * Node's side of transport.c and datagrams.c: one handle of libuv for a listener with all its clients,
 * and one call into JavaScript a wake-up. src/daemon/listeners/native-transport.ts has what it exports.
 *
 * Only the stable Node-API is used, and of libuv uv_poll_*, uv_close and uv_handle_size, which have
 * not changed since Node 4: one build serves all versions.
 */
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
	struct batch *batch; /* that of the other */
	napi_env env;
	uv_poll_t *poll; /* NULL when closed */
	napi_async_cleanup_hook_handle hook;
	napi_ref wake, bytes, replies, shared;
	napi_async_context context;
	int32_t *numbers;
	const char *reply_bytes; /* REPLY_BYTES, in which JavaScript puts replies together */
	int is_stopped, is_closing, is_waking, is_forgotten, is_leaving;
};

static void gather(struct listener *listener)
{
	if (listener->streams)
		transport_gather(listener->streams);
	else
		datagrams_gather(listener->datagrams);
}

static void settle(struct listener *listener, const char *replies, size_t length)
{
	if (listener->streams)
		transport_settle(listener->streams, replies, length);
	else
		datagrams_settle(listener->datagrams, replies, length);
}

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
	if (!listener->is_leaving) {
		napi_delete_reference(listener->env, listener->wake);
		napi_delete_reference(listener->env, listener->bytes);
		napi_delete_reference(listener->env, listener->replies);
		napi_delete_reference(listener->env, listener->shared);
	}
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
	settle(listener, "", 0);
}

static void call_wake(struct listener *listener)
{
	napi_env env = listener->env;
	napi_value wake, receiver, error;
	if (napi_get_reference_value(env, listener->wake, &wake) != napi_ok
	    || napi_get_global(env, &receiver) != napi_ok)
		return;
	if (napi_make_callback(env, listener->context, receiver, wake, 0, NULL, NULL) == napi_ok)
		return;
	if (napi_get_and_clear_last_exception(env, &error) == napi_ok)
		napi_fatal_exception(env, error);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	struct listener *listener = poll->data;
	const struct batch *batch = listener->batch;
	napi_handle_scope scope;
	gather(listener);
	if (batch->group_count > 0 || batch->closed > 0 || batch->late > 0 || batch->accept_error) {
		if (napi_open_handle_scope(listener->env, &scope) != napi_ok)
			return;
		tell_batch(listener);
		listener->is_waking = 1;
		call_wake(listener);
		listener->is_waking = 0;
		if (batch->group_count > 0)
			close_batch(listener);
		napi_close_handle_scope(listener->env, scope);
	}
	end_if_over(listener);
}

/* What JavaScript calls */

static int watch_descriptor(struct listener *listener, int fd)
{
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
	uv_poll_start(listener->poll, UV_READABLE, on_readable);
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
	else if (listener->datagrams)
		listener->batch = &listener->datagrams->batch;
	if (listener->batch)
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

/*
 * listen(path, backlog, bytes, replies, numbers, wake): the listener, or a negative errno. With a negative
 * backlog it is for datagrams.
 */
static napi_value listen_(napi_env env, napi_callback_info info)
{
	size_t count = 6, length;
	napi_value arguments[6], name, result;
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
	struct listener *listener = make_listener(env, backlog < 0);
	if (!listener)
		return number(env, -ENOMEM);
	listener->batch->bytes = bytes;
	listener->reply_bytes = replies;
	listener->numbers = numbers;
	int error = begin(listener, path, backlog);
	if (error) {
		unmake(listener);
		return number(env, error);
	}
	napi_create_string_latin1(env, "ipthrottle", NAPI_AUTO_LENGTH, &name);
	napi_async_init(env, NULL, name, &listener->context);
	napi_create_reference(env, arguments[2], 1, &listener->bytes);
	napi_create_reference(env, arguments[3], 1, &listener->replies);
	napi_create_reference(env, arguments[4], 1, &listener->shared);
	napi_create_reference(env, arguments[5], 1, &listener->wake);
	napi_add_async_cleanup_hook(env, on_leaving, listener, &listener->hook);
	napi_create_external(env, listener, on_forgotten, NULL, &result);
	return result;
}

/* take(listener, length): what becomes of the batch is in the shared numbers, and its replies in the bytes. */
static napi_value take(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	struct listener *listener;
	uint32_t length;
	if (!take_arguments(env, info, 2, arguments, &listener))
		return NULL;
	if (!listener->poll)
		return thrown(env, "closed");
	if (napi_get_value_uint32(env, arguments[1], &length) != napi_ok || length > REPLY_BYTES)
		return thrown(env, "wrong length");
	struct batch *batch = listener->batch;
	const int32_t *from = listener->numbers + FIRST_GROUP;
	for (size_t i = 0; i < batch->group_count; i++, from += GROUP_SIZE) {
		batch->groups[i].answered = from[ANSWERED] > 0 ? (size_t)from[ANSWERED] : 0;
		batch->groups[i].actions = from[ACTIONS];
	}
	settle(listener, listener->reply_bytes, length);
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
	if (!listener->poll || listener->is_closing)
		return NULL; /* nobody is left */
	if (listener->batch->group_count > 0)
		return thrown(env, "not now");
	char *line = text_of(env, arguments[2], room, sizeof room, &length);
	if (!line)
		return thrown(env, "no reply");
	if (listener->streams)
		transport_reply(listener->streams, id, line, length, actions);
	else
		datagrams_reply(listener->datagrams, id, line, length);
	tell_counts(listener);
	if (line != room)
		free(line);
	end_if_over(listener);
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
