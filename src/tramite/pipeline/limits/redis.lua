-- What `decisions.py` says, for buckets that are kept in Redis: keep both alike. Whole batches, so that one round trip
-- serves many requests. The constants in capitals are put before this text; they are those of `decisions.py`.
--
-- KEYS     the buckets, each a record as in `records.py`, packed
-- ARGV[1]  the process that asks, which holds the slots
-- ARGV[2]  what it asks and tells, packed: the slots it holds in buckets that it renews, then what happened, in order
-- ARGV[3]  the time in microseconds, in tests; else it is the server's
-- Returns the verdicts, packed.

local holder = ARGV[1]
local renewed, told = unpack(cmsgpack.unpack(ARGV[2]))
local now = tonumber(ARGV[3])
if not now then
    local time = redis.call('TIME')
    now = time[1] * SECOND_US + time[2]
end

local buckets, changed = {}, {}
for _, key in ipairs(KEYS) do
    local kept = redis.call('GET', key)
    local sound, bucket = pcall(cmsgpack.unpack, kept or '')
    if not kept or not sound or type(bucket) ~= 'table' then
        bucket = {}
    end
    bucket.due_us = bucket.due_us or {}
    bucket.held = bucket.held or {}
    bucket.learned = bucket.learned or {}
    bucket.closed_us = bucket.closed_us or 0
    bucket.day_us = bucket.day_us or 0
    bucket.day_used = bucket.day_used or 0
    buckets[key:sub(#PREFIX + 1)] = bucket
end

local function cost_us(rate, units)
    return math.ceil(units * rate.unit_us)
end

local function units_of(rate, tokens)
    return rate.tokens and tokens or 1
end

local function rates_of(bucket, want)
    local rates, names = {}, {}
    for _, rate in ipairs(want.rates or {}) do
        rates[#rates + 1] = rate
    end
    for name, learned in pairs(bucket.learned) do
        if (learned.at_us or 0) + STALE_US > now then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    for _, name in ipairs(names) do
        rates[#rates + 1] = bucket.learned[name].rate
    end
    return rates
end

local function slots_held(name)
    local slots, bucket = 0, buckets[name]
    for process, lease in pairs(bucket.held) do
        if lease[2] > now or process == holder then
            slots = slots + lease[1]
        else
            bucket.held[process], changed[name] = nil, bucket
        end
    end
    return slots
end

local function earliest(bucket, want, tokens)
    local start, limit = now, ''
    if bucket.closed_us > now then
        start, limit = bucket.closed_us, 'throttled'
    end
    for _, rate in ipairs(want.rates or {}) do
        if units_of(rate, tokens) > rate.most then
            return math.huge, rate.name
        end
    end
    if want.per_day and bucket.day_used + 1 > want.per_day then
        if want.per_day < 1 then
            return math.huge, 'requests_per_day'
        end
        if bucket.day_us + DAY_US > start then
            start, limit = bucket.day_us + DAY_US, 'requests_per_day'
        end
    end
    for _, rate in ipairs(rates_of(bucket, want)) do
        local due = bucket.due_us[rate.name]
        if due and due > start then
            local at = due - math.max(0, rate.burst_us - cost_us(rate, units_of(rate, tokens)))
            if at > start then
                start, limit = at, rate.name
            end
        end
    end
    return start, limit
end

local function commit(bucket, want, tokens, start)
    for _, rate in ipairs(rates_of(bucket, want)) do
        local cost, open = cost_us(rate, units_of(rate, tokens)), start - bucket.closed_us
        if bucket.closed_us ~= 0 and open >= 0 and open < RAMP_US then
            cost = math.floor(cost * 2 * RAMP_US / (RAMP_US + open))
        end
        bucket.due_us[rate.name] = math.max(bucket.due_us[rate.name] or 0, start) + cost
    end
    if want.per_day then
        if bucket.day_us + DAY_US <= start or bucket.day_used == 0 then
            bucket.day_us, bucket.day_used = start, 0
        end
        bucket.day_used = bucket.day_used + 1
    end
    if want.slots then
        local lease = bucket.held[holder]
        bucket.held[holder] = {(lease and lease[1] or 0) + 1, now + LEASE_US}
    end
    changed[want.bucket] = bucket
end

local function verdict(granted, start, of, limit)
    return {granted = granted, wait_s = (start - now) / SECOND_US, bucket = of, limit = limit}
end

local function take(wants, tokens)
    local start, limit, of, full = now, '', '', nil
    for _, want in ipairs(wants) do
        local bucket = buckets[want.bucket]
        local at, name = earliest(bucket, want, tokens)
        if at == math.huge then
            return verdict(false, math.huge, want.bucket, name)
        end
        if at > start then
            start, limit, of = at, name, want.bucket
        end
        if want.slots and slots_held(want.bucket) >= want.slots then
            full = want.bucket
        end
    end
    if full then
        return verdict(false, start, full, 'concurrency')
    end
    if start > now + AHEAD_US then
        return verdict(false, start, of, limit)
    end
    for _, want in ipairs(wants) do
        commit(buckets[want.bucket], want, tokens, start)
    end
    return verdict(true, start, of, limit)
end

local function give_back(wants, tokens, unsent)
    for _, want in ipairs(wants) do
        local bucket = buckets[want.bucket]
        for _, rate in ipairs(rates_of(bucket, want)) do
            local due, units = bucket.due_us[rate.name], 0
            if rate.tokens then
                units = (tokens < 0 and rate.refunds == false and not unsent) and 0 or tokens
            elseif unsent then
                units = -1
            end
            if due and units > 0 then
                bucket.due_us[rate.name] = math.max(due, now) + cost_us(rate, units)
            elseif due and units < 0 then
                bucket.due_us[rate.name] = due - cost_us(rate, -units)
            end
        end
        if unsent and want.per_day then
            bucket.day_used = math.max(0, bucket.day_used - 1)
        end
        local lease = want.slots and bucket.held[holder]
        if lease then
            lease[1] = lease[1] - 1
            if lease[1] <= 0 then
                bucket.held[holder] = nil
            end
        end
        changed[want.bucket] = bucket
    end
end

local function learn(name, lessons)
    local bucket = buckets[name]
    for _, lesson in ipairs(lessons) do
        local learned = lesson.learned
        local rate, busy_us = learned.rate.name, lesson.busy_us or 0
        learned.at_us = now
        bucket.learned[rate] = learned
        if busy_us > 0 then
            bucket.due_us[rate] = math.max(bucket.due_us[rate] or 0, now + busy_us)
        end
    end
    changed[name] = bucket
end

local function close(name, for_us)
    local bucket = buckets[name]
    bucket.closed_us = math.max(bucket.closed_us, now + for_us)
    changed[name] = bucket
end

-- When a bucket will be as good as none.
local function idle_us(bucket)
    local idle = bucket.closed_us + RAMP_US
    for _, due in pairs(bucket.due_us) do
        idle = math.max(idle, due)
    end
    if bucket.day_used > 0 then
        idle = math.max(idle, bucket.day_us + DAY_US)
    end
    for _, lease in pairs(bucket.held) do
        idle = math.max(idle, lease[2])
    end
    for _, learned in pairs(bucket.learned) do
        idle = math.max(idle, learned.at_us + STALE_US)
    end
    return idle
end

-- It expires, but not at once: the server's clock may be set back.
local function save(name, bucket)
    local left_us, empty = idle_us(bucket) - now, bucket.closed_us == 0 and bucket.day_used == 0
    for _, field in ipairs({'due_us', 'held', 'learned'}) do
        if next(bucket[field]) == nil then
            bucket[field] = nil -- packed, an empty table is a list, which Python would not take for a mapping
        else
            empty = false
        end
    end
    if empty then
        redis.call('DEL', PREFIX .. name)
    else
        local ttl_ms = (math.max(0, left_us) + GRACE_US) / 1000
        redis.call('SET', PREFIX .. name, cmsgpack.pack(bucket), 'PX', string.format('%.0f', ttl_ms))
    end
end

-- What it says it holds is the truth, whatever was lost on the way here.
for name, slots in pairs(renewed) do
    buckets[name].held[holder] = slots > 0 and {slots, now + LEASE_US} or nil
    changed[name] = buckets[name]
end
local verdicts = {}
local on = {take = take, give_back = give_back, learn = learn, close = close}
for _, one in ipairs(told) do
    verdicts[#verdicts + 1] = on[one[1]](unpack(one, 2))
end
for name, bucket in pairs(changed) do
    save(name, bucket)
end
return cmsgpack.pack(verdicts)
