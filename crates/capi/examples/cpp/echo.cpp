// Sends each line of standard input, and prints what comes back for it. When the line is lost it
// comes back, and sends again what was not answered.
//
//   c++ -std=c++17 echo.cpp $(pkg-config --cflags --libs tieline_ws) -o echo
//   echo hello | ./echo ws://localhost:8080/echo
#include <iostream>
#include <optional>
#include <string>

#include <tieline_ws.hpp>

class Echo : public tieline::Delegate {
public:
    bool done = false;

    void onOpen(tieline::WebSocket &socket, std::string_view) override {
        std::cerr << "open\n";
        sendOrClose(socket);
    }

    void onMessage(tieline::WebSocket &socket, std::string_view data, bool) override {
        std::cout << data << std::endl;
        line_ = nextLine();
        sendOrClose(socket);
    }

    void onError(tieline::WebSocket &, const tieline::Failure &failure) override {
        std::cerr << "error: " << failure.text << '\n';
    }

    void onClose(tieline::WebSocket &, int code, std::string_view reason, bool clean,
                 std::optional<std::chrono::milliseconds>) override {
        std::cerr << "closed: " << code << ' ' << reason << '\n';
        done = !line_ && clean;
    }

private:
    std::optional<std::string> line_ = nextLine();

    static std::optional<std::string> nextLine() {
        std::string line;
        return std::getline(std::cin, line) ? std::optional(line) : std::nullopt;
    }

    // Where no line is open it is kept: onOpen will come.
    void sendOrClose(tieline::WebSocket &socket) {
        if (line_)
            socket.sendText(*line_);
        else
            socket.close(1000, "done");
    }
};

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " ws://HOST:PORT/PATH\n";
        return 2;
    }
    try {
        Echo echo;
        tieline::Options options;
        options.url = argv[1];
        options.reconnect = true;
        tieline::WebSocket socket(options, echo);
        while (socket.poll()) {
        }
        return echo.done ? 0 : 1;
    } catch (const tieline::Error &error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
