#include "bench/mockprovider/scenario.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

namespace batchrun::mock {

namespace {

namespace json = boost::json;

// One object of the file; done() complains about members nobody asked for.
class Object {
 public:
  Object(const json::value& value, std::string place) : place_(std::move(place)) {
    if (!value.is_object()) fail("must be an object");
    object_ = &value.get_object();
  }

  const json::value* find(std::string_view member) {
    known_.emplace(member);
    return object_->if_contains(member);
  }
  std::string at(std::string_view member) const { return place_ + "." + std::string(member); }

  void read(std::string_view member, std::string& out) {
    if (const json::value* v = find(member)) {
      if (!v->is_string()) fail(member, "must be a string");
      out = std::string(v->get_string());
    }
  }
  void read(std::string_view member, bool& out) {
    if (const json::value* v = find(member)) {
      if (!v->is_bool()) fail(member, "must be true or false");
      out = v->get_bool();
    }
  }
  void read(std::string_view member, double& out) {
    if (const json::value* v = find(member)) {
      if (!v->is_number()) fail(member, "must be a number");
      out = v->to_number<double>();
    }
  }
  template <std::integral T>
  void read(std::string_view member, T& out) {
    double number = static_cast<double>(out);
    read(member, number);
    const bool fits = number >= static_cast<double>(std::numeric_limits<T>::lowest()) &&
                      number < static_cast<double>(std::numeric_limits<T>::max());
    if (!fits || std::floor(number) != number) fail(member, "must be a whole number in range");
    out = static_cast<T>(number);
  }
  template <class T>
  void read(std::string_view member, std::optional<T>& out) {
    if (!find(member)) return;
    T value{};
    read(member, value);
    out = value;
  }
  template <class T, class Names = std::initializer_list<std::pair<std::string_view, T>>>
  void read_name(std::string_view member, T& out, const Names& names) {
    std::string text;
    read(member, text);
    if (text.empty()) return;
    std::string choices;
    for (const auto& [name, value] : names) {
      if (name == text) {
        out = value;
        return;
      }
      choices += choices.empty() ? "" : ", ";
      choices += name;
    }
    fail(member, fmt::format("is \"{}\", must be one of: {}", text, choices));
  }
  template <class T, class Names = std::initializer_list<std::pair<std::string_view, T>>>
  void read_name(std::string_view member, std::optional<T>& out, const Names& names) {
    if (!find(member)) return;
    T value{};
    read_name(member, value, names);
    out = value;
  }
  void read_seconds(std::string_view member, Moment& out) {
    double s = in_seconds(out);
    read(member, s);
    out = from_seconds(s);
  }

  void done() const {
    for (const auto& member : *object_) {
      if (!known_.contains(std::string(member.key()))) fail(member.key(), "is not known");
    }
  }
  auto begin() const { return object_->begin(); }
  auto end() const { return object_->end(); }

  [[noreturn]] void fail(std::string_view member, const std::string& what) const {
    throw ScenarioError(fmt::format("{} {}", at(member), what));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ScenarioError(fmt::format("{} {}", place_, what));
  }
  std::string place_;
  const json::object* object_ = nullptr;
  std::set<std::string> known_;
};

const json::array& array_at(const json::value& value, const std::string& place) {
  if (!value.is_array()) throw ScenarioError(place + " must be an array");
  return value.get_array();
}

Distribution read_distribution(const json::value& value, const std::string& place) {
  Distribution d;
  if (value.is_number()) {
    d.a_ms = value.to_number<double>();
    return d;
  }
  Object o(value, place);
  o.read_name<Distribution::Kind>("kind", d.kind,
                                  {{"fixed", Distribution::Kind::fixed},
                                   {"uniform", Distribution::Kind::uniform},
                                   {"lognormal", Distribution::Kind::lognormal}});
  switch (d.kind) {
    case Distribution::Kind::fixed:
      o.read("ms", d.a_ms);
      break;
    case Distribution::Kind::uniform:
      o.read("min_ms", d.a_ms);
      o.read("max_ms", d.b);
      break;
    case Distribution::Kind::lognormal:
      d.b = 0.5;
      o.read("median_ms", d.a_ms);
      o.read("sigma", d.b);
      o.read("max_ms", d.max_ms);
      break;
  }
  o.done();
  return d;
}

void read_limits(Object& o, const std::string& place, Limits& l) {
  o.read("rpm", l.rpm);
  o.read("tpm", l.tpm);
  o.read("rpd", l.rpd);
  o.read("tpd", l.tpd);
  o.read("itpm", l.itpm);
  o.read("otpm", l.otpm);
  o.read("rph", l.rph);
  o.read("concurrency", l.concurrency);
  for (const auto& limit : {l.rpm, l.tpm, l.rpd, l.tpd, l.itpm, l.otpm, l.rph}) {
    if (limit && !(*limit > 0))
      throw ScenarioError(place + ": a limit must be above 0 (leave it out for none)");
  }
}

LimiterSettings read_limiter(const json::value& value, const std::string& place) {
  Object o(value, place);
  LimiterSettings s;
  o.read_name<LimiterKind>("kind", s.kind,
                           {{"fixed_window", LimiterKind::fixed_window},
                            {"from_first", LimiterKind::from_first},
                            {"sliding_log", LimiterKind::sliding_log},
                            {"sliding_counter", LimiterKind::sliding_counter},
                            {"token_bucket", LimiterKind::token_bucket}});
  o.read_seconds("bucket_s", s.bucket);
  o.read_seconds("slice_s", s.slice);
  o.read("largest_tokens", s.largest_tokens);
  o.read_name<DayStart>(
      "day", s.day, {{"program", DayStart::program}, {"utc", DayStart::utc}, {"pacific", DayStart::pacific}});
  o.done();
  return s;
}

constexpr std::array<std::pair<std::string_view, Charging>, 3> charging_names = {
    {{"reserves_max_tokens", Charging::reserves_max_tokens},
     {"actual", Charging::actual},
     {"input_only", Charging::input_only}}};

// What is said of all organisations counts for one that says nothing of its own limiter.
OrganisationScenario read_organisation(const json::value& value, const std::string& place,
                                       const LimiterSettings& limiter) {
  Object o(value, place);
  OrganisationScenario organisation{.limits = {}, .limiter = limiter};
  read_limits(o, place, organisation.limits);
  o.read_name("flavour", organisation.flavour, flavour_names);
  o.read_name("charging", organisation.charging, charging_names);
  o.read("cached_reads_free", organisation.cached_reads_free);
  o.read("searches", organisation.searches);
  if (const json::value* own = o.find("limiter")) {
    organisation.limiter = read_limiter(*own, o.at("limiter"));
  }
  o.done();
  return organisation;
}

void read_fault_selectors(Object& o, FaultRule& rule) {
  o.read("probability", rule.probability);
  o.read("every", rule.every);
  if (const json::value* list = o.find("requests")) {
    for (const json::value& number : array_at(*list, o.at("requests"))) {
      if (!number.is_int64() || number.get_int64() < 1) o.fail("requests", "must hold numbers from 1");
      rule.requests.push_back(static_cast<std::uint64_t>(number.get_int64()));
    }
  }
  o.read("times", rule.times);
  o.read("from_s", rule.from_s);
  o.read("until_s", rule.until_s);
  o.read("key", rule.key);
  o.read("organisation", rule.organisation);
  o.read("model", rule.model);
  o.read("contains", rule.contains);
  o.read("stream", rule.stream);
}

FaultRule read_fault(const json::value& value, const std::string& place) {
  Object o(value, place);
  FaultRule rule;
  std::string text;
  o.read("fault", text);
  const auto kind = fault_named(text);
  if (!kind) o.fail("fault", fmt::format("is \"{}\", which is no fault's name", text));
  rule.kind = *kind;
  read_fault_selectors(o, rule);
  o.read("after_chunks", rule.after_chunks);
  o.read("bytes", rule.bytes);
  o.read("seconds", rule.seconds);
  o.read("interval_ms", rule.interval_ms);
  o.read("count", rule.count);
  o.read("from_body", rule.from_body);
  o.read("status", rule.code);
  o.read("location", rule.location);
  o.read("should_retry", rule.should_retry);
  o.read("echo_key", rule.echo_key);
  o.read("variant", rule.variant);
  std::optional<std::string> form;
  o.read("retry_after", form);
  if (form) rule.retry_after = retry_after_named(*form);
  if (form && !rule.retry_after)
    o.fail("retry_after", fmt::format("is \"{}\", which is no form of it", *form));
  o.done();
  return rule;
}

TlsScenario read_tls(const json::value& value, const std::string& place) {
  Object o(value, place);
  TlsScenario tls;
  o.read("enabled", tls.enabled);
  o.read_name<CertificateKind>("certificate", tls.certificate,
                               {{"good", CertificateKind::good},
                                {"wrong_host", CertificateKind::wrong_host},
                                {"expired", CertificateKind::expired},
                                {"not_yet_valid", CertificateKind::not_yet_valid}});
  o.read("only_old_versions", tls.only_old_versions);
  o.read("close_notify", tls.close_notify);
  o.done();
  return tls;
}

void read_keys(Object& o, Scenario& s) {
  if (const json::value* keys = o.find("keys")) {
    std::size_t i = 0;
    for (const json::value& entry : array_at(*keys, o.at("keys"))) {
      Object key(entry, fmt::format("{}[{}]", o.at("keys"), i++));
      std::string secret, organisation;
      key.read("key", secret);
      key.read("organisation", organisation);
      if (secret.empty()) key.fail("key", "must be given");
      key.done();
      s.keys[secret] = organisation.empty() ? "org-" + secret : organisation;
    }
  }
  if (const json::value* organisations = o.find("organisations")) {
    const std::string place = o.at("organisations");
    for (const auto& member : Object(*organisations, place)) {
      const std::string name(member.key());
      s.organisations[name] = read_organisation(member.value(), place + "." + name, s.others.limiter);
    }
  }
}

void read_answers(Object& o, Scenario& s) {
  if (const json::value* latency = o.find("latency")) {
    Object l(*latency, o.at("latency"));
    if (const json::value* v = l.find("arrival_ms")) {
      s.arrival = read_distribution(*v, l.at("arrival_ms"));
    }
    if (const json::value* v = l.find("first_chunk_ms")) {
      s.first_chunk = read_distribution(*v, l.at("first_chunk_ms"));
    }
    if (const json::value* v = l.find("between_chunks_ms")) {
      s.between_chunks = read_distribution(*v, l.at("between_chunks_ms"));
    }
    l.done();
  }
  if (const json::value* answer = o.find("answer")) {
    Object a(*answer, o.at("answer"));
    a.read("tokens", s.answer_tokens);
    a.read("longest", s.longest_answer);
    a.read("chunks", s.chunks);
    a.read("cached_share", s.cached_share);
    if (!(s.cached_share >= 0 && s.cached_share <= 1)) a.fail("cached_share", "must be from 0 to 1");
    a.done();
  }
  if (const json::value* models = o.find("models")) {
    for (const json::value& model : array_at(*models, o.at("models"))) {
      if (!model.is_string()) o.fail("models", "must hold strings");
      s.models.emplace_back(model.get_string());
    }
  }
}

Scenario read_scenario(const json::value& root) {
  Object o(root, "scenario");
  Scenario s;
  std::string comment;
  o.read("comment", comment);
  o.read("seed", s.seed);
  o.read_name("flavour", s.flavour, flavour_names);
  if (const json::value* v = o.find("limiter")) s.others.limiter = read_limiter(*v, o.at("limiter"));
  if (const json::value* v = o.find("limits")) {
    Object limits(*v, o.at("limits"));
    read_limits(limits, o.at("limits"), s.others.limits);
    limits.done();
  }
  read_keys(o, s);
  o.read("anonymous", s.anonymous);
  o.read("limits_per_model", s.limits_per_model);
  o.read_name("charging", s.charging, charging_names);
  o.read("failed_calls_count", s.failed_calls_count);
  o.read("default_max_tokens", s.default_max_tokens);
  o.read("rate_limit_headers", s.rate_limit_headers);
  o.read("clock_skew_s", s.clock_skew_s);
  o.read("count_executions", s.count_executions);
  read_answers(o, s);
  if (const json::value* faults = o.find("faults")) {
    std::size_t i = 0;
    for (const json::value& fault : array_at(*faults, o.at("faults"))) {
      s.faults.push_back(read_fault(fault, fmt::format("{}[{}]", o.at("faults"), i++)));
    }
  }
  if (const json::value* tls = o.find("tls")) s.tls = read_tls(*tls, o.at("tls"));
  o.done();
  return s;
}

}  // namespace

Scenario parse_scenario(std::string_view text) {
  json::parse_options options;
  options.allow_comments = true;
  options.allow_trailing_commas = true;
  json::error_code ec;
  const json::value root = json::parse(text, ec, {}, options);
  if (ec) throw ScenarioError("scenario is not JSON: " + ec.message());
  return read_scenario(root);
}

}  // namespace batchrun::mock
