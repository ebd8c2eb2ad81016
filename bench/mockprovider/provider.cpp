#include "bench/mockprovider/provider.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iterator>

#include "bench/mockprovider/limit_fields.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

struct Organisation {
  std::string name;
  OrganisationScenario scenario;
  std::map<std::string, Quota> quotas;  // by model, or one under ""
  PartyCounters counters;
};

// One key.
struct Account {
  Organisation* organisation;
  PartyCounters counters;
};

namespace {

constexpr std::string_view default_models[] = {"gpt-4o-mini", "gpt-4o", "llama-3.1-8b-instant",
                                               "llama3.1-8b"};

// Remaining above the limit, negative numbers, words: what a client must not believe.
constexpr std::string_view absurd_limit_fields =
    "x-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 999999999999\r\n"
    "x-ratelimit-reset-requests: soon\r\nx-ratelimit-limit-tokens: -1\r\nx-ratelimit-remaining-tokens: -1\r\n"
    "x-ratelimit-reset-tokens: 9999999h\r\n";

constexpr std::string_view control_path = "/mock/";

// What follows "Bearer ", or nothing.
std::string_view bearer(std::string_view authorization) {
  constexpr std::string_view scheme = "Bearer ";
  return authorization.starts_with(scheme) ? authorization.substr(scheme.size()) : std::string_view{};
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 2, code, 16).ptr == &text[i + 1] + 2) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

ApiError unknown_url(const HttpRequest& request) {
  return {.status = 404,
          .message = fmt::format("Unknown request URL: {} {}. Please check the URL for typos.",
                                 request.method, request.path()),
          .code = "unknown_url"};
}

ApiError wrong_method(const HttpRequest& request, std::string_view allowed) {
  return {.status = 405,
          .message = fmt::format("Not allowed to {} on {}. (HINT: Perhaps you meant to use {}?)",
                                 request.method, request.path(), allowed),
          .code = "method_not_supported"};
}

void count_admission(PartyCounters& c, std::uint64_t tokens, Now now) {
  const double at = in_seconds(now.since_start);
  if (c.admitted == 0) c.first_admitted_s = at;
  c.last_admitted_s = at;
  ++c.admitted;
  ++c.open;
  c.most_open = std::max(c.most_open, c.open);
  c.tokens_charged += tokens;
}

void clear_counts(PartyCounters& c) {
  c = PartyCounters{.open = c.open, .most_open = c.open};
}

}  // namespace

Provider::Provider(const Scenario& scenario)
    : scenario_(scenario),
      faults_(scenario.faults, scenario.seed),
      pace_random_(mix(scenario.seed ^ 2)),
      arrival_random_(mix(scenario.seed ^ 3)) {
  for (const auto& [name, own] : scenario_.organisations) organisation(name).scenario = own;
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

Quota& Provider::quota(Organisation& organisation, const std::string& model) {
  static const std::string all;
  const std::string& name = scenario_.limits_per_model ? model : all;
  const auto found = organisation.quotas.find(name);
  if (found != organisation.quotas.end()) return found->second;
  const OrganisationScenario& limited = organisation.scenario;
  return organisation.quotas.emplace(name, Quota(limited.limits, limited.limiter)).first->second;
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
  if (!request.field("authorization").empty()) ++counters_.with_credentials;
  std::string_view path = request.path();
  if (path.starts_with(control_path)) return answer_control(request, now, out);
  Flavour flavour = scenario_.flavour;
  if (path.starts_with("/openai/v1/")) {
    flavour = Flavour::groq;
    path.remove_prefix(std::string_view("/openai").size());
  }
  if (path == "/v1/chat/completions" && request.method == "POST") {
    return answer_chat(request, flavour, now, out, ticket);
  }
  if (path == "/v1/models" || path.starts_with("/v1/models/")) {
    return answer_models(request, path.substr(std::string_view("/v1/models").size()), flavour, now, out);
  }
  make_error(draft_, path == "/v1/chat/completions" ? wrong_method(request, "POST") : unknown_url(request),
             flavour);
  add_common_fields(flavour, nullptr, now);
  write_reply(out, draft_, nullptr, nullptr, request.keep_alive);
}

void Provider::answer_malformed(const HttpParse& parse, Now now, WireReply& out) {
  ++counters_.malformed_http;
  draft_.clear();
  make_error(draft_, {.status = parse.status, .message = parse.reason}, scenario_.flavour);
  add_common_fields(scenario_.flavour, nullptr, now);
  write_reply(out, draft_, nullptr, nullptr, false);
  out.after = WireReply::After::linger;
}

Account* Provider::authenticate(const HttpRequest& request, std::string& key, ApiError& refused) {
  std::string_view given = bearer(request.field("authorization"));
  if (given.empty()) given = request.field("api-key");
  key = given;
  if (key.empty() && !scenario_.anonymous) {
    refused = no_key();
    return nullptr;
  }
  const auto found = accounts_.find(key);
  if (found != accounts_.end()) return found->second.get();
  if (!scenario_.keys.empty() && !key.empty()) {
    refused = incorrect_key(key, false);
    return nullptr;
  }
  auto& account = accounts_[key];
  account = std::make_unique<Account>(Account{&organisation("org-" + (key.empty() ? "anonymous" : key)), {}});
  return account.get();
}

void Provider::answer_chat(const HttpRequest& request, Flavour flavour, Now now, WireReply& out,
                           Ticket& ticket) {
  ApiError refused;
  Account* account = authenticate(request, key_, refused);
  const FaultRule* fault = nullptr;
  if (!account) {
    ++counters_.unauthorized;
    make_error(draft_, refused, flavour);
    add_common_fields(flavour, nullptr, now);
    return write_reply(out, draft_, nullptr, nullptr, request.keep_alive);
  }
  Organisation& org = *account->organisation;
  for (PartyCounters* c : {&account->counters, &org.counters, &counters_.total}) ++c->requests;
  auto problem = parse_chat_request(request.body, chat_);
  const bool known = scenario_.models.empty() || std::find(scenario_.models.begin(), scenario_.models.end(),
                                                           chat_.model) != scenario_.models.end();
  if (!problem && !known) problem = unknown_model(chat_.model);
  Quota& budget = quota(org, chat_.model);
  if (problem) {
    ++counters_.bad_requests;
    make_error(draft_, *problem, flavour);
    if (scenario_.failed_calls_count) budget.count_failed_call(now.since_start);
  } else {
    fault = faults_.for_request({.key = key_,
                                 .organisation = org.name,
                                 .model = chat_.model,
                                 .last_user_text = chat_.last_user_text,
                                 .stream = chat_.stream},
                                now.since_start);
    if (fault) ++counters_.faults[std::string(name(fault->kind))];
    admit(*account, budget, flavour, fault, now, ticket);
  }
  add_common_fields(flavour, &org, now);
  const std::size_t pieces = std::max<std::size_t>(1, completion_.piece_ends.size());
  const Pace pace{&scenario_.first_chunk, &scenario_.between_chunks, &pace_random_,
                  scenario_.chunks ? std::min<std::size_t>(scenario_.chunks, pieces) : pieces};
  write_reply(out, draft_, fault, ticket.open ? &pace : nullptr, request.keep_alive);
}

std::uint64_t Provider::tokens_reserved() const {
  if (scenario_.charging == Charging::actual) return chat_.prompt_tokens;
  return chat_.prompt_tokens + chat_.max_tokens.value_or(scenario_.default_max_tokens) * chat_.choices;
}

bool Provider::refuse_by_limit(Account& account, Quota& budget, Flavour flavour, Now now) {
  const auto refusal = budget.admit(static_cast<double>(tokens_reserved()), now.since_start);
  if (!refusal) return false;
  Organisation& org = *account.organisation;
  for (PartyCounters* c : {&account.counters, &org.counters, &counters_.total}) ++c->refused;
  if (scenario_.failed_calls_count) budget.count_failed_call(now.since_start);
  make_error(draft_, rate_limited(*refusal, chat_.model, org.name, flavour), flavour);
  if (!refusal->too_large) add_retry_after(draft_, refusal->wait, flavour);
  if (scenario_.rate_limit_headers) {
    append_limit_fields(draft_.fields, budget, flavour, now.since_start, &*refusal);
  }
  return true;
}

void Provider::admit(Account& account, Quota& budget, Flavour flavour, const FaultRule* fault, Now now,
                     Ticket& ticket) {
  const FaultContext context{.flavour = flavour,
                             .key = key_,
                             .organisation = account.organisation->name,
                             .model = chat_.model,
                             .prompt_tokens = chat_.prompt_tokens,
                             .unix_s = now.unix_s};
  if (fault && stage(fault->kind) == FaultStage::refused) {
    if (scenario_.failed_calls_count) budget.count_failed_call(now.since_start);
    return replace_with_fault(draft_, *fault, context);
  }
  if (refuse_by_limit(account, budget, flavour, now)) return;
  ticket = Ticket{.open = true,
                  .account = &account,
                  .quota = &budget,
                  .execution = execution_id(chat_),
                  .prompt_tokens = chat_.prompt_tokens};
  for (PartyCounters* c : {&account.counters, &account.organisation->counters, &counters_.total}) {
    count_admission(*c, tokens_reserved(), now);
  }
  if (scenario_.count_executions) executions_.admitted(ticket.execution);
  if (fault) ticket.whole = leaves_answer_whole(*fault);
  completion_.piece_ends.clear();
  if (fault && stage(fault->kind) == FaultStage::replaces_answer) {
    replace_with_fault(draft_, *fault, context);
  } else {
    draft_answer(flavour, fault, now, ticket);
  }
  if (fault && fault->kind == FaultKind::absurd_limits) {
    draft_.fields += absurd_limit_fields;
  } else if (scenario_.rate_limit_headers) {
    append_limit_fields(draft_.fields, budget, flavour, now.since_start, nullptr);
  }
}

void Provider::draft_answer(Flavour flavour, const FaultRule* fault, Now now, Ticket& ticket) {
  const auto is = [fault](FaultKind kind) { return fault && fault->kind == kind; };
  make_completion(chat_, scenario_, completion_);
  if (is(FaultKind::content_filter)) completion_.finish_reason = "content_filter";
  if (is(FaultKind::refusal)) completion_.is_refusal = true;
  ticket.completion_tokens = completion_.tokens;
  const ReplyFrame frame{.flavour = flavour,
                         .id = id_,
                         .model = model_snapshot(chat_.model),
                         .created = now.unix_s,
                         .usage = !is(FaultKind::no_usage)};
  draft_.streamed = chat_.stream && !is(FaultKind::plain_for_stream);
  ticket.streamed = draft_.streamed;
  if (is(FaultKind::empty_choices)) chat_.choices = 0;
  if (draft_.streamed) {
    draft_.content_type = "text/event-stream; charset=utf-8";
    make_events(draft_.events, chat_, completion_, frame, scenario_.chunks);
  } else {
    append_plain(draft_.body, chat_, completion_, frame);
  }
  if (fault && stage(fault->kind) == FaultStage::events) spoil_events(draft_, *fault, flavour);
}

void Provider::finished(Ticket& ticket, bool sent_whole, Now now) {
  if (!ticket.open) std::abort();
  ticket.open = false;
  ticket.quota->release();
  PartyCounters* const parties[] = {&ticket.account->counters, &ticket.account->organisation->counters,
                                    &counters_.total};
  for (PartyCounters* c : parties) --c->open;
  if (scenario_.charging == Charging::actual && ticket.completion_tokens > 0) {
    ticket.quota->take_tokens(static_cast<double>(ticket.completion_tokens), now.since_start);
    for (PartyCounters* c : parties) c->tokens_charged += ticket.completion_tokens;
  }
  if (!sent_whole) ++counters_.aborted;
  if (!sent_whole || !ticket.whole) return;
  for (PartyCounters* c : parties) ++c->completed;
  if (ticket.streamed) ++counters_.streamed;
  counters_.prompt_tokens += ticket.prompt_tokens;
  counters_.completion_tokens += ticket.completion_tokens;
  if (scenario_.count_executions) executions_.completed(ticket.execution);
}

void Provider::add_common_fields(Flavour flavour, const Organisation* organisation, Now now) {
  if (date_of_ != now.unix_s) {
    date_of_ = now.unix_s;
    date_ = http_date(now.unix_s);
  }
  std::string& out = draft_.fields;
  out.append("date: ").append(date_).append("\r\nx-request-id: req_").append(id_).append("\r\n");
  if (flavour != Flavour::openai) return;
  out += "openai-version: 2020-10-01\r\nopenai-processing-ms: 12\r\n";
  if (organisation) out.append("openai-organization: ").append(organisation->name).append("\r\n");
}

void Provider::answer_models(const HttpRequest& request, std::string_view rest, Flavour flavour, Now now,
                             WireReply& out) {
  ApiError refused;
  const Account* account = authenticate(request, key_, refused);
  std::vector<std::string_view> models(scenario_.models.begin(), scenario_.models.end());
  if (models.empty()) models.assign(std::begin(default_models), std::end(default_models));
  std::string list;
  for (std::string_view model : models) {
    if (!rest.empty() && rest.substr(1) != model) continue;
    list += list.empty() ? "" : ",";
    list += "{\"id\":";
    append_json_string(list, model);
    list += R"(,"object":"model","created":1686935002,"owned_by":"system"})";
  }
  if (request.method != "GET") {
    make_error(draft_, wrong_method(request, "GET"), flavour);
  } else if (!account) {
    make_error(draft_, refused, flavour);
  } else if (rest.empty()) {
    draft_.body = R"({"object":"list","data":[)" + list + "]}";
  } else if (!list.empty()) {
    draft_.body = list;
  } else {
    make_error(draft_, unknown_model(rest.substr(1)), flavour);
  }
  add_common_fields(flavour, account ? account->organisation : nullptr, now);
  write_reply(out, draft_, nullptr, nullptr, request.keep_alive);
}

void Provider::answer_control(const HttpRequest& request, Now now, WireReply& out) {
  const std::string_view path = request.path();
  if (path == "/mock/counters" && request.method == "GET") {
    draft_.body = to_json(counters(now));
  } else if (path == "/mock/executions" && request.method == "GET") {
    answer_executions(request);
  } else if (path == "/mock/reset" && request.method == "POST") {
    executions_.clear();
    const std::uint32_t open = counters_.open_connections;
    PartyCounters total = counters_.total;
    clear_counts(total);
    counters_ = Counters{.total = total, .open_connections = open, .most_open_connections = open};
    for (auto& [key, account] : accounts_) clear_counts(account->counters);
    for (auto& [name, org] : organisations_) clear_counts(org->counters);
    draft_.body = "{}";
  } else {
    make_error(draft_, unknown_url(request), Flavour::openai);
  }
  write_reply(out, draft_, nullptr, nullptr, request.keep_alive);
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
  if (fault) ++counters_.faults[std::string(name(fault->kind))];
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
