-- Report pageviews of many visitors on many pages, as a site's browsers would.
local browsers = {
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
  "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
}
local referrers = { "", "https://www.google.com/", "https://news.ycombinator.com/item", "https://duckduckgo.com/" }

-- Made before the clock starts: the load must cost less than what it measures.
local made, sent = {}, 0

function init(arguments)
  math.randomseed(20261123)
  for number = 1, 30000 do
    local address = string.format("%d.%d.%d.%d", math.random(20, 99), math.random(0, 50), math.random(0, 3), math.random(1, 254))
    local body = string.format(
      '{"n":"pageview","u":"http://localhost/articles/page-%d","d":"localhost","r":"%s"}',
      math.random(1, 500), referrers[math.random(#referrers)])
    made[number] = wrk.format("POST", "/api/event", {
      ["Content-Type"] = "text/plain",
      ["User-Agent"] = browsers[math.random(#browsers)],
      ["X-Forwarded-For"] = address,
      ["Accept-Language"] = "en-US,en;q=0.9",
    }, body)
  end
end

function request()
  sent = sent + 1
  return made[(sent - 1) % #made + 1]
end
