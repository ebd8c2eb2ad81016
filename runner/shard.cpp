#include "runner/shard.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cmath>
#include <utility>

#include "runner/cost_estimate.h"
#include "runner/progress.h"

// GCC 12 takes Asio's recycled coroutine frames for a mismatched delete (GCC bug 109224).
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace batchrun {
namespace {

// Rows waiting here are what the scheduler may choose from: enough of them that one busy lane does not hide
// another.
constexpr std::size_t waiting_rows = 16'384;
constexpr std::size_t row_bytes_limit = 16u << 20;  // text of rows in memory, the one being added aside
constexpr std::size_t lines_bytes = 64u << 10;  // handed over at this size, as half of what may be in flight,
constexpr Duration lines_age = std::chrono::milliseconds(1);  // or at this age
constexpr Duration late_output_worth_saying = std::chrono::seconds(1);
constexpr Duration publish_interval = std::chrono::milliseconds(100);
constexpr Duration news_interval = std::chrono::seconds(1);
constexpr int dispatches_per_turn = 64;  // then the network gets its turn
constexpr std::size_t held_rows = 256;   // for their cost; more would only fill memory
constexpr std::size_t notes_limit = 20;  // attempts listed in an error line

std::uint64_t in_ms(Duration d) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(d).count()));
}

// The stable code of an error line.
std::string error_code_of(GiveUp why, const Fault* fault, const Row& row) {
  switch (why) {
    case GiveUp::deadline:
      return "deadline";
    case GiveUp::exceeds_window:
      return "exceeds_quota_window";
    case GiveUp::permanent:
      if (fault == nullptr) break;
      if (fault->kind == FaultKind::content_refused) return "content_refused";
      if (fault->kind == FaultKind::too_large) return "response_too_large";
      return "bad_request";
    case GiveUp::attempts_spent:
    case GiveUp::no_candidate:
    case GiveUp::none:
      break;
  }
  return row.model.empty() && row.route.empty() ? "all_providers_failed" : "all_keys_failed";
}

std::string message_of(GiveUp why, const Fault* fault) {
  if (fault != nullptr && !fault->message.empty()) return fault->message;
  switch (why) {
    case GiveUp::deadline:
      return "the row's deadline passed before it got an answer";
    case GiveUp::exceeds_window:
      return "the row needs more tokens than any key's quota window holds";
    case GiveUp::no_candidate:
      return "no key that may answer this row is left";
    case GiveUp::attempts_spent:
      return "every attempt failed";
    case GiveUp::permanent:
      return "the provider refuses this request";
    case GiveUp::none:
      break;
  }
  return "failed";
}

// What a reply without usage is taken to have used; the result line says that it is an estimate.
void estimate_usage(Answer& answer, const Job& job) {
  constexpr std::size_t around_the_text = 320, bytes_per_token = 4;  // of a chat.completion
  answer.usage.input_tokens = static_cast<std::uint64_t>(std::llround(job.input_tokens));
  answer.usage.output_tokens =
      (answer.body.size() - std::min(answer.body.size(), around_the_text)) / bytes_per_token;
}

}  // namespace

Shard::Shard(const Settings& settings, net::io_context& context, Clock& clock, Transport& transport,
             IntakeQueue& intake, LinesLink& lines, StateLink& state)
    : settings_(settings),
      context_(context),
      clock_(clock),
      transport_(transport),
      intake_(intake),
      outbox_(lines),
      state_(state),
      scheduler_(settings.pool),
      alarm_(clock.make_alarm(context)),
      costs_(settings),
      patience_(settings.providers.size()) {
  const auto ring = [this] { from_outside(nullptr); };
  intake_.on_item = ring;
  outbox_.lines.on_room = ring;
  outbox_.written.on_item = ring;
  state_.grants.on_item = ring;
}

Shard::~Shard() {
  intake_.on_item = nullptr;
  outbox_.lines.on_room = nullptr;
  outbox_.written.on_item = nullptr;
  state_.grants.on_item = nullptr;
}

void Shard::start() {
  started_at_ = published_at_ = news_at_ = clock_.now();
  net::co_spawn(context_, run(), [this](const std::exception_ptr& broken) {
    if (broken) std::rethrow_exception(broken);
    context_.stop();  // the transport's own timers are nothing to wait for
  });
}

Task<void> Shard::run() {
  for (;;) {
    const TimePoint now = clock_.now();
    TimePoint sleep_until = now;
    if (!step(now, sleep_until)) break;
    if (!lines_.results.empty() || !lines_.errors.empty())
      sleep_until = std::min(sleep_until, lines_since_ + lines_age);
    co_await alarm_->wait_until(std::min(sleep_until, published_at_ + publish_interval));
  }
  while (attempts_open_ > 0) co_await alarm_->wait_until(never);
  hand_over_lines(clock_.now(), true);
  end_unsent();
  hand_over_news(clock_.now(), true);
  figures_.cost = costs_.figures();  // the sums by user may be many: told once
  publish(clock_.now());
}

// Everything that can be done now. False: the run is over.
bool Shard::step(TimePoint now, TimePoint& sleep_until) {
  take_written();
  take_grants();
  take_in(now);
  hand_over_lines(now, false);
  hand_over_news(now, false);
  if (now - published_at_ >= publish_interval) publish(now);
  waiting_until_ = {};
  const TimePoint late_since = std::min(std::exchange(output_late_since_, never), now);
  const auto wait_for_output = [&] {
    output_late_since_ = late_since;
    sleep_until = never;
    return true;
  };
  // The disk is behind: more answers would only pile up in memory.
  if (!stopping_ && outbox_.lines.full()) return wait_for_output();
  for (int i = 0; i < dispatches_per_turn; ++i) {
    if (!stopping_ && lines_hold_up()) return wait_for_output();
    Decision decision = scheduler_.next(now);
    if (auto* go = std::get_if<Dispatch>(&decision)) {
      spawn(std::move(*go));
    } else if (auto* expired = std::get_if<Expired>(&decision)) {
      give_up(expired->job, expired->why, nullptr, expired->spent_day);
    } else if (auto* wait = std::get_if<Wait>(&decision)) {
      waiting_until_ = scheduler_.waiting() > 0 ? wait->until : TimePoint{};
      sleep_until = wait->until;
      return true;
    } else if (std::holds_alternative<Starved>(decision)) {
      starved_ = true;
      intake_.close();  // the feeder need not read on
      return false;
    } else {
      return false;
    }
  }
  sleep_until = now;
  return true;
}

void Shard::take_in(TimePoint now) {
  if (std::exchange(settled_, false)) admit_held(now);
  // Refused rows become lines at once: those are bounded, too.
  while (!stopping_ && !cost_limit_reached_ && held_.size() < held_rows &&
         scheduler_.waiting() < waiting_rows && row_bytes_ < row_bytes_limit && lines_.size() < lines_bytes &&
         !outbox_.lines.full()) {
    std::optional<Intake> intake = intake_.try_pop();
    if (!intake) break;
    admit(std::move(*intake), now);
  }
  const bool refuses = stopping_ || cost_limit_reached_;
  figures_.input_ended = figures_.input_ended || (intake_.ended() && !refuses);
  // Once the cap is reached, what the intake still has is left for another run.
  const bool no_more_rows = cost_limit_reached_ || intake_.ended();
  if (!closed_ && (stopping_ || (no_more_rows && !may_come_back()))) {
    closed_ = true;
    scheduler_.close();
  }
}

// Whether rows that are here may have to be let in anew: those that wait for their cost, and those whose
// attempts may fail and be billed.
bool Shard::may_come_back() const {
  return costs_.limited() && slots_.size() > free_.size();
}

void Shard::admit(Intake intake, TimePoint now) {
  for (std::string& model : intake.lanes.models) {
    costs_.add_model(model);
    models_.push_back(std::move(model));
  }
  for (LaneSpec& lane : intake.lanes.lanes) {
    costs_.add_lane(lane);
    scheduler_.add_lane(std::move(lane));
  }
  figures_.rows_read += intake.rows_read;
  figures_.rows_skipped += intake.rows_skipped;
  figures_.input_bytes = intake.input_bytes;
  figures_.input_bytes_total = intake.input_bytes_total;
  for (const RowError& refused : intake.refused) {
    if (lines_.size() == 0) lines_since_ = now;
    append_refusal_line(lines_.errors, refused);
    ++figures_.rows_failed;
    count_error(refused.code, refused.custom_id,
                "line " + std::to_string(refused.line) + ": " + refused.message);
  }
  for (Arrival& arrival : intake.rows) take(std::move(arrival), now);
}

void Shard::take(Arrival arrival, TimePoint now) {
  Job job;
  job.lane = arrival.lane;
  job.input_tokens = arrival.input_tokens;
  job.max_output_tokens = arrival.max_output_tokens;
  job.row = new_slot(std::move(arrival.row), now);
  admit(job, now);
}

void Shard::admit(const Job& job, TimePoint now) {
  if (cost_limit_reached_) return free_slot(job.row);  // left for another run
  Slot& slot = slots_[job.row.value];
  slot.stake = {CostBook::user_of(*slot.row), 0, day_of(now)};
  std::optional<Picodollars> most = 0;
  if (costs_.spend().capped(slot.stake.user)) most = costs_.most(job.lane, *slot.row);
  if (!most) {
    return fail(job.row, "no_price",
                "no price is known for a model that may answer this row, so no cap on cost can be kept; "
                "add it to the price table (\"prices\" in the config)");
  }
  const Spend::Verdict verdict = stake_out(slot, *most, now);
  if (verdict == Spend::Verdict::go) return scheduler_.submit(job, now);
  turn_away(job, *most, verdict);
}

// Whether the caps on spending let an attempt of the row in; if so, with the most it can cost as its stake.
Spend::Verdict Shard::stake_out(Slot& slot, Picodollars most, TimePoint now) {
  const Stake stake{slot.stake.user, most, day_of(now)};
  const Spend::Verdict verdict =
      costs_.spend().capped(stake.user) ? costs_.spend().ask(stake) : Spend::Verdict::go;
  if (verdict == Spend::Verdict::go) {
    costs_.spend().let_in(stake);
    slot.stake = stake;
  }
  return verdict;
}

// A row that was not let in is held, refused, or left for another run.
void Shard::turn_away(const Job& job, Picodollars most, Spend::Verdict verdict) {
  switch (verdict) {
    case Spend::Verdict::wait:
      return held_.push_back(job);
    case Spend::Verdict::user_limit:
      return fail(
          job.row, "cost_limit",
          fmt::format("it may cost up to ${:.6f}, more than is left of its user's cap for today (UTC)",
                      dollars(most)));
    case Spend::Verdict::run_limit:
      free_slot(job.row);
      cost_limit_reached_ = figures_.cost_limit_reached = true;
      drop_held();
      return intake_.close();  // the feeder need not read on
    case Spend::Verdict::go:
      break;
  }
  std::abort();
}

void Shard::drop_held() {
  for (const Job& job : std::exchange(held_, {})) free_slot(job.row);
  costs_.spend().forget_wants();
}

void Shard::admit_held(TimePoint now) {
  const std::deque<Job> held = std::exchange(held_, {});
  costs_.spend().forget_wants();
  for (const Job& job : held) admit(job, now);
}

void Shard::spawn(Dispatch dispatch) {
  ++attempts_open_;
  net::co_spawn(context_, attempt(std::move(dispatch)), [this](const std::exception_ptr& broken) {
    if (broken) std::rethrow_exception(broken);
    --attempts_open_;
    alarm_->ring();
  });
}

Task<void> Shard::attempt(Dispatch dispatch) {
  const TimePoint sent_at = clock_.now();
  Slot& slot = slots_[dispatch.job.row.value];
  if (slot.attempts++ == 0) slot.queue_ms = in_ms(sent_at - slot.arrived_at);
  const Key& key = settings_.keys[dispatch.permit.key().value];
  const Provider& provider = settings_.providers[key.provider];
  const bool streamed = settings_.stream != StreamMode::off && provider.dialect->streams(slot.row->api);

  const Request request = provider.dialect->encode(*slot.row, models_[dispatch.permit.model()], streamed,
                                                   provider.endpoint, key.credential);
  StreamValidator validator(*provider.dialect, slot.row->api, streamed, {}, [this] { return unix_now(); });
  FirstChunkPatience& patience = patience_[key.provider];
  Deadlines deadlines;
  // Of an answer that is not streamed nothing comes before all of it has been made.
  deadlines.first_chunk = streamed ? patience.deadline(deadlines.total) : deadlines.total;
  Ending ending = co_await transport_.perform(request, validator, deadlines);
  if (streamed && ending.first_chunk > Duration::zero()) patience.came_after(ending.first_chunk);
  Reply reply = validator.conclude(ending);
  settle(std::move(dispatch), std::move(reply), ending, sent_at);
}

void Shard::settle(Dispatch dispatch, Reply reply, const Ending& ending, TimePoint sent_at) {
  const TimePoint now = clock_.now();
  const RowId id = dispatch.job.row;
  if (!reply.fault && !reply.answer.usage.known) estimate_usage(reply.answer, dispatch.job);
  Outcome outcome;
  outcome.fault = reply.fault;
  outcome.usage = reply.answer.usage;
  outcome.limits = reply.limits;
  outcome.first_chunk = ending.first_chunk;
  outcome.elapsed = now - sent_at;

  Slot& slot = slots_[id.value];
  slot.last_key = dispatch.permit.key();
  slot.last_model = dispatch.permit.model();
  ++figures_.attempts;
  if (reply.fault) note_failure(slot, dispatch.permit, reply, sent_at);

  const Job job = dispatch.job;
  const Picodollars most = slot.stake.most;
  Spend::Verdict money = Spend::Verdict::go;  // for another attempt
  if (reply.fault && may_be_billed(*reply.fault, ending)) money = pay_perhaps(slot, now);
  const bool lacks_money = money != Spend::Verdict::go && !stopping_;
  const Disposition disposition =
      scheduler_.settle(std::move(dispatch.permit), job, outcome, now,
                        lacks_money ? Scheduler::Again::hand_back : Scheduler::Again::queue);
  switch (disposition.next) {
    case Disposition::Next::finished:
      finish(id, reply, outcome);
      break;
    case Disposition::Next::given_up:
      give_up(job, disposition.why, &*reply.fault);
      break;
    case Disposition::Next::handed_back:
      turn_away(*disposition.job, most, money);
      break;
    case Disposition::Next::requeued:
      break;
  }
}

// What the attempt can have cost counts against the caps from now on. Whether they have room for another one.
Spend::Verdict Shard::pay_perhaps(Slot& slot, TimePoint now) {
  costs_.pay_perhaps(slot.last_key, slot.last_model, slot.stake, *slot.row);
  costs_.spend().end(slot.stake);
  return stake_out(slot, std::exchange(slot.stake.most, 0), now);
}

std::string Shard::message_of(const SpentDay& spent) const {
  const std::chrono::sys_seconds epoch = settings_.pool.settings.epoch;
  const auto until = epoch + std::chrono::ceil<std::chrono::seconds>(spent.until.time_since_epoch());
  return fmt::format(
      "the row's deadline passed while it waited for {}: {} used up until {}; a longer --row-deadline waits "
      "for "
      "that",
      settings_.pool.groups[spent.group.value].name,
      spent.dimension ? fmt::format("its {} are", name(*spent.dimension)) : std::string("its day's quota is"),
      utc_stamp(std::chrono::system_clock::to_time_t(until)));
}

void Shard::note_failure(Slot& slot, const Permit& permit, const Reply& reply, TimePoint sent_at) {
  const Fault& fault = *reply.fault;
  if (fault.kind == FaultKind::rate_limited) ++figures_.rate_limited;
  slot.last_status = reply.status;
  slot.last_request_id = reply.request_id;
  slot.last_body = settings_.keys[permit.key().value].credential.redact(reply.error_body);
  if (slot.notes.size() >= notes_limit) slot.notes.erase(slot.notes.begin());  // the last ones tell most
  const Key& key = settings_.keys[permit.key().value];
  AttemptNote note;
  note.provider = settings_.providers[key.provider].name;
  note.key = key.alias;
  note.model = models_[permit.model()];
  note.status = reply.status;
  note.fault = name(fault.kind);
  note.message = key.credential.redact(fault.message);
  note.at_ms = in_ms(sent_at - started_at_);
  if (traits(fault.kind).blames_key) last_trouble_ = note.message.empty() ? note.fault : note.message;
  slot.notes.push_back(std::move(note));
}

RowFigures Shard::row_figures(const Slot& slot, const Outcome* outcome) const {
  RowFigures figures;
  figures.attempts = slot.attempts;
  figures.queue_ms = slot.queue_ms;
  if (slot.attempts > 0) {
    const Key& key = settings_.keys[slot.last_key.value];
    figures.key = key.alias;
    figures.provider = settings_.providers[key.provider].name;
    figures.model = models_[slot.last_model];
  }
  if (outcome != nullptr) {
    figures.first_chunk_ms = in_ms(outcome->first_chunk);
    figures.latency_ms = in_ms(outcome->elapsed);
  }
  return figures;
}

void Shard::finish(RowId id, const Reply& reply, const Outcome& outcome) {
  const Slot& slot = slots_[id.value];
  RowFigures figures = row_figures(slot, &outcome);
  begin_line(slot);
  figures.cost = costs_.pay(slot.last_key, slot.last_model, slot.stake, outcome.usage);
  append_result_line(lines_.results, *slot.row, reply.answer, reply.status, reply.request_id, figures);
  ++figures_.rows_ok;
  figures_.input_tokens += outcome.usage.input_tokens;
  figures_.output_tokens += outcome.usage.output_tokens;
  figures_.latency.record(outcome.elapsed);
  figures_.first_chunk.record(outcome.first_chunk);
  free_slot(id);
}

void Shard::give_up(const Job& job, GiveUp why, const Fault* fault,
                    const std::optional<SpentDay>& spent_day) {
  const Slot& slot = slots_[job.row.value];
  std::string message = spent_day ? message_of(*spent_day) : batchrun::message_of(why, fault);
  if (slot.attempts > 0) message = settings_.keys[slot.last_key.value].credential.redact(message);
  fail(job.row, error_code_of(why, fault, *slot.row), std::move(message));
}

// The row's error line.
void Shard::fail(RowId id, std::string code, std::string message) {
  Slot& slot = slots_[id.value];
  RowFailure failure;
  failure.code = std::move(code);
  failure.message = std::move(message);
  failure.attempts = std::move(slot.notes);
  failure.status = slot.last_status;
  failure.request_id = slot.last_request_id;
  failure.body = std::move(slot.last_body);
  begin_line(slot);
  append_error_line(lines_.errors, *slot.row, failure, row_figures(slot, nullptr));
  ++figures_.rows_failed;
  count_error(failure.code, slot.row->custom_id, failure.message);
  free_slot(id);
}

void Shard::count_error(const std::string& code, const std::string& id, const std::string& message) {
  ErrorGroup& group = figures_.errors[code];
  if (group.rows++ > 0) return;
  group.sample_id = id;
  group.sample_message = message;
}

// A row that requests were made for stays in flight until its line is written: so no more than may be in
// flight are sent again after a kill.
void Shard::begin_line(const Slot& slot) {
  if (lines_.size() == 0) lines_since_ = clock_.now();
  if (slot.attempts == 0) return;
  ++lines_.sent;
  ++unwritten_;
}

bool Shard::lines_hold_up() const {
  return unwritten_ > 0 && scheduler_.in_flight() + unwritten_ >= settings_.pool.settings.max_in_flight;
}

void Shard::take_written() {
  while (const auto rows = outbox_.written.try_pop()) unwritten_ -= *rows;
}

void Shard::hand_over_lines(TimePoint now, bool all) {
  const std::size_t size = lines_.size();
  const bool many = size >= lines_bytes || 2 * lines_.sent >= settings_.pool.settings.max_in_flight;
  if (size == 0 || (!all && !many && now - lines_since_ < lines_age)) return;
  const std::size_t room = lines_.results.size();
  outbox_.lines.put(std::exchange(lines_, {}), size);
  lines_.results.reserve(room);  // the next will be as many: they are not to be moved while they grow
}

// Claims at once, as rows wait for them. The rest now and then: while those before it wait to be saved, the
// scheduler goes on summing up by seconds.
void Shard::hand_over_news(TimePoint now, bool last) {
  if (!settings_.pool.settings.keep_history) return;
  const bool due = last || (now - news_at_ >= news_interval && !state_.news.full());
  StateNews news;
  news.claims = costs_.spend().take_claims(due);
  if (due) {
    news_at_ = now;
    news.groups = scheduler_.take_history();
  } else if (news.claims.empty()) {
    return;
  }
  state_.news.put(std::move(news), due ? 1 : 0);
}

void Shard::take_grants() {
  if (!costs_.spend().shared()) return;
  const bool no_more = state_.grants.ended();
  while (const auto grants = state_.grants.try_pop()) {
    for (const SpendGrant& grant : *grants) costs_.spend().grant(grant);
    settled_ = true;
  }
  if (!no_more) return;
  costs_.spend().go_on_alone();
  settled_ = true;
}

// The rows that are left have no request open: what requests made for them may have cost has been counted.
void Shard::end_unsent() {
  for (const Slot& slot : slots_) {
    if (slot.row != nullptr) costs_.spend().end(slot.stake);
  }
}

std::chrono::sys_days Shard::day_of(TimePoint now) const {
  return std::chrono::floor<std::chrono::days>(settings_.pool.settings.epoch + now.time_since_epoch());
}

std::int64_t Shard::unix_now() const {
  const auto wall = settings_.pool.settings.epoch + clock_.now().time_since_epoch();
  return std::chrono::floor<std::chrono::seconds>(wall).time_since_epoch().count();
}

void Shard::publish(TimePoint now) {
  published_at_ = now;
  figures_.elapsed = now - started_at_;
  figures_.pool = scheduler_.figures(now);
  figures_.pool.quota = scheduler_.quota_figures(now);
  const CostFigures& cost = costs_.figures();
  figures_.cost.total = cost.total;
  figures_.cost.unpriced_rows = cost.unpriced_rows;
  figures_.cost.perhaps_billed = cost.perhaps_billed;
  figures_.cost.perhaps = cost.perhaps;
  describe_wait(now);
  const std::lock_guard lock(published_mutex_);
  published_ = figures_;
}

// Never a silent wait: what is waited for, and for how long.
void Shard::describe_wait(TimePoint now) {
  figures_.waiting_for = {};
  figures_.waiting_reason.clear();
  if (scheduler_.in_flight() > 0) return;
  if (output_late_since_ != never && now - output_late_since_ >= late_output_worth_saying) {
    figures_.waiting_for = now - output_late_since_;
    figures_.waiting_reason = "the output has taken no lines for so long";
    return;
  }
  if (scheduler_.waiting() == 0 && !held_.empty()) {
    figures_.waiting_for = day_of(now) + std::chrono::days(1) -
                           (settings_.pool.settings.epoch + now.time_since_epoch());  // at the latest
    figures_.waiting_reason = fmt::format(
        "{} held, as other runs at work have reserved what is left of their users' caps for today",
        held_.size() == 1 ? "a row is" : fmt::format("{} rows are", held_.size()));
    return;
  }
  if (waiting_until_ <= now) return;
  if (waiting_until_ != never) figures_.waiting_for = waiting_until_ - now;
  std::size_t limited = 0, out = 0;
  const KeyFigures* first = nullptr;
  for (const KeyFigures& key : figures_.pool.keys) {
    limited += key.state == KeyState::rate_limited;
    out += key.state == KeyState::unavailable;
    if (key.usable_at != never && (first == nullptr || key.usable_at < first->usable_at)) first = &key;
  }
  const std::size_t keys = figures_.pool.keys.size();
  std::string& reason = figures_.waiting_reason;
  if (limited + out < keys) {
    reason = "the quotas are in use up to their limits";
    return;
  }
  if (limited > 0) reason = fmt::format("{} of {} keys rate-limited", limited, keys);
  if (out > 0) reason += fmt::format("{}{} of {} keys out", limited > 0 ? ", " : "", out, keys);
  if (out > 0 && !last_trouble_.empty()) reason += fmt::format(" ({})", last_trouble_);
  if (first == nullptr) return;
  reason += ", first back " + first->alias;
  if (first->state == KeyState::rate_limited && !first->out_because.empty()) {
    reason += fmt::format(" ({})", first->out_because);
  }
}

RunFigures Shard::figures() const {
  const std::lock_guard lock(published_mutex_);
  return published_;
}

void Shard::from_outside(void (Shard::*what)()) {
  net::post(context_, [this, what] {
    if (what != nullptr) (this->*what)();
    alarm_->ring();
  });
}

void Shard::drain() {
  from_outside(&Shard::stop_sending);
}
void Shard::abort() {
  from_outside(&Shard::stop_everything);
}

void Shard::stop_sending() {
  if (stopping_) return;
  stopping_ = true;
  drop_held();
  scheduler_.stop();
  intake_.close();
}

void Shard::stop_everything() {
  stop_sending();
  transport_.abort();
}

RowId Shard::new_slot(RowPtr row, TimePoint now) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const RowId id{free_.back()};
  free_.pop_back();
  row_bytes_ += row->text.size();
  Slot& slot = slots_[id.value];
  slot = Slot{};
  slot.row = std::move(row);
  slot.arrived_at = now;
  return id;
}

void Shard::free_slot(RowId id) {
  Slot& slot = slots_[id.value];
  costs_.spend().end(slot.stake);
  settled_ = settled_ || !held_.empty();
  row_bytes_ -= slot.row->text.size();
  slot.row.reset();
  free_.push_back(id.value);
}

}  // namespace batchrun
