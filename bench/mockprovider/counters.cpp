#include "bench/mockprovider/counters.h"

#include <boost/json.hpp>

namespace batchrun::mock {

namespace {

namespace json = boost::json;

json::object bills(const std::map<std::string, Bill>& all) {
  json::object out;
  for (const auto& [model, b] : all) {
    out[model] = {{"answers", b.answers},
                  {"input_tokens", b.input_tokens},
                  {"cached_tokens", b.cached_tokens},
                  {"output_tokens", b.output_tokens},
                  {"searches", b.searches}};
  }
  return out;
}

json::object faults(const std::map<std::string, std::uint64_t>& all) {
  json::object out;
  for (const auto& [name, count] : all) out[name] = count;
  return out;
}

json::object party(const PartyCounters& c) {
  return {{"requests", c.requests},
          {"admitted", c.admitted},
          {"refused", c.refused},
          {"completed", c.completed},
          {"tokens_charged", c.tokens_charged},
          {"open", c.open},
          {"most_open", c.most_open},
          {"first_admitted_s", c.first_admitted_s},
          {"last_admitted_s", c.last_admitted_s},
          {"models", bills(c.bills)},
          {"faults", faults(c.faults)}};
}

json::object parties(const std::map<std::string, PartyCounters>& all) {
  json::object out;
  for (const auto& [name, counters] : all) out[name] = party(counters);
  return out;
}

}  // namespace

std::string to_json(const Counters& c) {
  json::object out = party(c.total);
  out["streamed"] = c.streamed;
  out["aborted"] = c.aborted;
  out["unauthorized"] = c.unauthorized;
  out["bad_requests"] = c.bad_requests;
  out["malformed_http"] = c.malformed_http;
  out["with_credentials"] = c.with_credentials;
  out["prompt_tokens"] = c.prompt_tokens;
  out["completion_tokens"] = c.completion_tokens;
  out["connections"] = c.connections;
  out["tls_failures"] = c.tls_failures;
  out["open_connections"] = c.open_connections;
  out["most_open_connections"] = c.most_open_connections;
  out["uptime_s"] = c.uptime_s;
  out["by_key"] = parties(c.by_key);
  out["by_organisation"] = parties(c.by_organisation);
  return json::serialize(out);
}

}  // namespace batchrun::mock
