// A bare loop: SERVER PORT.
//
// What any server pays: epoll, one read, unmasking, one write for all that a read brought. It checks nothing, bounds
// nothing and knows no message but a whole frame; it waits for a peer that does not read. Nobody should serve with it.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

constexpr size_t readBytes = 512 * 1024;

struct Connection {
    bool open = false;
    std::vector<unsigned char> unfinished;
};

// The frame at the front: the lengths of its header without the mask and of its payload; false where it is not whole.
static bool lengths(const unsigned char *at, size_t left, size_t &header, size_t &payload) {
    if (left < 2) return false;
    header = 2;
    payload = at[1] & 127;
    if (payload == 126) {
        if (left < 4) return false;
        header = 4;
        payload = size_t{at[2]} << 8 | at[3];
    } else if (payload == 127) {
        if (left < 10) return false;
        header = 10;
        uint64_t big;
        std::memcpy(&big, at + 2, 8);
        payload = __builtin_bswap64(big);
    }
    return true;
}

static void write_all(int socket, const unsigned char *at, size_t left) {
    while (left > 0) {
        ssize_t written = send(socket, at, left, MSG_NOSIGNAL);
        if (written < 0) {
            if (errno != EAGAIN) return;
            pollfd writable{socket, POLLOUT, 0};
            poll(&writable, 1, -1);
            continue;
        }
        at += written;
        left -= written;
    }
}

static void shake_hands(int socket, std::string request) {
    static const char name[] = "sec-websocket-key: ";
    const char *key = strcasestr(request.c_str(), name);
    if (!key) return;
    std::string text = std::string(key + sizeof name - 1, 24) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20], accept[32];
    SHA1(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest);
    EVP_EncodeBlock(accept, digest, sizeof digest);
    std::string answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: " + std::string(reinterpret_cast<char *>(accept)) + "\r\n\r\n";
    write_all(socket, reinterpret_cast<const unsigned char *>(answer.data()), answer.size());
}

// Turns the whole frames at the front into a server's, one behind the other, and sends them; answers what it took.
static size_t echo(int socket, unsigned char *data, size_t len) {
    size_t at = 0, header, payload;
    unsigned char *start = nullptr, *end = nullptr;
    while (lengths(data + at, len - at, header, payload) && header + 4 + payload <= len - at) {
        unsigned char *frame = data + at, head[10];
        uint32_t key;
        std::memcpy(&key, frame + header, 4);
        const uint64_t mask = key | uint64_t{key} << 32;
        std::memcpy(head, frame, header);
        head[1] &= 127;
        if (!start) start = end = frame + 4;
        const unsigned char *from = frame + header + 4;
        unsigned char *to = end + header;
        size_t byte = 0;
        for (; byte + 8 <= payload; byte += 8) {
            uint64_t word;
            std::memcpy(&word, from + byte, 8);
            word ^= mask;
            std::memcpy(to + byte, &word, 8);
        }
        for (; byte < payload; byte++) to[byte] = from[byte] ^ reinterpret_cast<const unsigned char *>(&mask)[byte % 8];
        std::memcpy(end, head, header);
        end = to + payload;
        at += header + 4 + payload;
    }
    if (start) write_all(socket, start, end - start);
    return at;
}

// Reads once; false where the connection is over.
static bool look(int socket, Connection &connection, std::vector<unsigned char> &buffer) {
    for (;;) {
        std::vector<unsigned char> &unfinished = connection.unfinished;
        size_t header, payload, had = unfinished.size();
        ssize_t got;
        if (lengths(unfinished.data(), had, header, payload)) {
            // No more than the frame: what comes behind it begins in the buffer again.
            unfinished.resize(header + 4 + payload);
            got = recv(socket, unfinished.data() + had, unfinished.size() - had, 0);
            unfinished.resize(had + (got > 0 ? got : 0));
            if (got > 0 && echo(socket, unfinished.data(), unfinished.size()) > 0) unfinished.clear();
        } else {
            std::memcpy(buffer.data(), unfinished.data(), had);
            got = recv(socket, buffer.data() + had, buffer.size() - had, 0);
            if (got > 0) {
                size_t len = had + got, taken = len;
                if (connection.open) taken = echo(socket, buffer.data(), len);
                else shake_hands(socket, std::string(buffer.begin(), buffer.begin() + len));
                connection.open = true;
                unfinished.assign(buffer.begin() + taken, buffer.begin() + len);
                if (len < buffer.size()) return true;
            }
        }
        if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
        if (got < 0) return true;
    }
}

int main(int count, char **arguments) {
    if (count < 2) {
        std::fprintf(stderr, "usage: server PORT\n");
        return 2;
    }
    const int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    sockaddr_in address{AF_INET, htons(std::atoi(arguments[1])), {htonl(INADDR_LOOPBACK)}, {}};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address) || listen(listener, 4096)) {
        std::perror("cannot listen");
        return 1;
    }
    epoll_event event{EPOLLIN, {.fd = listener}}, events[1024];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    std::printf("listening on %s\n", arguments[1]);
    std::fflush(stdout);

    std::vector<Connection> connections;
    std::vector<unsigned char> buffer(readBytes);
    for (;;) {
        const int ready = epoll_wait(poll, events, 1024, -1);
        for (int i = 0; i < ready; i++) {
            const int socket = events[i].data.fd;
            if (socket == listener) {
                for (int peer; (peer = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
                    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    if (connections.size() <= size_t(peer)) connections.resize(peer + 1);
                    event = {EPOLLIN | EPOLLRDHUP | EPOLLET, {.fd = peer}};
                    epoll_ctl(poll, EPOLL_CTL_ADD, peer, &event);
                }
            } else if (!look(socket, connections[socket], buffer)) {
                close(socket);
                connections[socket] = {};
            }
        }
    }
}
