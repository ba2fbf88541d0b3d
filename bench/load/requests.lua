-- Requests as services send them: about 1 KB of head with a dozen fields, one hundred paths, a new trace id each.
local requests, at = {}, 0

local function hex(digits)
  local text = {}
  for i = 1, digits do text[i] = string.format('%x', math.random(0, 15)) end
  return table.concat(text)
end

function init()
  math.randomseed(7)
  for i = 1, 500 do
    requests[i] = table.concat({
      'GET /api/route' .. (i % 100) .. '/items/' .. math.random(1, 99999) .. '?sort=price&page=2 HTTP/1.1',
      'Host: backend',
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36',
      'Accept: application/json, text/plain, */*',
      'Accept-Language: en-GB,en;q=0.8',
      'Accept-Encoding: gzip, br',
      'Authorization: Bearer ' .. hex(180),
      'Cookie: session=' .. hex(40) .. '; theme=dark; cart=' .. hex(24),
      'Referer: https://shop.example/catalog/' .. math.random(1, 9999),
      'X-Request-Id: ' .. hex(32),
      'X-Tenant: tenant-' .. (i % 9),
      'Cache-Control: no-cache',
      'traceparent: 00-' .. hex(32) .. '-' .. hex(16) .. '-01',
      '', '',
    }, '\r\n')
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
