-- The functions of tieline_ws.h for LuaJIT. The options end where the callbacks would begin: a
-- struct may be shorter than the library's, its `size` says so.
local ffi = require("ffi")

ffi.cdef([[
typedef uint64_t tieline_ws_client;

typedef struct {
    uint64_t client;
    int32_t kind, message;
    const char *data;
    size_t len;
    int32_t code, clean;
    int64_t retry_in_ms;
} tieline_ws_event;

typedef struct {
    size_t size;
    const char *url, *protocols, *headers, *origin, *proxy, *ca_pem, *certificate_pem, *key_pem, *pinned_key;
    int64_t ca_only, danger_accept_any_certificate;
    int64_t connect_timeout_ms, ping_after_ms, pong_timeout_ms, close_timeout_ms;
    int64_t max_message_bytes, send_queue_bytes, event_queue_bytes, event_queue_events;
    int64_t redirects, deflate, deflate_level;
    int64_t reconnect, reconnect_base_ms, reconnect_max_ms, reconnect_stable_ms;
} tieline_ws_options;

int32_t tieline_ws_connect(const tieline_ws_options *options, tieline_ws_client *client);
int32_t tieline_ws_poll(tieline_ws_client client, const tieline_ws_event **event, int64_t timeout_ms);
int32_t tieline_ws_send_text(tieline_ws_client client, const char *text, size_t len);
int32_t tieline_ws_send_binary(tieline_ws_client client, const void *data, size_t len);
int32_t tieline_ws_ping(tieline_ws_client client, const void *data, size_t len);
int32_t tieline_ws_close(tieline_ws_client client, uint32_t code, const char *reason, size_t len);
int32_t tieline_ws_free(tieline_ws_client client);
int64_t tieline_ws_buffered_amount(tieline_ws_client client);
int32_t tieline_ws_ready_state(tieline_ws_client client);
const char *tieline_ws_last_error(tieline_ws_client client, size_t *len);
const char *tieline_ws_error_text(int32_t error, size_t *len);
const char *tieline_ws_version(size_t *len);
]])

-- TIELINE_WS names the shared library where the system does not know it.
local library = ffi.load(os.getenv("TIELINE_WS") or "tieline_ws")

local M = { KIND = { [1] = "open", [2] = "message", [3] = "close", [4] = "error", [5] = "pong" } }

local WebSocket = {}
WebSocket.__index = WebSocket

-- Starts to connect; the fields are those of tieline_ws_options. Gives nil and words where they
-- are wrong.
function M.connect(fields)
    local options = ffi.new("tieline_ws_options")
    options.size = ffi.sizeof(options)
    for name, value in pairs(fields) do
        options[name] = value
    end
    local client = ffi.new("tieline_ws_client[1]")
    if library.tieline_ws_connect(options, client) ~= 0 then
        return nil, ffi.string(library.tieline_ws_last_error(0, nil))
    end
    return setmetatable({ client = client[0], pointer = ffi.new("const tieline_ws_event *[1]") }, WebSocket)
end

-- The next event as a table, nil where there is none within the time (milliseconds, without it for
-- ever), false after the last one.
function WebSocket:poll(timeout_ms)
    local polled = library.tieline_ws_poll(self.client, self.pointer, timeout_ms or -1)
    if polled <= 0 then
        return polled == 0 and nil
    end
    local event = self.pointer[0]
    return {
        kind = M.KIND[event.kind],
        data = ffi.string(event.data, event.len),
        binary = event.message == 2,
        code = event.code,
        clean = event.clean == 1,
        retry_in_ms = tonumber(event.retry_in_ms),
    }
end

-- True, or nil, words and the number of the error.
function WebSocket:result(answer)
    if answer >= 0 then
        return true
    end
    return nil, ffi.string(library.tieline_ws_last_error(self.client, nil)), answer
end

function WebSocket:send_text(text)
    return self:result(library.tieline_ws_send_text(self.client, text, #text))
end

function WebSocket:send_binary(data)
    return self:result(library.tieline_ws_send_binary(self.client, data, #data))
end

function WebSocket:close(code, reason)
    return self:result(library.tieline_ws_close(self.client, code or 1000, reason or "", #(reason or "")))
end

function WebSocket:free()
    return self:result(library.tieline_ws_free(self.client))
end

return M
