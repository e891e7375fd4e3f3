// uWebSockets: SERVER PORT [deflate] [publish] [tls=FOLDER].
//
// It echoes, or says to all what one says (publish); deflate is its SHARED_COMPRESSOR, which keeps no context.
// Built three times by `build`: plain, with libdeflate, with OpenSSL.

#include "App.h"

#include <cstdio>
#include <cstdlib>
#include <string>

constexpr unsigned int maxMessageBytes = 16 * 1024 * 1024;

struct Wishes {
    bool deflate = false;
    bool publish = false;
    std::string tls;
};

struct PerSocketData {};

template <typename App>
void serve(App &&app, int port, const Wishes &wishes) {
    app.template ws<PerSocketData>("/*", {
        .compression = wishes.deflate ? uWS::SHARED_COMPRESSOR : uWS::DISABLED,
        .maxPayloadLength = maxMessageBytes,
        .idleTimeout = 120,
        .maxBackpressure = 4 * maxMessageBytes,
        .closeOnBackpressureLimit = false,
        .resetIdleTimeoutOnSend = false,
        .sendPingsAutomatically = true,
        .open = [&wishes](auto *ws) {
            if (wishes.publish) ws->subscribe("all");
        },
        .message = [&app, &wishes](auto *ws, std::string_view message, uWS::OpCode opCode) {
            if (wishes.publish) app.publish("all", message, opCode);
            else ws->send(message, opCode, wishes.deflate);
        },
    }).listen("127.0.0.1", port, [port](auto *listening) {
        if (!listening) {
            std::fprintf(stderr, "cannot listen on %d\n", port);
            std::exit(1);
        }
        std::printf("listening on %d\n", port);
        std::fflush(stdout);
    }).run();
}

int main(int count, char **arguments) {
    if (count < 2) {
        std::fprintf(stderr, "usage: server PORT [deflate] [publish] [tls=FOLDER]\n");
        return 2;
    }
    Wishes wishes;
    for (int i = 2; i < count; i++) {
        std::string wish = arguments[i];
        if (wish == "deflate") wishes.deflate = true;
        else if (wish == "publish") wishes.publish = true;
        else if (wish.starts_with("tls=")) wishes.tls = wish.substr(4);
        else {
            std::fprintf(stderr, "cannot %s\n", arguments[i]);
            return 2;
        }
    }
    int port = std::atoi(arguments[1]);
    if (wishes.tls.empty()) {
        serve(uWS::App(), port, wishes);
    } else {
        std::string key = wishes.tls + "/key.pem", certificate = wishes.tls + "/certificate.pem";
        serve(uWS::SSLApp({.key_file_name = key.c_str(), .cert_file_name = certificate.c_str()}), port, wishes);
    }
}
