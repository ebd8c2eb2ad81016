#include "tests/story/network.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "tests/story/reply_reader.h"

// GCC 12 takes Asio's recycled coroutine frames for a mismatched delete (GCC bug 109224).
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace batchrun::story {
namespace {

constexpr std::int64_t unix_start = 1'795'327'200;  // 2026-11-22 06:00 UTC
constexpr Duration longest_connect = std::chrono::milliseconds(50);
constexpr Duration between_pieces = std::chrono::milliseconds(30);

Fault fault(FaultKind kind, const char* message) {
  Fault f;
  f.kind = kind;
  f.message = message;
  return f;
}

// What spoils one exchange on the way.
enum class Mishap : std::uint8_t { none, refused, no_connection, request_lost, reply_lost, cut, stalled };

}  // namespace

// An exchange in progress, as the client's end of it sees the world.
struct Network::Wire {
  Wire(Network& n, StoryTransport& transport, net::io_context& context, const Request& r)
      : network(n),
        owner(transport),
        alarm(n.clock_.make_alarm(context)),
        provider(*n.providers_[n.provider_of(r)]),
        request(r),
        sent(n.account_.size()) {
    network.wires_.push_back(this);
    network.account_.emplace_back();
    account().provider = network.provider_of(r);
    account().at = network.clock_.now();
    const std::size_t mark = r.body.find("[[");
    account().row = r.body.substr(mark + 2, r.body.find("]]") - mark - 2);
  }
  ~Wire() {
    std::erase(network.wires_, this);
    leave();
    account().aborted = aborted;
    account().ended_at = network.clock_.now();
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  Sent& account() { return network.account_[sent]; }

  Mishap draw_mishap() {
    const NetworkPlan& shares = network.plan_.network;
    double at = network.dice();
    const std::pair<double, Mishap> all[] = {{shares.refused, Mishap::refused},
                                             {shares.no_connection, Mishap::no_connection},
                                             {shares.request_lost, Mishap::request_lost},
                                             {shares.reply_lost, Mishap::reply_lost},
                                             {shares.cut, Mishap::cut},
                                             {shares.stalled, Mishap::stalled}};
    for (const auto& [share, drawn] : all) {
      if ((at -= share) < 0) return drawn;
    }
    return Mishap::none;
  }

  // The request is at the provider, which judges it now.
  void arrive() {
    judged = true;
    const std::string octets = request.head + request.body;
    mock::HttpRequest parsed;
    if (mock::parse_http_request(octets, parsed).state != mock::HttpParse::State::complete) std::abort();
    provider.mock.answer(parsed, network.mock_now(), reply, ticket);
    const std::size_t space =
        std::min(reply.bytes.find(' '), reply.bytes.size());  // it may hang up without a word
    account().status = std::atoi(reply.bytes.c_str() + space);
    if (mishap == Mishap::reply_lost) reply.bytes.clear();
    if (mishap == Mishap::cut || mishap == Mishap::stalled) {
      reply.bytes.resize(static_cast<std::size_t>(network.dice() * static_cast<double>(reply.bytes.size())));
      std::erase_if(reply.pauses, [&](const auto& pause) { return pause.at > reply.bytes.size(); });
    }
    cut = mishap != Mishap::none;
    if (mishap == Mishap::cut) reply.after = mock::WireReply::After::close;
    if (mishap == Mishap::stalled || mishap == Mishap::reply_lost) reply.after = mock::WireReply::After::hold;
    plan_next_piece();
  }

  // Up to the next pause, or less.
  void plan_next_piece() {
    std::size_t until = reply.bytes.size();
    next_at = network.clock_.now();
    if (next_pause < reply.pauses.size() && reply.pauses[next_pause].at <= given) {
      next_at += reply.pauses[next_pause++].wait;
    }
    if (next_pause < reply.pauses.size()) until = std::min(until, reply.pauses[next_pause].at);
    if (until - given > 1 && network.dice() < 0.3) {
      until = given + 1 + static_cast<std::size_t>(network.dice() * static_cast<double>(until - given - 1));
      next_at += network.some_time(between_pieces);
    }
    next_until = until;
    const bool silence = given == reply.bytes.size() && reply.after == mock::WireReply::After::hold;
    if (silence) next_at = never;
  }

  // REQUIRES: next_at has come.
  std::string_view next_piece() {
    const std::string_view piece = std::string_view(reply.bytes).substr(given, next_until - given);
    given = next_until;
    provider.mock.progressed(ticket, given, reply.bytes.size(), network.mock_now());
    const bool whole = given == reply.bytes.size() && !cut;
    const bool held = reply.after == mock::WireReply::After::hold && !ticket.whole;
    if (whole && ticket.open && !held) finish(true);
    return piece;
  }
  bool all_given() const { return given == reply.bytes.size(); }

  void finish(bool sent_whole) {
    account().answered = sent_whole && ticket.whole;
    provider.mock.finished(ticket, sent_whole, network.mock_now());
  }
  // The client has gone.
  void leave() {
    if (ticket.open) finish(false);
  }

  Network& network;
  StoryTransport& owner;
  const std::unique_ptr<Alarm> alarm;
  Provider& provider;
  const Request& request;
  const std::size_t sent;  // place in the account
  Mishap mishap = Mishap::none;
  bool aborted = false, reset = false, silenced = false;
  mock::WireReply reply;
  mock::Ticket ticket;
  bool judged = false;  // by the provider
  bool cut = false;
  std::size_t given = 0, next_until = 0, next_pause = 0;
  TimePoint next_at = never;
};

Network::Network(const Plan& plan, ManualClock& clock)
    : plan_(plan), clock_(clock), start_(clock.now()), random_(plan.seed ^ 0x6e6574) {
  for (const ProviderPlan& provider : plan.providers) {
    providers_.push_back(std::make_unique<Provider>(provider));
  }
}

mock::Now Network::mock_now() const {
  return {now(), unix_start + std::chrono::floor<std::chrono::seconds>(now()).count()};
}

mock::Counters Network::counters(std::size_t provider) const {
  return providers_[provider]->mock.counters(mock_now());
}

std::size_t Network::provider_of(const Request& request) const {
  for (std::size_t i = 0; i < providers_.size(); ++i) {
    if (providers_[i]->plan.host == request.origin->host) return i;
  }
  std::abort();
}

TimePoint Network::let_outages_happen() {
  TimePoint next = never;
  for (const auto& provider : providers_) {
    const Outage* before = std::exchange(provider->outage, nullptr);
    for (const Outage& outage : provider->plan.outages) {
      if (outage.span.holds(now())) provider->outage = &outage;
      for (const Duration change : {outage.span.from, outage.span.to}) {
        if (change > now()) next = std::min(next, start_ + change);
      }
    }
    if (provider->outage == nullptr || provider->outage == before) continue;
    for (Wire* wire : wires_) {
      if (&wire->provider != provider.get()) continue;
      (provider->outage->silent ? wire->silenced : wire->reset) = true;
      wire->leave();
      wire->alarm->ring();
    }
  }
  return next;
}

void StoryTransport::abort() {
  aborted_ = true;
  for (Network::Wire* wire : network_.wires_) {
    if (&wire->owner != this) continue;
    wire->aborted = true;
    wire->alarm->ring();
  }
}

// One request and its reply once there is a connection, as steps that never wait. As io/http_transport does
// it: the same phases, deadlines and faults.
class StoryTransport::Talk {
 public:
  Talk(Network::Wire& wire, ResponseSink& sink, const Deadlines& deadlines, TimePoint total)
      : wire_(wire),
        clock_(wire.network.clock_),
        deadlines_(deadlines),
        total_(total),
        sent_at_(clock_.now()),
        deadline_(std::min(total, sent_at_ + deadlines.first_chunk)),
        reader_(sink) {
    ending_.request_sent = true;
    if (wire.mishap != Mishap::request_lost) {
      wire.next_at = sent_at_ + wire.network.some_time(wire.network.plan_.network.arrival_most);
    }
  }

  bool over() const { return over_; }
  const Ending& ending() const { return ending_; }
  TimePoint due() const { return std::min(next(), deadline_); }

  // REQUIRES: !over().
  void go_on() {
    if (wire_.aborted) return end(fault(FaultKind::cancelled, "cancelled"));
    if (wire_.reset) {
      wire_.account().answered = false;  // if it had only its end to wait for
      return end(fault(FaultKind::truncated_reply, "Connection reset by peer"));
    }
    if (clock_.now() >= next()) return wire_.judged ? hear() : wire_.arrive();
    if (clock_.now() >= deadline_) lose_patience();
  }

 private:
  TimePoint next() const { return wire_.silenced ? never : wire_.next_at; }

  void hear() {
    if (!wire_.all_given()) reader_.take(wire_.next_piece());
    const bool ended = wire_.all_given() && wire_.reply.after != mock::WireReply::After::hold;
    if (ended) reader_.connection_ended();
    heed(reader_.flow());
    if (reader_.complete() || flow_ == Flow::done || flow_ == Flow::stop) {
      heed(Flow::committed);
      // What is still under way has been sent.
      if (flow_ == Flow::done && !wire_.cut && wire_.ticket.open) wire_.finish(true);
      return end({});
    }
    if (ended) return end(fault(FaultKind::truncated_reply, "the reply ended early"));
    wire_.plan_next_piece();
  }

  void heed(Flow flow) {
    if (flow == Flow::awaiting) return;
    if (flow_ == Flow::awaiting) ending_.first_chunk = clock_.now() - sent_at_;
    if (flow == Flow::committed) deadline_ = std::min(total_, clock_.now() + deadlines_.idle);
    if (flow == Flow::finished && flow_ != Flow::finished) {
      deadline_ = std::min(total_, clock_.now() + deadlines_.trailing);
    }
    flow_ = reader_.flow();
  }

  void lose_patience() {
    if (flow_ == Flow::finished) return end({});
    const bool first = flow_ == Flow::awaiting && clock_.now() < total_;
    end(first ? fault(FaultKind::timeout_first_chunk, "no first chunk in time")
              : fault(FaultKind::timeout_idle, "the reply stopped coming"));
  }

  void end(std::optional<Fault> why) {
    ending_.fault = std::move(why);
    over_ = true;
  }

  Network::Wire& wire_;
  const ManualClock& clock_;
  const Deadlines& deadlines_;
  const TimePoint total_, sent_at_;
  TimePoint deadline_;
  ReplyReader reader_;
  Flow flow_ = Flow::awaiting;
  Ending ending_;
  bool over_ = false;
};

Task<std::optional<Fault>> StoryTransport::connect(Network::Wire& wire, Duration patience) {
  const ManualClock& clock = network_.clock_;
  const Outage* outage = wire.provider.outage;
  const bool silent = wire.mishap == Mishap::no_connection || (outage != nullptr && outage->silent);
  const TimePoint by = clock.now() + (silent ? patience : network_.some_time(longest_connect));
  while (clock.now() < by && !wire.aborted) co_await wire.alarm->wait_until(by);
  if (wire.aborted) co_return fault(FaultKind::cancelled, "cancelled");
  if (silent) co_return fault(FaultKind::timeout_connect, "no connection in time");
  if (wire.reset || wire.provider.outage != nullptr || wire.mishap == Mishap::refused) {
    co_return fault(FaultKind::connect, "Connection refused");
  }
  co_return std::nullopt;
}

// No connection is kept.
Task<Ending> StoryTransport::perform(const Request& request, ResponseSink& sink, const Deadlines& deadlines) {
  if (aborted_) co_return Ending{fault(FaultKind::cancelled, "cancelled"), false, {}};
  const TimePoint total = network_.clock_.now() + deadlines.total;
  Network::Wire wire(network_, *this, context_, request);
  wire.account().life = life_;
  wire.mishap = wire.draw_mishap();
  std::optional<Fault> unconnected = co_await connect(wire, deadlines.connect);
  if (unconnected) co_return Ending{std::move(unconnected), false, {}};
  Talk talk(wire, sink, deadlines, total);
  while (!talk.over()) {
    co_await wire.alarm->wait_until(talk.due());
    talk.go_on();
  }
  co_return talk.ending();
}

}  // namespace batchrun::story
