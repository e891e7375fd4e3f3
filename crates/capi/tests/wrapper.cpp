// What tieline_ws.hpp promises: exceptions leave poll, a WebSocket may be destroyed by its delegate
// and moved, and errors are thrown with words. Ends with 0, or aborts.
#include <cstdlib>
#include <iostream>
#include <memory>

#include <tieline_ws.hpp>

#define CHECK(condition) \
    ((condition) ? void() : (std::cerr << __LINE__ << ": " #condition "\n", std::abort()))

using tieline::Delegate;
using tieline::Options;
using tieline::WebSocket;

static Options options;

static void exceptionsLeavePoll() {
    struct Throws : Delegate {
        void onOpen(WebSocket &, std::string_view) override { throw std::logic_error("from onOpen"); }
    } throws;
    WebSocket socket(options, throws);
    try {
        socket.poll();
        CHECK(!"thrown");
    } catch (const std::logic_error &error) {
        CHECK(std::string(error.what()) == "from onOpen");
    }
    CHECK(socket.readyState() == TIELINE_WS_STATE_OPEN);
}

static void aDelegateMayDestroyItsSocket() {
    struct Destroys : Delegate {
        std::unique_ptr<WebSocket> socket;
        std::string seen;
        void onOpen(WebSocket &open, std::string_view) override { CHECK(open.sendText("the last words")); }
        void onMessage(WebSocket &, std::string_view data, bool) override {
            socket.reset();
            seen = data;
        }
    } destroys;
    destroys.socket = std::make_unique<WebSocket>(options, destroys);
    for (bool more = true; more && destroys.socket;) more = destroys.socket->poll();
    CHECK(!destroys.socket && destroys.seen == "the last words");
}

static void aSocketMayBeMoved() {
    struct Remembers : Delegate {
        WebSocket *last = nullptr;
        int code = 0;
        std::string reason;
        void onOpen(WebSocket &socket, std::string_view) override { last = &socket; }
        void onClose(WebSocket &, int got, std::string_view why, bool,
                     std::optional<std::chrono::milliseconds> retryIn) override {
            code = got;
            reason = why;
            CHECK(!retryIn);
        }
    } remembers;
    WebSocket first(options, remembers);
    WebSocket second(std::move(first));
    CHECK(second.poll() && remembers.last == &second);
    WebSocket third(options, remembers);
    third = std::move(second);
    CHECK(third.sendText("bye"));
    while (third.poll()) {
    }
    CHECK(remembers.code == 4001 && remembers.reason == "as you wish");
    CHECK(third.readyState() == TIELINE_WS_STATE_CLOSED && !third.sendText("late"));
}

static void errorsHaveWords() {
    Delegate nobody;
    Options wrong = options;
    wrong.deflateLevel = 10;
    try {
        WebSocket socket(wrong, nobody);
        CHECK(!"thrown");
    } catch (const tieline::Error &error) {
        CHECK(error.code == TIELINE_WS_ERROR_ARGUMENT);
        CHECK(std::string(error.what()).find("deflate_level") != std::string::npos);
    }
    WebSocket socket(options, nobody);
    CHECK(socket.poll());
    try {
        socket.close(1006);
        CHECK(!"thrown");
    } catch (const tieline::Error &error) {
        CHECK(socket.lastError() == error.what());
    }
}

int main(int, char **argv) {
    options.url = argv[1];
    exceptionsLeavePoll();
    aDelegateMayDestroyItsSocket();
    aSocketMayBeMoved();
    errorsHaveWords();
}
