-- Sends each line of standard input, and prints what comes back for it. When the line is lost it
-- comes back, and sends again what was not answered.
--
--   echo hello | luajit echo.lua ws://localhost:8080/echo
package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path
local tieline_ws = require("tieline_ws")

if #arg ~= 1 then
    io.stderr:write("usage: luajit echo.lua ws://HOST:PORT/PATH\n")
    os.exit(2)
end

local socket, trouble = tieline_ws.connect({ url = arg[1], reconnect = 1 })
if not socket then
    io.stderr:write(trouble, "\n")
    os.exit(2)
end

local line = io.read("*l")
local done = false

-- Where no line is open it is kept: OPEN will come.
local function send_or_close()
    if line then
        socket:send_text(line)
    else
        socket:close(1000, "done")
    end
end

local told = {
    open = function()
        io.stderr:write("open\n")
        send_or_close()
    end,
    message = function(event)
        print(event.data)
        io.flush()
        line = io.read("*l")
        send_or_close()
    end,
    error = function(event)
        io.stderr:write("error: ", event.data, "\n")
    end,
    close = function(event)
        io.stderr:write("closed: ", event.code, " ", event.data, "\n")
        done = not line and event.clean
    end,
    pong = function() end,
}

while true do
    local event = socket:poll()
    if not event then
        break
    end
    told[event.kind](event)
end
socket:free()
os.exit(done and 0 or 1, true)
