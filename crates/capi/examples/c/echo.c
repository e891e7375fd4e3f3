/*
 * Sends each line of standard input, and prints what comes back for it. When the line is lost it
 * comes back, and sends again what was not answered.
 *
 *   cc echo.c $(pkg-config --cflags --libs tieline_ws) -o echo
 *   echo hello | ./echo ws://localhost:8080/echo
 */
#include <stdio.h>
#include <string.h>

#include <tieline_ws.h>

static char line[64 * 1024];

/* The next line of standard input without its end; NULL at the end of the input. */
static const char *next_line(void) {
    if (fgets(line, sizeof line, stdin) == NULL) return NULL;
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

/* Sends what is not answered yet; at the end of the input, says goodbye. */
static void send_or_close(tieline_ws_client client, const char *text) {
    int32_t sent = text != NULL ? tieline_ws_send_text(client, text, TIELINE_WS_NUL_TERMINATED)
                                : tieline_ws_close(client, 1000, "done", TIELINE_WS_NUL_TERMINATED);
    /* Without a line it is kept: OPEN will come. */
    if (sent < 0 && sent != TIELINE_WS_ERROR_NOT_OPEN)
        fprintf(stderr, "not sent: %s\n", tieline_ws_last_error(client, NULL));
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://HOST:PORT/PATH\n", argv[0]);
        return 2;
    }
    tieline_ws_options options = {
        .size = sizeof options,
        .url = argv[1],
        .reconnect = 1,
    };
    tieline_ws_client client;
    if (tieline_ws_connect(&options, &client) != TIELINE_WS_ERROR_NONE) {
        fprintf(stderr, "%s\n", tieline_ws_last_error(0, NULL));
        return 2;
    }

    const char *text = next_line();
    int done = 0;
    const tieline_ws_event *event;
    while (tieline_ws_poll(client, &event, -1) > 0) {
        switch (event->kind) {
        case TIELINE_WS_KIND_OPEN:
            fprintf(stderr, "open\n");
            send_or_close(client, text);
            break;
        case TIELINE_WS_KIND_MESSAGE:
            fwrite(event->data, 1, event->len, stdout);
            putchar('\n');
            fflush(stdout);
            text = next_line();
            send_or_close(client, text);
            break;
        case TIELINE_WS_KIND_ERROR:
            fprintf(stderr, "error: %s\n", event->data);
            break;
        case TIELINE_WS_KIND_CLOSE:
            fprintf(stderr, "closed: %d %s\n", (int)event->code, event->data);
            done = text == NULL && event->clean;
            break;
        case TIELINE_WS_KIND_PONG:
            break;
        }
    }
    tieline_ws_free(client);
    return done ? 0 : 1;
}
