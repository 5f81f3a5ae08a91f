-- What each combination of these that ever had a request is called in the tables below.
CREATE TABLE labels (
  id INTEGER PRIMARY KEY,
  key_id TEXT NOT NULL, key TEXT NOT NULL, group_name TEXT, user TEXT, tags TEXT NOT NULL,
  api TEXT NOT NULL, operation TEXT NOT NULL, model TEXT NOT NULL,
  account TEXT, provider TEXT, pool TEXT, upstream_model TEXT
) STRICT;
CREATE INDEX labels_by_key_and_model ON labels (key_id, model);

-- One row for each request. Times are nanoseconds since 1970, spans microseconds, money ten-billionths of a dollar.
-- `request_id` is a blob of 16 bytes where it is one of the gateway's own. What has no column, or does not fit into it,
-- is in `detail`, as JSON in the shape of the admin API; what stands there goes before the column.
CREATE TABLE requests (
  id INTEGER PRIMARY KEY,
  label INTEGER NOT NULL, time INTEGER NOT NULL, status INTEGER NOT NULL, outcome TEXT NOT NULL,
  request_id ANY NOT NULL, session TEXT, client TEXT, attempts INTEGER NOT NULL, stream INTEGER NOT NULL,
  reported_model TEXT, error TEXT,
  input INTEGER, output INTEGER, cache_write_5m INTEGER, cache_write_1h INTEGER, cache_read INTEGER, reasoning INTEGER,
  cost INTEGER, list_cost INTEGER,
  ttfb INTEGER, duration INTEGER NOT NULL, overhead INTEGER NOT NULL,
  detail TEXT
) STRICT;
-- Ids of the gateway's own tell when they were made, and so where their row is.
CREATE INDEX requests_by_foreign_id ON requests (request_id) WHERE typeof(request_id) = 'text';

-- Sums of requests by when they began: `start` is in seconds since 1970. A number that is too large for 64 bits is a text.
CREATE TABLE quarter_sums (
  start INTEGER NOT NULL, label INTEGER NOT NULL,
  requests ANY NOT NULL, errors ANY NOT NULL, unpriced ANY NOT NULL,
  input ANY NOT NULL, output ANY NOT NULL, cache_write ANY NOT NULL, cache_read ANY NOT NULL, reasoning ANY NOT NULL,
  cost ANY NOT NULL, list_cost ANY NOT NULL,
  PRIMARY KEY (start, label)
) STRICT, WITHOUT ROWID;
CREATE TABLE hour_sums (
  start INTEGER NOT NULL, label INTEGER NOT NULL,
  requests ANY NOT NULL, errors ANY NOT NULL, unpriced ANY NOT NULL,
  input ANY NOT NULL, output ANY NOT NULL, cache_write ANY NOT NULL, cache_read ANY NOT NULL, reasoning ANY NOT NULL,
  cost ANY NOT NULL, list_cost ANY NOT NULL,
  PRIMARY KEY (start, label)
) STRICT, WITHOUT ROWID;
CREATE TABLE day_sums (
  start INTEGER NOT NULL, label INTEGER NOT NULL,
  requests ANY NOT NULL, errors ANY NOT NULL, unpriced ANY NOT NULL,
  input ANY NOT NULL, output ANY NOT NULL, cache_write ANY NOT NULL, cache_read ANY NOT NULL, reasoning ANY NOT NULL,
  cost ANY NOT NULL, list_cost ANY NOT NULL,
  PRIMARY KEY (start, label)
) STRICT, WITHOUT ROWID;

-- What is known of all of them: the last id, the zone of the days, from when on sums of quarter-hours are there.
CREATE TABLE marks (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

CREATE VIEW records AS
SELECT
  requests.id,
  CASE typeof(request_id) WHEN 'blob' THEN 'req_' || lower(hex(request_id)) ELSE request_id END AS request_id,
  strftime('%Y-%m-%dT%H:%M:%S', time / 1000000000, 'unixepoch') || printf('.%06dZ', time / 1000 % 1000000) AS time,
  key, key_id, group_name, user, tags, client, account, provider, pool, api, operation, model, upstream_model,
  reported_model, status, attempts, session, stream,
  input AS input_tokens, output AS output_tokens, cache_write_5m + cache_write_1h AS cache_write_tokens,
  cache_write_1h AS cache_write_1h_tokens, cache_read AS cache_read_tokens, reasoning AS reasoning_tokens,
  ifnull(json_extract(detail, '$.usage_estimated'), 0) AS usage_estimated,
  ifnull(json_extract(detail, '$.cost'), CASE WHEN cost IS NULL THEN NULL WHEN cost < 0 THEN '-' ELSE '' END
    || rtrim(rtrim(printf('%d.%010d', abs(cost) / 10000000000, abs(cost) % 10000000000), '0'), '.')) AS cost,
  ifnull(json_extract(detail, '$.list_cost'), CASE WHEN list_cost IS NULL THEN NULL WHEN list_cost < 0 THEN '-' ELSE '' END
    || rtrim(rtrim(printf('%d.%010d', abs(list_cost) / 10000000000, abs(list_cost) % 10000000000), '0'), '.'))
    AS list_cost,
  ttfb / 1000.0 AS ttfb_ms, duration / 1000.0 AS duration_ms, overhead / 1000.0 AS overhead_ms,
  error, outcome, detail
FROM requests JOIN labels ON labels.id = requests.label;

CREATE VIEW usage_by_day AS
SELECT
  strftime('%Y-%m-%dT%H:%M:%SZ', start, 'unixepoch') AS start,
  key, key_id, group_name, user, tags, account, provider, pool, api, operation, model, upstream_model,
  requests, errors, unpriced AS unpriced_requests, input AS input_tokens, output AS output_tokens,
  cache_write AS cache_write_tokens, cache_read AS cache_read_tokens, reasoning AS reasoning_tokens,
  CASE WHEN typeof(cost) = 'text' THEN substr(cost, 1, length(cost) - 10) || '.' || substr(cost, -10)
    ELSE CASE WHEN cost < 0 THEN '-' ELSE '' END
    || rtrim(rtrim(printf('%d.%010d', abs(cost) / 10000000000, abs(cost) % 10000000000), '0'), '.') END AS cost,
  CASE WHEN typeof(list_cost) = 'text' THEN substr(list_cost, 1, length(list_cost) - 10) || '.' || substr(list_cost, -10)
    ELSE CASE WHEN list_cost < 0 THEN '-' ELSE '' END
    || rtrim(rtrim(printf('%d.%010d', abs(list_cost) / 10000000000, abs(list_cost) % 10000000000), '0'), '.') END
    AS list_cost
FROM day_sums JOIN labels ON labels.id = day_sums.label;

CREATE VIEW usage_by_quarter AS
SELECT
  strftime('%Y-%m-%dT%H:%M:%SZ', start, 'unixepoch') AS start,
  key, key_id, group_name, user, tags, account, provider, pool, api, operation, model, upstream_model,
  requests, errors, unpriced AS unpriced_requests, input AS input_tokens, output AS output_tokens,
  cache_write AS cache_write_tokens, cache_read AS cache_read_tokens, reasoning AS reasoning_tokens,
  CASE WHEN typeof(cost) = 'text' THEN substr(cost, 1, length(cost) - 10) || '.' || substr(cost, -10)
    ELSE CASE WHEN cost < 0 THEN '-' ELSE '' END
    || rtrim(rtrim(printf('%d.%010d', abs(cost) / 10000000000, abs(cost) % 10000000000), '0'), '.') END AS cost,
  CASE WHEN typeof(list_cost) = 'text' THEN substr(list_cost, 1, length(list_cost) - 10) || '.' || substr(list_cost, -10)
    ELSE CASE WHEN list_cost < 0 THEN '-' ELSE '' END
    || rtrim(rtrim(printf('%d.%010d', abs(list_cost) / 10000000000, abs(list_cost) % 10000000000), '0'), '.') END
    AS list_cost
FROM quarter_sums JOIN labels ON labels.id = quarter_sums.label;
