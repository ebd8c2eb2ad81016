#include "bench/mockprovider/provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "bench/mockprovider/dialects/dialects.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

struct Organisation {
  std::string name;
  OrganisationScenario scenario;
  std::map<std::string, Quota> quotas;  // by model, or one under ""
  std::optional<std::uint64_t> searches_left;
  PartyCounters counters;
};

// One key.
struct Account {
  Organisation* organisation;
  PartyCounters counters;
};

namespace {

constexpr std::string_view control_path = "/mock/";

std::vector<std::string> default_models(Flavour flavour) {
  if (flavour == Flavour::anthropic) return {"claude-sonnet-5-5", "claude-haiku-4-5"};
  if (flavour == Flavour::gemini) return {"gemini-2.5-flash", "gemini-2.5-pro"};
  if (flavour == Flavour::ollama) return {"llama3.2"};
  return {"gpt-4o-mini", "gpt-4o", "llama-3.1-8b-instant", "llama3.1-8b"};
}

Problem unknown_url(const HttpRequest& request) {
  return {.trouble = Trouble::unknown_url,
          .message = fmt::format("Unknown request URL: {} {}. Please check the URL for typos.",
                                 request.method, request.path()),
          .code = "unknown_url"};
}

Problem wrong_method(const HttpRequest& request, std::string_view allowed) {
  return {.trouble = Trouble::wrong_method,
          .message = fmt::format("Not allowed to {} on {}. (HINT: Perhaps you meant to use {}?)",
                                 request.method, request.path(), allowed),
          .code = "method_not_supported"};
}

void count_admission(PartyCounters& c, const Cost& cost, Now now) {
  const double at = in_seconds(now.since_start);
  if (c.admitted == 0) c.first_admitted_s = at;
  c.last_admitted_s = at;
  ++c.admitted;
  ++c.open;
  c.most_open = std::max(c.most_open, c.open);
  c.tokens_charged += static_cast<std::uint64_t>(cost.tokens);
}

void clear_counts(PartyCounters& c) {
  c = PartyCounters{.open = c.open, .most_open = c.open};
}

void add(Bill& sum, const Bill& one) {
  ++sum.answers;
  sum.input_tokens += one.input_tokens;
  sum.cached_tokens += one.cached_tokens;
  sum.output_tokens += one.output_tokens;
  sum.searches += one.searches;
}

// Where a reply says nothing of cached input there is none, so that the bill holds what a client can know.
bool tells_cached_reads(Flavour flavour) {
  return flavour != Flavour::ollama && flavour != Flavour::vllm;
}

// To whom a request counts: its key, the key's organisation, and everybody.
template <class F>
void for_each_party(Account& account, Counters& all, F use) {
  for (PartyCounters* c : {&account.counters, &account.organisation->counters, &all.total}) use(*c);
}

}  // namespace

Provider::Provider(const Scenario& scenario)
    : scenario_(scenario),
      faults_(scenario.faults, scenario.seed),
      pace_random_(mix(scenario.seed ^ 2)),
      arrival_random_(mix(scenario.seed ^ 3)) {
  for (const auto& [name, own] : scenario_.organisations) {
    Organisation& org = organisation(name);
    org.scenario = own;
    org.searches_left = own.searches;
  }
  for (const auto& [key, name] : scenario_.keys) {
    accounts_[key] = std::make_unique<Account>(Account{&organisation(name), {}});
  }
}

Provider::~Provider() = default;

Organisation& Provider::organisation(const std::string& name) {
  auto& place = organisations_[name];
  if (!place) {
    place = std::make_unique<Organisation>();
    place->name = name;
    place->scenario = scenario_.others;
  }
  return *place;
}

Quota& Provider::quota(Organisation& organisation, const std::string& model, Now now) {
  static const std::string all;
  const std::string& name = scenario_.limits_per_model ? model : all;
  const auto found = organisation.quotas.find(name);
  if (found != organisation.quotas.end()) return found->second;
  const OrganisationScenario& limited = organisation.scenario;
  const auto unix_at_start = now.unix_s - std::chrono::floor<std::chrono::seconds>(now.since_start).count();
  return organisation.quotas.emplace(name, Quota(limited.limits, limited.limiter, unix_at_start))
      .first->second;
}

Moment Provider::arrival_delay(const HttpRequest& request) {
  if (request.path().starts_with(control_path)) return Moment::zero();
  return scenario_.arrival.draw(arrival_random_);
}

void Provider::answer(const HttpRequest& request, Now now, WireReply& out, Ticket& ticket) {
  now.unix_s += scenario_.clock_skew_s;
  draft_.clear();
  ++replies_;
  id_ = fmt::format("{:016x}{:06x}", mix(scenario_.seed ^ (replies_ << 20)), replies_ & 0xffffff);
  if (request.path().starts_with(control_path)) return answer_control(request, now, out);
  last_request_.keep(request);
  const Route route = route_of(request);
  Exchange x{.request = request, .route = route, .now = now};
  identify(x);
  add_date_field(now);
  switch (route.kind) {
    case Route::Kind::call:
      return answer_call(x, out, ticket);
    case Route::Kind::models:
      draft_models(x);
      return send(x, out);
    case Route::Kind::account:
      draft_account(x);
      return send(x, out);
    case Route::Kind::wrong_method:
      make_error(draft_, wrong_method(request, route.allowed), *x.dialect);
      return send(x, out);
    case Route::Kind::unknown:
      make_error(draft_, unknown_url(request), *x.dialect);
      return send(x, out);
  }
}

void Provider::answer_malformed(const HttpParse& parse, Now now, WireReply& out) {
  ++counters_.malformed_http;
  draft_.clear();
  add_date_field(now);
  make_error(draft_, {.message = parse.reason, .status = parse.status}, dialect_of(scenario_.flavour));
  write_reply(out, draft_, nullptr, nullptr, false);
  out.after = WireReply::After::linger;
}

// Whose request it is and how it is spoken with.
void Provider::identify(Exchange& x) {
  key_ = credential_of(x.request, x.route.flavour);
  if (!key_.empty()) ++counters_.with_credentials;
  x.account = account_of(x.route);
  x.flavour = flavour_of(x.route, x.account ? x.account->organisation : nullptr);
  x.dialect = x.route.dialect ? x.route.dialect : &dialect_of(x.flavour);
}

// The path's where it tells, else the organisation's, else the scenario's, as far as they speak on such a
// path.
Flavour Provider::flavour_of(const Route& route, const Organisation* org) const {
  if (route.flavour) return *route.flavour;
  const bool any = route.kind != Route::Kind::call;
  if (org && org->scenario.flavour && (any || speaks_chat(*org->scenario.flavour)))
    return *org->scenario.flavour;
  return any || speaks_chat(scenario_.flavour) ? scenario_.flavour : Flavour::openai;
}

// Null: the key is not good, or missing. Ollama asks nobody for a key.
Account* Provider::account_of(const Route& route) {
  const bool open_to_all = route.flavour.value_or(scenario_.flavour) == Flavour::ollama;
  if (key_.empty() && !scenario_.anonymous && !open_to_all) return nullptr;
  const auto found = accounts_.find(key_);
  if (found != accounts_.end()) return found->second.get();
  if (!scenario_.keys.empty() && !key_.empty() && !open_to_all) return nullptr;
  auto& account = accounts_[key_];
  account =
      std::make_unique<Account>(Account{&organisation("org-" + (key_.empty() ? "anonymous" : key_)), {}});
  return account.get();
}

Problem Provider::about(const Exchange& x) const {
  return {.key = key_,
          .organisation = x.account ? std::string_view(x.account->organisation->name) : "",
          .model = call_.model,
          .reply_id = id_,
          .tokens = call_.prompt_tokens};
}

Problem Provider::problem(const Exchange& x, Trouble trouble) const {
  Problem out = about(x);
  out.trouble = trouble;
  return out;
}

// Writes the draft as it is.
void Provider::send(const Exchange& x, WireReply& out) {
  x.dialect->append_reply_fields(draft_.fields, id_, x.account ? x.account->organisation->name : "");
  write_reply(out, draft_, nullptr, nullptr, x.request.keep_alive);
}

void Provider::answer_call(Exchange& x, WireReply& out, Ticket& ticket) {
  call_.clear();
  if (!x.account) {
    ++counters_.unauthorized;
    make_error(draft_, problem(x, key_.empty() ? Trouble::no_key : Trouble::incorrect_key), *x.dialect);
    return send(x, out);
  }
  Organisation& org = *x.account->organisation;
  for_each_party(*x.account, counters_, [](PartyCounters& c) { ++c.requests; });
  const std::optional<Problem> wrong = read_call(x);
  Quota& budget = quota(org, call_.model, x.now);
  if (wrong) {
    ++counters_.bad_requests;
    make_error(draft_, *wrong, *x.dialect);
    if (scenario_.failed_calls_count) budget.count_failed_call(x.now.since_start);
  } else {
    judge(x, budget, ticket);
  }
  x.dialect->append_reply_fields(draft_.fields, id_, org.name);
  // Between the elements of an array only white space is legal.
  const bool in_array = draft_.streamed && draft_.events.form.framing == StreamForm::Framing::array;
  draft_.keep_alive = in_array ? "\n" : x.dialect->keep_alive();
  const Pace pace{&scenario_.first_chunk, &scenario_.between_chunks, &pace_random_,
                  std::max<std::size_t>(1, chunk_count(completion_, scenario_.chunks))};
  write_reply(out, draft_, x.fault, ticket.open ? &pace : nullptr, x.request.keep_alive);
}

std::optional<Problem> Provider::read_call(const Exchange& x) {
  std::optional<Problem> wrong =
      x.route.endpoint->read(x.request, {.flavour = x.flavour, .model = x.route.model}, call_);
  if (wrong) {
    wrong->reply_id = id_;
    return wrong;
  }
  if (call_.task == Task::chat && tells_cached_reads(x.flavour)) {
    call_.cached_tokens =
        static_cast<std::uint64_t>(static_cast<double>(call_.prompt_tokens) * scenario_.cached_share);
  }
  const std::vector<std::string>& models = scenario_.models;
  const bool known = call_.task == Task::search || models.empty() ||
                     std::find(models.begin(), models.end(), call_.model) != models.end();
  if (!known) return problem(x, Trouble::unknown_model);
  return std::nullopt;
}

// Refused by a fault, refused by a limit, or admitted.
void Provider::judge(Exchange& x, Quota& budget, Ticket& ticket) {
  x.fault = faults_.for_request({.key = key_,
                                 .organisation = x.account->organisation->name,
                                 .model = call_.model,
                                 .last_user_text = call_.last_user_text,
                                 .stream = call_.stream},
                                x.now.since_start);
  if (x.fault) {
    for_each_party(*x.account, counters_,
                   [&](PartyCounters& c) { ++c.faults[std::string(name(x.fault->kind))]; });
  }
  if (x.fault && stage(x.fault->kind) == FaultStage::refused) {
    if (scenario_.failed_calls_count) budget.count_failed_call(x.now.since_start);
    return replace_with_fault(draft_, *x.fault, about(x), *x.dialect, x.now.unix_s);
  }
  if (refuse_by_searches(x) || refuse_by_limit(x, budget)) return;
  open_ticket(x, budget, ticket);
  draft_answer(x, ticket);
  if (x.fault && x.fault->kind == FaultKind::absurd_limits) {
    x.dialect->append_absurd_limit_fields(draft_.fields);
  } else if (scenario_.rate_limit_headers) {
    x.dialect->append_limit_fields(draft_.fields, budget, x.now, nullptr);
  }
}

Charging Provider::charging(const Exchange& x) const {
  const auto own = x.account->organisation->scenario.charging;
  return own.value_or(scenario_.charging.value_or(charging_of(x.flavour)));
}

Cost Provider::cost(const Exchange& x) const {
  if (call_.task == Task::search) return {.tokens = static_cast<double>(call_.queries.size())};
  const bool free =
      x.account->organisation->scenario.cached_reads_free.value_or(cached_reads_are_free(x.flavour));
  const auto input = static_cast<double>(call_.prompt_tokens - (free ? call_.cached_tokens : 0));
  double output = 0;
  if (call_.task == Task::chat && charging(x) == Charging::reserves_max_tokens) {
    output = static_cast<double>(call_.max_tokens.value_or(scenario_.default_max_tokens) * call_.choices);
  }
  return {.tokens = input + output, .input = input, .output = output};
}

bool Provider::refuse_by_searches(const Exchange& x) {
  auto& left = x.account->organisation->searches_left;
  if (call_.task != Task::search || !left) return false;
  if (call_.queries.size() <= *left) {
    *left -= call_.queries.size();
    return false;
  }
  for_each_party(*x.account, counters_, [](PartyCounters& c) { ++c.refused; });
  make_error(draft_, problem(x, Trouble::quota_gone), *x.dialect);
  return true;
}

bool Provider::refuse_by_limit(const Exchange& x, Quota& budget) {
  const auto refusal = budget.admit(cost(x), x.now.since_start);
  if (!refusal) return false;
  for_each_party(*x.account, counters_, [](PartyCounters& c) { ++c.refused; });
  if (auto& left = x.account->organisation->searches_left) *left += call_.queries.size();
  if (scenario_.failed_calls_count) budget.count_failed_call(x.now.since_start);
  Problem limited = problem(x, Trouble::rate_limited);
  limited.refusal = refusal;
  if (!refusal->too_large) {
    const double wait_s = std::ceil(in_seconds(refusal->wait) * 1e3) / 1e3;
    if (x.dialect->delay_is_in_body()) limited.retry_delay = fmt::format("{}", wait_s);
    x.dialect->append_retry_after(draft_.fields, refusal->wait);
  }
  make_error(draft_, limited, *x.dialect);
  if (scenario_.rate_limit_headers) x.dialect->append_limit_fields(draft_.fields, budget, x.now, &*refusal);
  return true;
}

void Provider::open_ticket(const Exchange& x, Quota& budget, Ticket& ticket) {
  ticket = Ticket{.open = true,
                  .account = x.account,
                  .quota = &budget,
                  .execution = execution_id(call_),
                  .model = call_.model,
                  .bill = {.input_tokens = call_.prompt_tokens,
                           .cached_tokens = call_.cached_tokens,
                           .searches = call_.queries.size()},
                  .charges_output = charging(x) == Charging::actual};
  const Cost charged = cost(x);
  for_each_party(*x.account, counters_, [&](PartyCounters& c) { count_admission(c, charged, x.now); });
  if (scenario_.count_executions) executions_.admitted(ticket.execution);
}

void Provider::make_answer(const Exchange& x) {
  const auto is = [&x](FaultKind kind) { return x.fault && x.fault->kind == kind; };
  if (call_.task != Task::chat) {
    completion_ = {};
    return;
  }
  if (is(FaultKind::blocked_prompt)) return make_blocked(completion_);
  make_completion(call_, scenario_, completion_);
  if (is(FaultKind::content_filter)) completion_.finish = Finish::filtered;
  if (is(FaultKind::refusal)) completion_.finish = Finish::refused;
  if (is(FaultKind::empty_choices)) {
    completion_ = {};
    call_.choices = 0;
  }
}

void Provider::draft_answer(const Exchange& x, Ticket& ticket) {
  const auto is = [&x](FaultKind kind) { return x.fault && x.fault->kind == kind; };
  completion_.piece_ends.clear();
  if (x.fault) ticket.whole = leaves_answer_whole(*x.fault);
  if (x.fault && stage(x.fault->kind) == FaultStage::replaces_answer) {
    return replace_with_fault(draft_, *x.fault, about(x), *x.dialect, x.now.unix_s);
  }
  make_answer(x);
  ticket.bill.output_tokens = completion_.tokens;
  const ReplyFrame frame{.flavour = x.flavour,
                         .id = id_,
                         .model = call_.model,
                         .created = x.now.unix_s,
                         .usage = !is(FaultKind::no_usage),
                         .no_results = is(FaultKind::no_results) || is(FaultKind::empty_choices)};
  const Answer answer{call_, completion_, frame};
  const Endpoint& endpoint = *x.route.endpoint;
  draft_.streamed = call_.stream && !is(FaultKind::plain_for_stream);
  ticket.streamed = draft_.streamed;
  if (draft_.streamed) {
    draft_.events = {};
    draft_.events.form = endpoint.form(call_);
    draft_.content_type = draft_.events.form.content_type;
    if (x.fault) ticket.whole = leaves_answer_whole(*x.fault, draft_.events.form.end_mark_needed);
    endpoint.make_events(draft_.events, answer, scenario_.chunks);
  } else {
    endpoint.append_plain(draft_.body, answer);
  }
  if (x.fault && stage(x.fault->kind) == FaultStage::events)
    spoil_events(draft_, *x.fault, about(x), endpoint, *x.dialect);
}

void Provider::progressed(Ticket& ticket, std::size_t sent, std::size_t size, Now now) {
  if (!ticket.open || !ticket.charges_output) return;
  const std::uint64_t produced = ticket.bill.output_tokens * sent / std::max<std::size_t>(1, size);
  if (produced <= ticket.output_charged) return;
  const std::uint64_t more = produced - ticket.output_charged;
  ticket.output_charged = produced;
  ticket.quota->take_output(static_cast<double>(more), now.since_start);
  for_each_party(*ticket.account, counters_, [more](PartyCounters& c) { c.tokens_charged += more; });
}

void Provider::finished(Ticket& ticket, bool sent_whole, Now now) {
  if (!ticket.open) std::abort();
  // What nobody reads any more is produced to its end all the same, unless it was a stream.
  if (sent_whole || !ticket.streamed) progressed(ticket, 1, 1, now);
  ticket.open = false;
  ticket.quota->release();
  for_each_party(*ticket.account, counters_, [](PartyCounters& c) { --c.open; });
  if (!sent_whole) ++counters_.aborted;
  if (!sent_whole || !ticket.whole) {
    if (auto& left = ticket.account->organisation->searches_left) *left += ticket.bill.searches;
    return;
  }
  for_each_party(*ticket.account, counters_, [&ticket](PartyCounters& c) {
    ++c.completed;
    add(c.bills[ticket.model], ticket.bill);
  });
  if (ticket.streamed) ++counters_.streamed;
  counters_.prompt_tokens += ticket.bill.input_tokens;
  counters_.completion_tokens += ticket.bill.output_tokens;
  if (scenario_.count_executions) executions_.completed(ticket.execution);
}

void Provider::add_date_field(Now now) {
  if (date_of_ != now.unix_s) {
    date_of_ = now.unix_s;
    date_ = http_date(now.unix_s);
  }
  draft_.fields.append("date: ").append(date_).append("\r\n");
}

void Provider::draft_models(const Exchange& x) {
  call_.clear();
  const std::vector<std::string> models =
      scenario_.models.empty() ? default_models(x.flavour) : scenario_.models;
  const std::string& wanted = x.route.model;
  if (!x.account) {
    make_error(draft_, problem(x, key_.empty() ? Trouble::no_key : Trouble::incorrect_key), *x.dialect);
  } else if (wanted.empty()) {
    draft_.body = x.dialect->model_list(models);
  } else if (std::find(models.begin(), models.end(), wanted) != models.end()) {
    draft_.body = x.dialect->model(wanted);
  } else {
    call_.model = wanted;
    make_error(draft_, problem(x, Trouble::unknown_model), *x.dialect);
  }
}

void Provider::draft_account(const Exchange& x) {
  call_.clear();
  if (!x.account) return make_error(draft_, problem(x, Trouble::incorrect_key), *x.dialect);
  Organisation& org = *x.account->organisation;
  Quota& budget = quota(org, "google", x.now);
  Limiter* hourly = budget.limiter(Dimension::requests_per_hour);
  const double used = hourly ? hourly->used(x.now.since_start) : 0;
  draft_.body = serpapi_account(org.searches_left, static_cast<std::uint64_t>(used),
                                budget.limit(Dimension::requests_per_hour));
}

void Provider::answer_control(const HttpRequest& request, Now now, WireReply& out) {
  const std::string_view path = request.path();
  const bool get = request.method == "GET";
  if (path == "/mock/counters" && get) {
    draft_.body = to_json(counters(now));
  } else if (path == "/mock/executions" && get) {
    answer_executions(request);
  } else if (path == "/mock/last_request" && get) {
    draft_.body = last_request_.to_json();
  } else if (path == "/mock/reset" && request.method == "POST") {
    forget_counts();
    draft_.body = "{}";
  } else {
    make_error(draft_, unknown_url(request), openai_dialect());
  }
  write_reply(out, draft_, nullptr, nullptr, request.keep_alive);
}

void Provider::forget_counts() {
  executions_.clear();
  const std::uint32_t open = counters_.open_connections;
  PartyCounters total = counters_.total;
  clear_counts(total);
  counters_ = Counters{.total = total, .open_connections = open, .most_open_connections = open};
  for (auto& [key, account] : accounts_) clear_counts(account->counters);
  for (auto& [name, org] : organisations_) clear_counts(org->counters);
}

void Provider::answer_executions(const HttpRequest& request) {
  if (const std::string_view marker = request.query("marker"); !marker.empty()) {
    const Execution e = executions_.of(execution_id_of_marker(percent_decoded(marker)));
    draft_.body = fmt::format(R"({{"admitted":{},"completed":{}}})", e.admitted, e.completed);
    return;
  }
  std::uint32_t least = 1;
  const std::string_view wanted = request.query("min");
  std::from_chars(wanted.data(), wanted.data() + wanted.size(), least);
  draft_.body = executions_.to_json(least, request.query("what") == "admitted");
}

const FaultRule* Provider::connection_opened(Now now) {
  ++counters_.connections;
  ++counters_.open_connections;
  counters_.most_open_connections = std::max(counters_.most_open_connections, counters_.open_connections);
  const FaultRule* fault = faults_.for_connection(now.since_start);
  if (fault) ++counters_.total.faults[std::string(name(fault->kind))];
  return fault;
}

void Provider::connection_closed() {
  --counters_.open_connections;
}

void Provider::tls_failed() {
  ++counters_.tls_failures;
}

Counters Provider::counters(Now now) const {
  Counters out = counters_;
  out.uptime_s = in_seconds(now.since_start);
  for (const auto& [key, account] : accounts_) out.by_key[key] = account->counters;
  for (const auto& [name, org] : organisations_) out.by_organisation[name] = org->counters;
  return out;
}

}  // namespace batchrun::mock
