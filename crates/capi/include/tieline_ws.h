/*
 * The WebSocket client of Tieline for C, C++ and all that calls C.
 *
 *   tieline_ws_options options = {.size = sizeof options, .url = "ws://localhost:8080/echo"};
 *   tieline_ws_client client;
 *   if (tieline_ws_connect(&options, &client) != TIELINE_WS_ERROR_NONE)
 *       return fprintf(stderr, "%s\n", tieline_ws_last_error(0, NULL)), 1;
 *   const tieline_ws_event *event;
 *   while (tieline_ws_poll(client, &event, -1) > 0)
 *       if (event->kind == TIELINE_WS_KIND_OPEN)
 *           tieline_ws_send_text(client, "hello", TIELINE_WS_NUL_TERMINATED);
 *       else if (event->kind == TIELINE_WS_KIND_MESSAGE)
 *           printf("%s\n", event->data), tieline_ws_close(client, 1000, NULL, 0);
 *   tieline_ws_free(client);
 *
 * Events: each line is OPEN, any MESSAGE and PONG, ERROR where it does not end well, CLOSE; an
 * attempt that opens no line is ERROR, CLOSE. With `reconnect` that begins anew while `retry_in_ms`
 * of CLOSE is not negative. After the last CLOSE poll answers TIELINE_WS_ERROR_CLOSED.
 *
 * Memory: the library copies what it is given before a function returns. What it gives is its own:
 * an event and all it points to until the same thread polls the same client again, or frees it.
 * Every text has its length, and a NUL behind it.
 *
 * Threads: any function from any thread, but none after fork() in the child. The library has one
 * thread of its own, from the first client to the last; it calls nothing of the program's.
 *
 * No function blocks but tieline_ws_poll with a time, and none changes errno.
 */

#ifndef TIELINE_WS_H
#define TIELINE_WS_H

#include <stddef.h>
#include <stdint.h>

/**
 * The length of a text that ends with a NUL: it is counted.
 */
#define TIELINE_WS_NUL_TERMINATED SIZE_MAX



/**
 * What an event is about.
 */
enum tieline_ws_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * A line is open: `data` is the subprotocol that was agreed, empty for none. Say now what the
     * server has to know; after a reconnect say it again.
     */
    TIELINE_WS_KIND_OPEN = 1,
    /**
     * A message: `message` says text or binary, `data` is its payload.
     */
    TIELINE_WS_KIND_MESSAGE = 2,
    /**
     * The line ended, or did not open: `code`, `clean`, `data` (the server's reason) and
     * `retry_in_ms`. Each attempt to open a line ends with one.
     */
    TIELINE_WS_KIND_CLOSE = 3,
    /**
     * Why the CLOSE that follows is no clean one: `code` is a `tieline_ws_error`, `data` says it
     * in words.
     */
    TIELINE_WS_KIND_ERROR = 4,
    /**
     * The server answered a ping, of the program or of the library itself: `data` is its payload.
     */
    TIELINE_WS_KIND_PONG = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tieline_ws_kind tieline_ws_kind;
#else
typedef int32_t tieline_ws_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a message is.
 */
enum tieline_ws_message
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The event is none.
     */
    TIELINE_WS_MESSAGE_NONE = 0,
    /**
     * UTF-8.
     */
    TIELINE_WS_MESSAGE_TEXT = 1,
    /**
     * Any bytes.
     */
    TIELINE_WS_MESSAGE_BINARY = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tieline_ws_message tieline_ws_message;
#else
typedef int32_t tieline_ws_message;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What went wrong. Functions answer it (where they answer a number that may be one, it is the
 * negative ones), and events of kind ERROR have it as their `code`.
 */
enum tieline_ws_error
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing.
     */
    TIELINE_WS_ERROR_NONE = 0,
    /**
     * No client has this handle: it is 0, was freed, or never was one.
     */
    TIELINE_WS_ERROR_HANDLE = -1,
    /**
     * An argument or an option cannot be used.
     */
    TIELINE_WS_ERROR_ARGUMENT = -2,
    /**
     * A text is not UTF-8.
     */
    TIELINE_WS_ERROR_UTF8 = -3,
    /**
     * No line is open: wait for OPEN. Nothing is kept for later.
     */
    TIELINE_WS_ERROR_NOT_OPEN = -4,
    /**
     * The queue of what is sent is full: poll, and send again later.
     */
    TIELINE_WS_ERROR_FULL = -5,
    /**
     * A message is larger than the whole queue, or a ping or a reason is too long.
     */
    TIELINE_WS_ERROR_TOO_BIG = -6,
    /**
     * The last event was taken; the client can only be freed.
     */
    TIELINE_WS_ERROR_CLOSED = -7,
    /**
     * There are too many clients, or the system gives no thread.
     */
    TIELINE_WS_ERROR_LIMIT = -8,
    /**
     * A bug in Tieline; the client can only be freed.
     */
    TIELINE_WS_ERROR_INTERNAL = -9,
    /**
     * The URL cannot be connected to.
     */
    TIELINE_WS_ERROR_URL = -20,
    /**
     * A header, a subprotocol or the origin cannot be sent.
     */
    TIELINE_WS_ERROR_REQUEST = -21,
    /**
     * The host's name has no address.
     */
    TIELINE_WS_ERROR_DNS = -22,
    /**
     * No address of the host took the connection, or it broke during the handshake.
     */
    TIELINE_WS_ERROR_CONNECT = -23,
    /**
     * It took too long to connect.
     */
    TIELINE_WS_ERROR_TIMEOUT = -24,
    /**
     * The proxy could not be used, or refused.
     */
    TIELINE_WS_ERROR_PROXY = -25,
    /**
     * TLS could not be set up, or the server is not trusted.
     */
    TIELINE_WS_ERROR_TLS = -26,
    /**
     * The server answered with another status than 101.
     */
    TIELINE_WS_ERROR_REFUSED = -27,
    /**
     * A redirect was not followed.
     */
    TIELINE_WS_ERROR_REDIRECT = -28,
    /**
     * The server's answer is no WebSocket handshake.
     */
    TIELINE_WS_ERROR_HANDSHAKE = -29,
    /**
     * The server did not agree to permessage-deflate, which was required.
     */
    TIELINE_WS_ERROR_DEFLATE = -30,
    /**
     * The server broke the protocol, and was told so.
     */
    TIELINE_WS_ERROR_PROTOCOL = -31,
    /**
     * The line ended without a closing handshake.
     */
    TIELINE_WS_ERROR_LOST = -32,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tieline_ws_error tieline_ws_error;
#else
typedef int32_t tieline_ws_error;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Where in its life a client is: the numbers of the browser's `readyState`.
 */
enum tieline_ws_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * No line is open yet, or none again.
     */
    TIELINE_WS_STATE_CONNECTING = 0,
    /**
     * Messages go both ways.
     */
    TIELINE_WS_STATE_OPEN = 1,
    /**
     * `tieline_ws_close` was called, or the line was lost and its CLOSE was not polled yet.
     */
    TIELINE_WS_STATE_CLOSING = 2,
    /**
     * The last event was polled.
     */
    TIELINE_WS_STATE_CLOSED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tieline_ws_state tieline_ws_state;
#else
typedef int32_t tieline_ws_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Something that happened. It belongs to the library and is never written to; it is valid until
 * the same thread polls the same client again or frees it, or ends.
 */
typedef struct tieline_ws_event {
    /**
     * Whose event it is.
     */
    uint64_t client;
    /**
     * What it is about, and thereby which of the fields below mean something.
     */
    tieline_ws_kind kind;
    /**
     * MESSAGE: text or binary.
     */
    tieline_ws_message message;
    /**
     * OPEN: the subprotocol, empty for none. MESSAGE: the payload. CLOSE: the reason. ERROR: what
     * went wrong, in words. PONG: the payload. Never NULL, and one NUL stands behind it, which
     * `len` does not count; a payload may have others within.
     */
    const char *data;
    /**
     * Length of `data` in bytes.
     */
    size_t len;
    /**
     * CLOSE: the server's close code, 1005 where it gave none, 1006 where the line was lost or did
     * not open. ERROR: a `tieline_ws_error`.
     */
    int32_t code;
    /**
     * CLOSE: 1 where both ends said goodbye, else 0.
     */
    int32_t clean;
    /**
     * CLOSE: in how many milliseconds the next attempt is made; -1 where there is none, and this
     * is the client's last event.
     */
    int64_t retry_in_ms;
} tieline_ws_event;

/**
 * Called inside `tieline_ws_poll`, on its thread, with `user` of the options. The event is valid
 * until the callback returns. Any function may be called in it, `tieline_ws_free` included. It
 * must return: no C++ exception and no longjmp may leave it.
 */
typedef void (*tieline_ws_callback)(void *user, const struct tieline_ws_event *event);

/**
 * How a client connects. Set every byte to zero, `size` to `sizeof(tieline_ws_options)`, and the
 * fields you mean: zero and NULL are defaults. Texts end with a NUL and are UTF-8; nothing of the
 * struct, nor of what it points to, is needed after `tieline_ws_connect`.
 *
 * Later versions append fields. A program that was built with an older header gets the defaults
 * of what it does not know; one with a newer header is refused where it sets what this library
 * does not know.
 */
typedef struct tieline_ws_options {
    /**
     * `sizeof(tieline_ws_options)`.
     */
    size_t size;
    /**
     * `ws://host/path` or `wss://host/path`, perhaps with `user:password@`. Needed.
     */
    const char *url;
    /**
     * Subprotocols to offer, the best first, separated by commas: `chat.v2, chat.v1`.
     */
    const char *protocols;
    /**
     * Headers to send, a line for each: `Authorization: Bearer x\nX-Other: y`.
     */
    const char *headers;
    /**
     * The Origin to send, for servers that want one. Default none.
     */
    const char *origin;
    /**
     * A proxy: `http://host:port` or `socks5://host:port`, perhaps with `user:password@`, or
     * `environment` for what the environment says. Default none.
     */
    const char *proxy;
    /**
     * Root certificates to trust besides those of the system, PEM.
     */
    const char *ca_pem;
    /**
     * The certificate to show to a server that asks for one, and those above it, PEM.
     */
    const char *certificate_pem;
    /**
     * The private key of that certificate, PEM.
     */
    const char *key_pem;
    /**
     * Keys of which the server must have one, checked besides its certificate, in the form of
     * `curl --pinnedpubkey`: `sha256//BASE64`, several separated by semicolons. Default any.
     */
    const char *pinned_key;
    /**
     * 1 to trust `ca_pem` alone, and not the system's roots.
     */
    int64_t ca_only;
    /**
     * 1 to believe every server to be who it says, so that anybody on the way can read and change
     * what is sent: for tests. `pinned_key` is checked nevertheless.
     */
    int64_t danger_accept_any_certificate;
    /**
     * Longest time to connect, everything together, in milliseconds. Default 10,000.
     */
    int64_t connect_timeout_ms;
    /**
     * Silence of the server after which it is pinged, in milliseconds; -1 never pings. Default
     * 25,000.
     */
    int64_t ping_after_ms;
    /**
     * How long the server may then stay silent before the line counts as lost, in milliseconds.
     * Default 10,000.
     */
    int64_t pong_timeout_ms;
    /**
     * How long the server may take to answer a close, in milliseconds. Default 5,000.
     */
    int64_t close_timeout_ms;
    /**
     * Largest message to accept, in bytes, after decompression. Default 1 MiB.
     */
    int64_t max_message_bytes;
    /**
     * How much may wait to be sent, in bytes, 16 more for each message than its length. When it is
     * full, sending answers TIELINE_WS_ERROR_FULL. Default 1 MiB.
     */
    int64_t send_queue_bytes;
    /**
     * How much may wait to be polled, in bytes. When it is full nothing more is read from the
     * server, which then has to wait: it holds at most one message more. Default 4 MiB.
     */
    int64_t event_queue_bytes;
    /**
     * How many events may wait to be polled, likewise. Default 1,024.
     */
    int64_t event_queue_events;
    /**
     * Most redirects to follow. Default 0: a redirect is a refusal.
     */
    int64_t redirects;
    /**
     * permessage-deflate: 0 off, 1 offered, 2 required. Default 0.
     */
    int64_t deflate;
    /**
     * Effort of compression, 1 to 9. Default 4.
     */
    int64_t deflate_level;
    /**
     * 1 to come back when the line is lost, or does not open, where that makes sense: not after
     * the close codes 1000, 1003, 1008, 1010, 3000 and 3003, the statuses 400, 401, 403, 404, 405,
     * 410 and 426, and errors that stay. Default 0.
     */
    int64_t reconnect;
    /**
     * Longest wait before the first attempt to come back, in milliseconds; it doubles with each,
     * and every wait is a random part of its longest. Default 500.
     */
    int64_t reconnect_base_ms;
    /**
     * Where the doubling ends, in milliseconds. Default 30,000.
     */
    int64_t reconnect_max_ms;
    /**
     * How long a line must have been open for the doubling to start anew, in milliseconds. Default
     * 10,000.
     */
    int64_t reconnect_stable_ms;
    /**
     * Handed to every callback.
     */
    void *user;
    /**
     * Called for OPEN.
     */
    tieline_ws_callback on_open;
    /**
     * Called for MESSAGE.
     */
    tieline_ws_callback on_message;
    /**
     * Called for CLOSE.
     */
    tieline_ws_callback on_close;
    /**
     * Called for ERROR.
     */
    tieline_ws_callback on_error;
    /**
     * Called for PONG.
     */
    tieline_ws_callback on_pong;
} tieline_ws_options;

/**
 * A client. 0 is never one; a number that was freed is none any more, and never another one.
 */
typedef uint64_t tieline_ws_client;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Starts to connect and waits for nothing: the events say what comes of it. Writes the new client
 * to `client`, and 0 where there is none.
 *
 * Answers TIELINE_WS_ERROR_NONE, or why there is no client; `tieline_ws_last_error(0, NULL)` says
 * it in words. What is wrong with the options is said at once. Every client is to be freed.
 *
 * `options` points to options as they are described there, `client` to a handle that is written.
 */
int32_t tieline_ws_connect(const struct tieline_ws_options *options, tieline_ws_client *client);

/**
 * Takes the client's next event, calls its callback, if there is one, and writes the event to
 * `event`, or NULL where there is none. `event` may be NULL where callbacks do everything.
 *
 * Waits up to `timeout_ms` milliseconds: 0 does not wait, and a negative time waits until there is
 * one. Answers 1 for an event, 0 for none in that time, or an error:
 * TIELINE_WS_ERROR_CLOSED after the last event, TIELINE_WS_ERROR_HANDLE also where the client was
 * freed meanwhile, by its callback or by another thread.
 *
 * Threads that poll the same client get its events in turn.
 *
 * `event` is NULL, or points to a pointer that is written.
 */
int32_t tieline_ws_poll(tieline_ws_client client,
                        const struct tieline_ws_event **event,
                        int64_t timeout_ms);

/**
 * Sends a text message of `len` bytes of UTF-8, or with TIELINE_WS_NUL_TERMINATED up to the NUL.
 *
 * It is copied, queued and sent whole or not at all. TIELINE_WS_ERROR_NOT_OPEN before OPEN and
 * after CLOSE was polled, TIELINE_WS_ERROR_FULL where too much waits (nothing is waited for),
 * TIELINE_WS_ERROR_TOO_BIG, TIELINE_WS_ERROR_UTF8. What is queued when a line is lost may or may
 * not have arrived, and is not sent again.
 *
 * `text` points to that many bytes, or to a text that ends with a NUL.
 */
int32_t tieline_ws_send_text(tieline_ws_client client, const char *text, size_t len);

/**
 * Sends a binary message of `len` bytes; the rest is as `tieline_ws_send_text` says.
 *
 * `data` points to that many bytes.
 */
int32_t tieline_ws_send_binary(tieline_ws_client client, const void *data, size_t len);

/**
 * Sends a ping of up to 125 bytes; PONG tells when it is answered. Lines are pinged without it
 * when they are silent (`ping_after_ms`). Errors are those of `tieline_ws_send_text`.
 *
 * `data` points to that many bytes.
 */
int32_t tieline_ws_ping(tieline_ws_client client, const void *data, size_t len);

/**
 * Ends the line well, once what was sent before has left, and stays away. Waits for nothing: poll
 * gives the server's last messages, and then CLOSE. Called again it changes nothing.
 *
 * `code` is 1000 or what the protocol allows, `reason` up to 123 bytes of UTF-8, `len` its length
 * or TIELINE_WS_NUL_TERMINATED. A client without a line ends at once, with the code 1006.
 *
 * `reason` points to that many bytes, or to a text that ends with a NUL; it may be NULL for none.
 */
int32_t tieline_ws_close(tieline_ws_client client, uint32_t code, const char *reason, size_t len);

/**
 * Frees a client: its handle is none any more, its line is broken off where it was not closed, its
 * events are gone, and threads that poll it get TIELINE_WS_ERROR_HANDLE. Allowed in its callbacks.
 *
 * With the last client the library's thread ends, which is waited for (no network is).
 */
int32_t tieline_ws_free(tieline_ws_client client);

/**
 * Bytes that the system has not taken yet: what waits in the queue, 16 more for each message than
 * its length, and what waits below it. Or a negative error.
 */
int64_t tieline_ws_buffered_amount(tieline_ws_client client);

/**
 * Where in its life the client is, a `tieline_ws_state`, as far as its events were polled. Or a
 * negative error.
 */
int32_t tieline_ws_ready_state(tieline_ws_client client);

/**
 * What went wrong last with this client, in words, and what would be right; empty where nothing
 * did. With 0: what went wrong last on this thread, also where there was no client.
 *
 * Never NULL, ends with a NUL; its length is written to `len`, unless that is NULL. It belongs to
 * the library and is valid until this thread calls this function again, or ends.
 *
 * `len` is NULL, or points to a size that is written.
 */
const char *tieline_ws_last_error(tieline_ws_client client, size_t *len);

/**
 * What a `tieline_ws_error` means, in general. Never NULL, ends with a NUL, and lives for ever; its
 * length is written to `len`, unless that is NULL.
 *
 * `len` is NULL, or points to a size that is written.
 */
const char *tieline_ws_error_text(int32_t error, size_t *len);

/**
 * The version of the library, such as `0.1.0`; otherwise as `tieline_ws_error_text`.
 *
 * `len` is NULL, or points to a size that is written.
 */
const char *tieline_ws_version(size_t *len);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TIELINE_WS_H */
