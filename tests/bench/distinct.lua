-- Report pageviews, each of a page and a visitor that nobody has seen before.
-- The first argument is how many were reported before.
local number = 0

function init(arguments)
  number = tonumber(arguments[1] or 0)
end

function request()
  number = number + 1
  local address = string.format("%d.%d.%d.%d", 20 + number % 180, math.floor(number / 180) % 250,
    math.floor(number / 45000) % 250, 1 + number % 250)
  local body = string.format(
    '{"n":"pageview","u":"http://localhost/articles/page-%d","d":"localhost"}', number)
  return wrk.format("POST", "/api/event", {
    ["Content-Type"] = "text/plain",
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:" .. (100 + number % 60)
      .. ".0) Gecko/20100101 Firefox/" .. (100 + number % 60) .. ".0",
    ["X-Forwarded-For"] = address,
  }, body)
end
