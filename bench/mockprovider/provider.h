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

#include "bench/mockprovider/call.h"
#include "bench/mockprovider/completion.h"
#include "bench/mockprovider/counters.h"
#include "bench/mockprovider/dialect.h"
#include "bench/mockprovider/dialects/routes.h"
#include "bench/mockprovider/executions.h"
#include "bench/mockprovider/fault.h"
#include "bench/mockprovider/http_request.h"
#include "bench/mockprovider/last_request.h"
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
  std::string model{};
  Bill bill{};                  // of this answer alone
  bool charges_output = false;  // output counts against the limits as it is produced
  std::uint64_t output_charged = 0;
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
  // `sent` of the reply's `size` bytes have gone out.
  void progressed(Ticket& ticket, std::size_t sent, std::size_t size, Now now);
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
  // One request on its way to a reply.
  struct Exchange {
    const HttpRequest& request;
    const Route& route;
    const Now now;
    Flavour flavour = Flavour::openai;
    const Dialect* dialect = nullptr;
    Account* account = nullptr;  // null: no good key
    const FaultRule* fault = nullptr;
  };

  void identify(Exchange& x);
  Flavour flavour_of(const Route& route, const Organisation* organisation) const;
  Account* account_of(const Route& route);
  Problem about(const Exchange& x) const;
  Problem problem(const Exchange& x, Trouble trouble) const;

  void answer_call(Exchange& x, WireReply& out, Ticket& ticket);
  std::optional<Problem> read_call(const Exchange& x);
  void judge(Exchange& x, Quota& budget, Ticket& ticket);
  bool refuse_by_limit(const Exchange& x, Quota& budget);
  bool refuse_by_searches(const Exchange& x);
  void open_ticket(const Exchange& x, Quota& budget, Ticket& ticket);
  void draft_answer(const Exchange& x, Ticket& ticket);
  void make_answer(const Exchange& x);
  void draft_models(const Exchange& x);
  void draft_account(const Exchange& x);
  void send(const Exchange& x, WireReply& out);

  void answer_control(const HttpRequest& request, Now now, WireReply& out);
  void answer_executions(const HttpRequest& request);
  void forget_counts();

  Organisation& organisation(const std::string& name);
  Quota& quota(Organisation& organisation, const std::string& model, Now now);
  Charging charging(const Exchange& x) const;
  Cost cost(const Exchange& x) const;
  void add_date_field(Now now);

  const Scenario scenario_;
  FaultPicker faults_;
  Random pace_random_, arrival_random_;
  std::map<std::string, std::unique_ptr<Organisation>> organisations_;
  std::unordered_map<std::string, std::unique_ptr<Account>> accounts_;
  Counters counters_;  // without by_key and by_organisation, which the accounts and organisations keep
  Executions executions_;
  LastRequest last_request_;
  std::uint64_t replies_ = 0;
  std::int64_t date_of_ = -1;
  std::string date_;

  // Reused from request to request.
  Call call_;
  Completion completion_;
  ReplyDraft draft_;
  std::string key_, id_;
};

}  // namespace batchrun::mock
