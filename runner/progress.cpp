#include "runner/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "io/append_format.h"
#include "io/json_text.h"
#include "runner/env.h"
#include "runner/quantity.h"
#include "runner/run_rates.h"

namespace batchrun {
namespace {

constexpr Duration bar_interval = std::chrono::milliseconds(95);  // ten a second, with room for a late timer
constexpr Duration line_interval = std::chrono::seconds(10);
constexpr Duration shortest_between_tenths = std::chrono::seconds(1);
constexpr Duration wait_worth_saying = std::chrono::seconds(2);
constexpr Duration wait_worth_showing = std::chrono::seconds(1);

std::string rows_text(const RunRates& now) {
  if (!now.total) return fmt::format("{} rows", format_count(now.done));
  return fmt::format("{}/{}{} rows", format_count(now.done), now.total_is_exact ? "" : "~",
                     format_count(*now.total));
}

std::optional<double> share_done(const RunRates& now) {
  if (!now.total || *now.total == 0) return std::nullopt;
  return static_cast<double>(now.done) / static_cast<double>(*now.total);
}

// Rounded down: 100 % is said only when it is true.
int percent(double share) {
  return static_cast<int>(share * 100 + 1e-9);
}

std::string wait_text(const RunFigures& figures) {
  return fmt::format("waiting {}: {}", format_duration(figures.waiting_for),
                     figures.waiting_reason.empty() ? "for the next request" : figures.waiting_reason);
}

// A piece of a line with its colour; what matters most comes first, for the last ones are dropped where room
// is short.
struct Piece {
  std::string text;
  std::string_view color;
};

std::vector<Piece> pieces(const RunFigures& figures, const RunRates& now, bool with_wait) {
  std::vector<Piece> out;
  if (const std::optional<double> share = share_done(now))
    out.push_back({fmt::format("{} %", percent(*share)), ""});
  out.push_back({rows_text(now), ""});
  if (with_wait) out.push_back({wait_text(figures), "33"});
  if (figures.rows_failed > 0)
    out.push_back({fmt::format("{} failed", format_count(figures.rows_failed)), "31"});
  // The rate before a wait says nothing of what comes after it.
  if (!with_wait && now.left && *now.left > Duration::zero())
    out.push_back({format_duration(*now.left) + " left", ""});
  out.push_back({fmt::format("{} rows/s", format_short(now.rows_per_second)), ""});
  out.push_back({fmt::format("{} in flight", format_count(figures.pool.in_flight)), ""});
  out.push_back({fmt::format("{} tok/min", format_short(now.tokens_per_minute)), ""});
  if (now.budget_share) out.push_back({fmt::format("budget {} %", percent(*now.budget_share)), ""});
  if (const std::optional<QuotaFigures>& quota = figures.pool.quota)
    out.push_back({fmt::format("{} % of the best", percent(quota->efficiency())), ""});
  if (figures.rate_limited > 0)
    out.push_back({fmt::format("{} x 429", format_count(figures.rate_limited)), "33"});
  return out;
}

// Characters, not bytes; wide ones are counted as one.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string paint(const Piece& piece, bool color) {
  return color && !piece.color.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", piece.color, piece.text)
                                       : piece.text;
}

std::string gauge(double share, std::size_t width, bool color) {
  const auto full = std::min(width, static_cast<std::size_t>(share * static_cast<double>(width)));
  std::string inside(full, '=');
  if (full > 0 && full < width) inside.back() = '>';
  return "[" + paint({inside, "32"}, color) + std::string(width - full, ' ') + "]";
}

int terminal_columns(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

ProgressMode chosen(ProgressMode mode, int fd) {
  if (mode != ProgressMode::automatic) return mode;
  const std::string term = env_value(process_environment(), "TERM");
  const bool able = ::isatty(fd) && !term.empty() && term != "dumb";
  return able ? ProgressMode::bar : ProgressMode::plain;
}

void append_field(std::string& out, std::string_view name, double value) {
  append_format(out, ",\"{}\":", name);
  append_json_number(out, value);
}

void append_field(std::string& out, std::string_view name, std::uint64_t value) {
  append_format(out, ",\"{}\":{}", name, value);
}

void append_quota(std::string& out, const QuotaFigures& quota) {
  append_field(out, "efficiency", quota.efficiency());
  out += ",\"bottleneck\":";
  append_json_string(
      out, fmt::format("{} {}", quota.group, quota.dimension ? name(*quota.dimension) : "open requests"));
  out += ",\"lost\":{";
  for (std::size_t cause = 0; cause < loss_causes; ++cause) {
    std::string field(name(static_cast<LossCause>(cause)));
    std::replace(field.begin(), field.end(), ' ', '_');
    append_format(out, "{}\"{}\":{:.4f}", cause == 0 ? "" : ",", field, quota.lost[cause]);
  }
  out += '}';
}

}  // namespace

std::string render_bar(const RunFigures& figures, int columns, bool color) {
  constexpr std::size_t shortest_gauge = 10, longest_gauge = 30;
  const std::size_t room = columns > 1 ? static_cast<std::size_t>(columns) : 1;
  const RunRates now = rates(figures);
  std::string out;
  std::size_t used = 0;
  for (const Piece& piece : pieces(figures, now, figures.waiting_for >= wait_worth_showing)) {
    const std::size_t width = width_of(piece.text) + (used > 0 ? 2 : 0);
    if (used + width > room) break;
    if (used > 0) out += "  ";
    out += paint(piece, color);
    used += width;
  }
  if (used == 0) return rows_text(now).substr(0, room);
  const std::optional<double> share = share_done(now);
  if (!share || room < used + shortest_gauge + 3) return out;
  return gauge(*share, std::min(longest_gauge, room - used - 3), color) + " " + out;
}

std::string render_plain(const RunFigures& figures) {
  std::string out;
  for (const Piece& piece : pieces(figures, rates(figures), figures.waiting_for > Duration::zero())) {
    if (!out.empty()) out += "  ";
    out += piece.text;
  }
  return out;
}

std::string render_json(const RunFigures& figures, std::time_t now) {
  const RunRates rate = rates(figures);
  std::string out = fmt::format("{{\"time\":\"{}\"", utc_stamp(now));
  append_field(out, "elapsed_s", seconds(figures.elapsed));
  append_field(out, "rows_read", figures.rows_read);
  append_field(out, "rows_done", rate.done);
  if (rate.total) append_field(out, rate.total_is_exact ? "rows_total" : "rows_total_estimate", *rate.total);
  append_field(out, "rows_ok", figures.rows_ok);
  append_field(out, "rows_failed", figures.rows_failed);
  append_field(out, "rows_skipped", figures.rows_skipped);
  append_field(out, "rows_per_second", rate.rows_per_second);
  append_field(out, "requests", figures.attempts);
  append_field(out, "rate_limited", figures.rate_limited);
  append_field(out, "in_flight", static_cast<std::uint64_t>(figures.pool.in_flight));
  append_field(out, "waiting_rows", static_cast<std::uint64_t>(figures.pool.waiting));
  append_field(out, "input_tokens", figures.input_tokens);
  append_field(out, "output_tokens", figures.output_tokens);
  append_field(out, "tokens_per_minute", rate.tokens_per_minute);
  if (rate.budget_share) append_field(out, "budget_share", *rate.budget_share);
  if (rate.left) append_field(out, "left_s", seconds(*rate.left));
  if (figures.pool.quota) append_quota(out, *figures.pool.quota);
  if (figures.waiting_for > Duration::zero()) {
    append_field(out, "waiting_for_s", seconds(figures.waiting_for));
    out += ",\"waiting_reason\":";
    append_json_string(out, figures.waiting_reason);
  }
  return out + "}";
}

std::string utc_stamp(std::time_t now) {
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

Progress::Progress(ProgressMode mode, bool color, int fd) : mode_(chosen(mode, fd)), color_(color), fd_(fd) {}

Progress::~Progress() {
  finish();
}

void Progress::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::write(fd_, text.data(), text.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;  // nobody listens; a run does not fail for that
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Progress::draw(const RunFigures& figures) {
  // One column stays free: a full last column makes some terminals wrap.
  write("\r" + render_bar(figures, terminal_columns(fd_) - 1, color_) + "\x1b[K");
  drawn_ = true;
}

bool Progress::due(const RunFigures& figures) {
  const Duration since = figures.elapsed - last_;
  if (mode_ == ProgressMode::bar) return !started_ || since >= bar_interval;
  const RunRates now = rates(figures);
  const int tenths = static_cast<int>(share_done(now).value_or(0) * 10 + 1e-9);
  const bool next_tenth =
      tenths > tenths_ && (since >= shortest_between_tenths || (tenths >= 10 && now.total_is_exact));
  const bool waits = figures.waiting_for >= wait_worth_saying;
  const bool new_wait = waits && !waiting_said_ && (since >= shortest_between_tenths || !started_);
  if (figures.waiting_for == Duration::zero() && since >= line_interval / 2) waiting_said_ = false;
  if (!next_tenth && !new_wait && since < line_interval) return false;
  tenths_ = std::max(tenths_, tenths);
  waiting_said_ = waiting_said_ || waits;
  return true;
}

void Progress::update(const RunFigures& figures, std::time_t now) {
  if (mode_ == ProgressMode::none || !due(figures)) return;
  last_ = figures.elapsed;
  started_ = true;
  if (mode_ == ProgressMode::bar) {
    draw(figures);
  } else {
    status(figures, now);
  }
}

void Progress::status(const RunFigures& figures, std::time_t now) {
  if (mode_ == ProgressMode::json) {
    write(render_json(figures, now) + "\n");
  } else {
    say(fmt::format("{}  {}", utc_stamp(now), render_plain(figures)));
  }
}

void Progress::say(std::string_view line) {
  finish();
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  write(std::string(line) + "\n");
}

void Progress::finish() {
  if (drawn_) write("\r\x1b[K");
  drawn_ = false;
}

}  // namespace batchrun
