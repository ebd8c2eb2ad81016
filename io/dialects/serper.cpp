#include "io/dialects/serper.h"

#include "io/ascii.h"
#include "io/dialects/reply_fault.h"
#include "io/dialects/request_head.h"
#include "io/json_members.h"
#include "io/json_text.h"
#include "io/reply_json.h"
#include "io/search_needs.h"

namespace batchrun {
namespace {

std::string search_body(const Row& row) {
  std::string body = "{\"q\":";
  append_json_string(body, row.prompt);
  std::string decoded;
  JsonMembers members(row.text);
  for (std::string_view key, value; members.next(key, value);) {
    const std::string_view name = json_unescaped(key, decoded);
    if (search_member(name) == SearchMember::own || value == "null") continue;
    body.append(",\"").append(key).append("\":").append(value);
  }
  body += '}';
  return body;
}

Request post(std::string body, const Endpoint& endpoint, const Credential& credential) {
  Request request;
  request.origin = &endpoint.origin;
  request.body = std::move(body);
  request.head = start_head("POST", "/search", accept_json, endpoint);
  append_json_fields(request.head, request.body.size());
  append_credential(request.head, "X-API-KEY", "", credential);
  request.head += "\r\n";
  return request;
}

bool says_no_credits(std::string_view message) {
  return ascii::contains(message, "not enough credits");
}

Fault fault_in(const ResponseHead& head, std::string_view body) {
  const ErrorReply reply = read_error_reply(&head, body);
  // A 400, like that of a bad parameter.
  if (says_no_credits(reply.error.message)) return fault_of(reply, FaultKind::quota_exhausted, {});
  return fault_of(reply, kind_by_status(reply), {});
}

struct Contents {
  bool results = false;  // what a search answers with
  bool error = false;
  std::uint64_t credits = 1;  // what the search cost
};

Contents contents_of(const JsonTokens& tokens) {
  Contents contents;
  for (ObjectWalk walk(tokens, JsonTokens::root); walk.next();) {
    const std::string_view name = walk.name();
    if (name == "searchParameters" || name == "organic") contents.results = true;
    if (name == "statusCode") contents.error = true;
    if (name == "credits") contents.credits = count_of(tokens, walk.value()).value_or(1);
  }
  return contents;
}

class SerperDialect final : public Dialect {
 public:
  bool serves(Api api, const Endpoint&) const override { return api == Api::search; }
  FeatureSet honours(const Endpoint&) const override { return FeatureSet(Feature::serper_parameter); }
  bool streams(Api) const override { return false; }

  Request encode(const Row& row, std::string_view, bool, const Endpoint& endpoint,
                 const Credential& credential) const override {
    return post(search_body(row), endpoint, credential);
  }

  // Nothing asks for the key alone. A search without a query is refused for the key first.
  Request encode_probe(const Endpoint& endpoint, const Credential& credential) const override {
    return post("{}", endpoint, credential);
  }
  std::optional<Fault> judge_probe(const ResponseHead& head, std::string_view body) const override {
    if (head.status >= 200 && head.status < 300) return std::nullopt;
    Fault fault = fault_in(head, body);
    if (fault.status == 400 && fault.kind == FaultKind::bad_request) return std::nullopt;
    return fault;
  }

  std::optional<Fault> decode_event(Api, std::string_view, std::string_view, AnswerDraft&) const override {
    return malformed("a search is not streamed");
  }

  std::optional<Fault> decode_body(Api, const ResponseHead& head, std::string_view body,
                                   Answer& answer) const override {
    const ReplyJson json = scan_reply(body);
    if (auto fault = wrong_body(body, json)) return fault;
    const Contents contents = contents_of(*json.tokens);
    if (!contents.results && contents.error) return fault_in(head, body);
    if (!contents.results) return malformed("the reply has no results of a search");
    answer.usage.known = true;
    answer.usage.searches = contents.credits;
    answer.body.clear();
    append_json_raw(answer.body, json.text);
    return std::nullopt;
  }

  Fault classify(const ResponseHead& head, std::string_view body) const override {
    return fault_in(head, body);
  }
  ServerLimits limits(const ResponseHead&) const override { return {}; }  // none known
  std::string_view request_id(const ResponseHead&) const override { return {}; }
};

}  // namespace

std::unique_ptr<Dialect> make_serper_dialect() {
  return std::make_unique<SerperDialect>();
}

}  // namespace batchrun
