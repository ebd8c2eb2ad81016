// Figures of a run in the middle of its work, for tests of what is shown.
#pragma once

#include "runner/run_figures.h"

namespace batchrun {

// 4,210 of about 10,000 rows (3 failed, 10 done before) after 70 s; two keys in one group of 600 requests and
// 60,000 tokens a minute, three quarters of both used.
inline RunFigures sample_figures() {
  RunFigures f;
  f.rows_read = 5000;
  f.rows_skipped = 10;
  f.rows_ok = 4197;
  f.rows_failed = 3;
  f.input_bytes = 500'000;
  f.input_bytes_total = 1'000'000;
  f.attempts = 4300;
  f.rate_limited = 2;
  f.input_tokens = 350'000;
  f.output_tokens = 70'000;
  f.cost.total = 94'500'000'000;  // $0.0945
  f.cost.unpriced_rows = 7;
  f.cost.perhaps_billed = 3;
  f.cost.perhaps = 1'500'000'000;
  f.cost.by_model = {{"openai/gpt-4o-mini", 94'500'000'000}};
  f.cost.by_key = {{"openai-1", 94'500'000'000}, {"openai-2", 0}};
  f.cost.by_user = {{"ann", 500'000'000}};
  f.elapsed = std::chrono::seconds(70);
  KeyFigures key;
  key.alias = "openai-1";
  key.sends = 2200;
  key.successes = 2197;
  key.input_tokens = 180'000;
  f.pool.keys.push_back(key);
  key.alias = "openai-2";
  key.state = KeyState::unavailable;
  key.out_because = "unauthorized\x1b[31m";
  f.pool.keys.push_back(key);
  GroupFigures group;
  group.name = "openai/org-a";
  group.limits[0] = 600;
  group.limits[1] = 60'000;
  group.limits[4] = 10'000;
  group.used = {450, 45'000, 0, 0, 4300, 0};
  group.total = {525, 52'500, 0, 0, 4300, 0};
  f.pool.groups.push_back(group);
  f.pool.in_flight = 64;
  f.pool.waiting = 700;
  f.pool.retries = 21;
  for (int ms = 100; ms < 1100; ++ms) f.latency.record(std::chrono::milliseconds(ms));
  f.errors["bad_request"] = {2, "r17", "unknown parameter"};
  f.errors["invalid_row"] = {1, "\x1b]52;c;x\x07", "not an object"};
  return f;
}

// How near the best possible a run of 68 s came: 97.1 %, the rest lost to packing, tail, foreign use and
// client.
inline QuotaFigures sample_quota() {
  QuotaFigures quota{.group = "openai/org-a",
                     .dimension = Dimension::tokens_per_minute,
                     .share = 0.987,
                     .least = std::chrono::seconds(66),
                     .took = std::chrono::seconds(68)};
  const double whole = 1 - quota.efficiency();
  of(quota.lost, LossCause::tail) = 0.3 * whole;
  of(quota.lost, LossCause::packing) = 0.5 * whole;
  of(quota.lost, LossCause::foreign) = 0.15 * whole;
  of(quota.lost, LossCause::client) = 0.05 * whole;
  return quota;
}

}  // namespace batchrun
