// The simulated provider without a network: requests in, replies out, and an account of both. Pure but for
// its state; one thread. A request is judged at the moment it is asked about.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/mockprovider/chat_request.h"
#include "bench/mockprovider/completion.h"
#include "bench/mockprovider/counters.h"
#include "bench/mockprovider/executions.h"
#include "bench/mockprovider/fault.h"
#include "bench/mockprovider/http_request.h"
#include "bench/mockprovider/reply_draft.h"
#include "bench/mockprovider/scenario.h"
#include "bench/mockprovider/wire_reply.h"

namespace batchrun::mock {

struct Organisation;
struct Account;

// An admitted request that is being answered. Given back through Provider::finished exactly once while
// `open`.
struct Ticket {
  bool open = false;
  Account* account = nullptr;
  Quota* quota = nullptr;
  std::uint64_t execution = 0;
  std::uint64_t prompt_tokens = 0, completion_tokens = 0;
  bool streamed = false;
  bool whole = true;  // no fault spoils the answer
};

class Provider {
 public:
  explicit Provider(const Scenario& scenario);
  ~Provider();

  // How much later than it has been read a request is to be answered. Drawn anew by each call.
  Moment arrival_delay(const HttpRequest& request);
  // Answers one request. REQUIRES: !ticket.open.
  void answer(const HttpRequest& request, Now now, WireReply& out, Ticket& ticket);
  // Answers what is no HTTP request.
  void answer_malformed(const HttpParse& parse, Now now, WireReply& out);
  // The reply has been sent to the last byte, or (`sent_whole` false) the connection ended before.
  void finished(Ticket& ticket, bool sent_whole, Now now);

  // What is to happen to a new connection; null: nothing.
  const FaultRule* connection_opened(Now now);
  void connection_closed();
  void tls_failed();
  std::uint32_t open_connections() const { return counters_.open_connections; }

  Counters counters(Now now) const;
  const Executions& executions() const { return executions_; }

 private:
  void answer_chat(const HttpRequest& request, Flavour flavour, Now now, WireReply& out, Ticket& ticket);
  void answer_models(const HttpRequest& request, std::string_view rest, Flavour flavour, Now now,
                     WireReply& out);
  void answer_control(const HttpRequest& request, Now now, WireReply& out);
  void answer_executions(const HttpRequest& request);
  Account* authenticate(const HttpRequest& request, std::string& key, ApiError& refused);
  bool refuse_by_limit(Account& account, Quota& quota, Flavour flavour, Now now);
  void admit(Account& account, Quota& quota, Flavour flavour, const FaultRule* fault, Now now,
             Ticket& ticket);
  void draft_answer(Flavour flavour, const FaultRule* fault, Now now, Ticket& ticket);
  void add_common_fields(Flavour flavour, const Organisation* organisation, Now now);
  Organisation& organisation(const std::string& name);
  Quota& quota(Organisation& organisation, const std::string& model);
  std::uint64_t tokens_reserved() const;

  const Scenario scenario_;
  FaultPicker faults_;
  Random pace_random_, arrival_random_;
  std::map<std::string, std::unique_ptr<Organisation>> organisations_;
  std::unordered_map<std::string, std::unique_ptr<Account>> accounts_;
  Counters counters_;  // without by_key and by_organisation, which the accounts and organisations keep
  Executions executions_;
  std::uint64_t replies_ = 0;
  std::int64_t date_of_ = -1;
  std::string date_;

  // Reused from request to request.
  ChatRequest chat_;
  Completion completion_;
  ReplyDraft draft_;
  std::string key_, id_;
};

}  // namespace batchrun::mock
