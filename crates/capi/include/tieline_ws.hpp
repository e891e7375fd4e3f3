// The WebSocket client of Tieline for C++17, around tieline_ws.h.
//
//   struct Echo : tieline::Delegate {
//       void onOpen(tieline::WebSocket &socket, std::string_view) override { socket.sendText("hello"); }
//       void onMessage(tieline::WebSocket &socket, std::string_view text, bool) override {
//           std::cout << text << '\n';
//           socket.close();
//       }
//   } echo;
//   tieline::Options options;
//   options.url = "ws://localhost:8080/echo";
//   tieline::WebSocket socket(options, echo);
//   while (socket.poll()) {}
//
// The delegate is called inside poll and on its thread, and nowhere else; what it throws leaves
// poll. It may destroy the WebSocket; the text it was given stays valid until it returns. A
// WebSocket is for one thread at a time; others may call the functions of tieline_ws.h with its
// handle().
#ifndef TIELINE_WS_HPP
#define TIELINE_WS_HPP

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "tieline_ws.h"

namespace tieline {

class WebSocket;

// A function refused: `code` is a tieline_ws_error, what() says it in words.
class Error : public std::runtime_error {
public:
    Error(std::int32_t error, const std::string &text) : std::runtime_error(text), code(error) {}

    std::int32_t code;
};

// Why a line ended that did not end well, or did not open.
struct Failure {
    std::int32_t code;     // a tieline_ws_error
    std::string_view text; // in words
};

// Who is told. It must live as long as its WebSocket.
class Delegate {
public:
    virtual ~Delegate() = default;
    // A line is open, with this subprotocol; after a reconnect again.
    virtual void onOpen(WebSocket &, std::string_view /*protocol*/) {}
    virtual void onMessage(WebSocket &, std::string_view /*data*/, bool /*isBinary*/) {}
    // The line ended, or did not open. `retryIn` is when the next attempt is made, if there is one.
    virtual void onClose(WebSocket &, int /*code*/, std::string_view /*reason*/, bool /*clean*/,
                         std::optional<std::chrono::milliseconds> /*retryIn*/) {}
    // Before an onClose that is no clean one.
    virtual void onError(WebSocket &, const Failure &) {}
    virtual void onPong(WebSocket &, std::string_view /*payload*/) {}
};

// How to connect. What is empty or zero is the default that tieline_ws_options tells.
struct Options {
    std::string url;
    std::string protocols;      // "chat.v2, chat.v1"
    std::string headers;        // "Name: value\nOther: value"
    std::string origin;
    std::string proxy;
    std::string caPem;
    std::string certificatePem;
    std::string keyPem;
    std::string pinnedKey;      // "sha256//BASE64"
    bool caOnly = false;
    bool dangerAcceptAnyCertificate = false;
    std::chrono::milliseconds connectTimeout{0};
    std::chrono::milliseconds pingAfter{0}; // -1 ms: never
    std::chrono::milliseconds pongTimeout{0};
    std::chrono::milliseconds closeTimeout{0};
    std::int64_t maxMessageBytes = 0;
    std::int64_t sendQueueBytes = 0;
    std::int64_t eventQueueBytes = 0;
    std::int64_t eventQueueEvents = 0;
    std::int64_t redirects = 0;
    enum class Deflate { off, offered, required } deflate = Deflate::off;
    std::int64_t deflateLevel = 0;
    bool reconnect = false;
    std::chrono::milliseconds reconnectBase{0};
    std::chrono::milliseconds reconnectMax{0};
    std::chrono::milliseconds reconnectStable{0};
};

// A client; it connects when it is made, and its line is broken off when it is destroyed.
class WebSocket {
public:
    // Starts to connect. Throws Error where the options are wrong.
    WebSocket(const Options &options, Delegate &delegate)
        : state_(std::make_shared<State>(State{this, &delegate, 0})) {
        tieline_ws_options given = translated(options);
        given.user = state_.get();
        given.on_open = given.on_message = given.on_close = given.on_error = given.on_pong = &told;
        std::int32_t error = tieline_ws_connect(&given, &state_->client);
        if (error != TIELINE_WS_ERROR_NONE) throw Error(error, lastError(0));
    }

    ~WebSocket() {
        if (state_) {
            state_->socket = nullptr;
            tieline_ws_free(state_->client);
        }
    }

    WebSocket(WebSocket &&other) noexcept : state_(std::move(other.state_)) {
        if (state_) state_->socket = this;
    }
    WebSocket &operator=(WebSocket &&other) noexcept {
        WebSocket moved(std::move(other));
        std::swap(state_, moved.state_);
        if (state_) state_->socket = this;
        if (moved.state_) moved.state_->socket = &moved;
        return *this;
    }
    WebSocket(const WebSocket &) = delete;
    WebSocket &operator=(const WebSocket &) = delete;

    // Waits for the next event, up to this long or without it for ever, and tells the delegate.
    // False once there will be no more.
    bool poll(std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
        // The delegate may destroy this.
        std::shared_ptr<State> state = state_;
        std::int64_t wait = timeout ? (timeout->count() < 0 ? 0 : timeout->count()) : -1;
        std::int32_t polled = tieline_ws_poll(state->client, nullptr, wait);
        if (std::exception_ptr error = std::exchange(thrown(), nullptr)) std::rethrow_exception(error);
        switch (polled) {
        case TIELINE_WS_ERROR_CLOSED:
        case TIELINE_WS_ERROR_HANDLE:
            return false;
        default:
            if (polled < 0) throw Error(polled, lastError(0));
            return true;
        }
    }

    // False where it is not sent, because the queue is full or no line is open; other errors throw.
    bool sendText(std::string_view text) {
        return sent(tieline_ws_send_text(state_->client, text.data(), text.size()));
    }
    bool sendBinary(std::string_view data) {
        return sent(tieline_ws_send_binary(state_->client, data.data(), data.size()));
    }
    bool ping(std::string_view payload = {}) {
        return sent(tieline_ws_ping(state_->client, payload.data(), payload.size()));
    }

    // Ends the line well, and waits for nothing: onClose tells.
    void close(int code = 1000, std::string_view reason = {}) {
        check(tieline_ws_close(state_->client, static_cast<std::uint32_t>(code), reason.data(), reason.size()));
    }

    tieline_ws_state readyState() const {
        return static_cast<tieline_ws_state>(check(tieline_ws_ready_state(state_->client)));
    }
    std::int64_t bufferedAmount() const { return check(tieline_ws_buffered_amount(state_->client)); }
    std::string lastError() const { return lastError(state_->client); }
    tieline_ws_client handle() const { return state_->client; }

private:
    // Stays where it is while the WebSocket moves: callbacks point to it.
    struct State {
        WebSocket *socket; // none while it is being destroyed
        Delegate *delegate;
        tieline_ws_client client;
    };
    std::shared_ptr<State> state_;

    // What a delegate threw inside this thread's poll.
    static std::exception_ptr &thrown() {
        thread_local std::exception_ptr thrown;
        return thrown;
    }

    static void told(void *user, const tieline_ws_event *event) {
        auto *state = static_cast<State *>(user);
        if (state->socket == nullptr) return;
        try {
            dispatch(*state->delegate, *state->socket, *event);
        } catch (...) {
            thrown() = std::current_exception();
        }
    }

    static void dispatch(Delegate &delegate, WebSocket &socket, const tieline_ws_event &event) {
        std::string_view data(event.data, event.len);
        switch (event.kind) {
        case TIELINE_WS_KIND_OPEN:
            return delegate.onOpen(socket, data);
        case TIELINE_WS_KIND_MESSAGE:
            return delegate.onMessage(socket, data, event.message == TIELINE_WS_MESSAGE_BINARY);
        case TIELINE_WS_KIND_CLOSE: {
            std::optional<std::chrono::milliseconds> retryIn;
            if (event.retry_in_ms >= 0) retryIn = std::chrono::milliseconds(event.retry_in_ms);
            return delegate.onClose(socket, event.code, data, event.clean == 1, retryIn);
        }
        case TIELINE_WS_KIND_ERROR:
            return delegate.onError(socket, Failure{event.code, data});
        case TIELINE_WS_KIND_PONG:
            return delegate.onPong(socket, data);
        }
    }

    static std::string lastError(tieline_ws_client client) {
        std::size_t len = 0;
        const char *text = tieline_ws_last_error(client, &len);
        return std::string(text, len);
    }

    template <typename Number> Number check(Number answer) const {
        if (answer < 0) throw Error(static_cast<std::int32_t>(answer), lastError(state_->client));
        return answer;
    }

    bool sent(std::int32_t answer) const {
        if (answer == TIELINE_WS_ERROR_FULL || answer == TIELINE_WS_ERROR_NOT_OPEN) return false;
        check(answer);
        return true;
    }

    // The texts stay the options'.
    static tieline_ws_options translated(const Options &options) {
        tieline_ws_options given{};
        given.size = sizeof given;
        given.url = options.url.c_str();
        given.protocols = options.protocols.c_str();
        given.headers = options.headers.c_str();
        given.origin = options.origin.c_str();
        given.proxy = options.proxy.c_str();
        given.ca_pem = options.caPem.c_str();
        given.certificate_pem = options.certificatePem.c_str();
        given.key_pem = options.keyPem.c_str();
        given.pinned_key = options.pinnedKey.c_str();
        given.ca_only = options.caOnly;
        given.danger_accept_any_certificate = options.dangerAcceptAnyCertificate;
        given.connect_timeout_ms = options.connectTimeout.count();
        given.ping_after_ms = options.pingAfter.count();
        given.pong_timeout_ms = options.pongTimeout.count();
        given.close_timeout_ms = options.closeTimeout.count();
        given.max_message_bytes = options.maxMessageBytes;
        given.send_queue_bytes = options.sendQueueBytes;
        given.event_queue_bytes = options.eventQueueBytes;
        given.event_queue_events = options.eventQueueEvents;
        given.redirects = options.redirects;
        given.deflate = static_cast<std::int64_t>(options.deflate);
        given.deflate_level = options.deflateLevel;
        given.reconnect = options.reconnect;
        given.reconnect_base_ms = options.reconnectBase.count();
        given.reconnect_max_ms = options.reconnectMax.count();
        given.reconnect_stable_ms = options.reconnectStable.count();
        return given;
    }
};

} // namespace tieline

#endif // TIELINE_WS_HPP
