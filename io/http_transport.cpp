#include "io/http_transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/intrusive/list.hpp>
#include <deque>
#include <map>
#include <tuple>
#include <utility>

#include "io/tls.h"

namespace batchrun {
namespace {

namespace http = boost::beast::http;
namespace intrusive = boost::intrusive;
using boost::system::error_code;
using Executor = net::io_context::executor_type;
using Tcp = net::ip::tcp;
using Socket = net::basic_stream_socket<Tcp, Executor>;
using Timer = net::basic_waitable_timer<std::chrono::steady_clock,
                                        net::wait_traits<std::chrono::steady_clock>, Executor>;
using SteadyPoint = std::chrono::steady_clock::time_point;

constexpr net::as_tuple_t<net::use_awaitable_t<Executor>> as_result{};

constexpr std::size_t read_buffer_bytes = 64 << 10;
constexpr std::uint32_t header_limit_bytes = 32 << 10;
constexpr std::size_t field_limit = 100;
constexpr int interim_limit = 5;                                // 1xx replies before the real one
constexpr auto sweep_interval = std::chrono::milliseconds(50);  // how late a deadline may be noticed
constexpr auto idle_limit = std::chrono::seconds(45);           // servers commonly hang up after 60 s
constexpr auto address_lifetime = std::chrono::seconds(60);
// Handshakes at once. Each holds 30 kB or more for a moment; a ramp keeps the heap small, and lets all but
// the first resume the session the first ones were given.
constexpr int handshake_limit = 16;
constexpr int user_timeout_ms = 30'000;  // unacknowledged data for this long: the peer is gone

Fault fault(FaultKind kind, std::string message) {
  Fault f;
  f.kind = kind;
  f.message = std::move(message);
  return f;
}

// Beast's parser with the fields kept in our own ResponseHead and the body handed on where it lies.
class ReplyParser final : public http::basic_parser<false> {
 public:
  explicit ReplyParser(ResponseSink& sink) : sink_(sink) {
    eager(true);
    header_limit(header_limit_bytes);
    body_limit(boost::none);  // the sink has its own cap, in terms of what it keeps
  }

  int status() const { return status_; }
  bool interim() const { return status_ / 100 == 1; }
  Flow flow() const { return flow_; }

 private:
  void on_request_impl(http::verb, boost::beast::string_view, boost::beast::string_view, int,
                       error_code&) override {}
  void on_response_impl(int code, boost::beast::string_view, int, error_code&) override {
    status_ = head_.status = code;
  }
  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                     error_code& ec) override {
    if (head_.size() >= field_limit) {
      ec = http::error::header_limit;
      return;
    }
    head_.add({name.data(), name.size()}, {value.data(), value.size()});
  }
  void on_header_impl(error_code&) override {
    if (interim()) return;
    flow_ = sink_.on_head(std::move(head_));
  }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view body, error_code&) override { return give(body); }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view body, error_code&) override {
    return give(body);
  }
  void on_finish_impl(error_code&) override {}

  std::size_t give(boost::beast::string_view body) {
    if (flow_ != Flow::done && flow_ != Flow::stop) flow_ = sink_.on_body({body.data(), body.size()});
    return body.size();
  }

  ResponseSink& sink_;
  ResponseHead head_;
  int status_ = 0;
  Flow flow_ = Flow::awaiting;
};

// What is known of one origin: its addresses, its certificates, its idle connections.
struct Pool;

struct Connection {
  Connection(Pool& p, const Executor& ex) : pool(p), socket(ex) {}

  Pool& pool;  // which outlives it: it holds the idle ones, and perform() holds it for the others
  Socket socket;
  std::optional<TlsSession> tls;
  std::string pending;  // bytes read that the parser could not take yet; nearly always empty
  SteadyPoint deadline = SteadyPoint::max();
  SteadyPoint idle_since{};
  bool expired = false, aborted = false;
  bool kept = false;           // has served an exchange before
  bool tail_expected = false;  // the last reply was done before its chunked end had come
  intrusive::list_member_hook<intrusive::link_mode<intrusive::auto_unlink>> hook;  // among the open exchanges

  // Octets that are there now, without waiting. Zero with would_block set when there are none.
  std::size_t read_some(std::span<char> into, error_code& ec);
  std::size_t write_some(const std::array<net::const_buffer, 2>& parts, error_code& ec);
  Socket::wait_type wanted =
      Socket::wait_read;  // what the last would_block waits for (TLS may turn it round)
};
using ConnectionPtr = std::unique_ptr<Connection>;

struct Pool {
  explicit Pool(const Origin& o) : origin(o) {}

  Origin origin;
  std::vector<Tcp::endpoint> addresses;
  SteadyPoint addresses_until{};
  std::optional<Tcp::endpoint> connected_to;  // last; tried first, as another may be silent (broken IPv6)
  bool resolving = false;
  std::vector<Timer*> waiting_for_addresses;
  std::unique_ptr<TlsContext> tls;  // one for each origin: a session is never offered to another host
  std::vector<ConnectionPtr> idle;  // the most recently used last
};

error_code as_error(TlsSession::Step step, Connection& connection) {
  switch (step) {
    case TlsSession::Step::done:
      return {};
    case TlsSession::Step::want_read:
      connection.wanted = Socket::wait_read;
      return net::error::would_block;
    case TlsSession::Step::want_write:
      connection.wanted = Socket::wait_write;
      return net::error::would_block;
    case TlsSession::Step::closed:
      return net::error::eof;
    case TlsSession::Step::failed:
      break;
  }
  return net::error::connection_reset;
}

std::size_t Connection::read_some(std::span<char> into, error_code& ec) {
  wanted = Socket::wait_read;
  if (!tls) return socket.read_some(net::buffer(into.data(), into.size()), ec);
  std::size_t got = 0;
  ec = as_error(tls->read(into, got), *this);
  return got;
}

std::size_t Connection::write_some(const std::array<net::const_buffer, 2>& parts, error_code& ec) {
  wanted = Socket::wait_write;
  if (!tls) return socket.write_some(parts, ec);
  const net::const_buffer& part = parts[0].size() > 0 ? parts[0] : parts[1];
  std::size_t written = 0;
  ec = as_error(tls->write({static_cast<const char*>(part.data()), part.size()}, written), *this);
  return written;
}

// Our own doing is asked about first: a cancelled operation is a timeout or an abort, and only else the
// network's.
Fault broken(const Connection& connection, const error_code& ec, FaultKind on_time, FaultKind otherwise) {
  if (connection.aborted) return fault(FaultKind::cancelled, "cancelled");
  if (!connection.expired) return fault(otherwise, ec.message());
  switch (on_time) {
    case FaultKind::timeout_connect:
      return fault(on_time, "no connection in time");
    case FaultKind::timeout_first_chunk:
      return fault(on_time, "no first chunk in time");
    default:
      return fault(on_time, "the reply stopped coming");
  }
}

// One request and its reply on one connection, as steps that never wait: advance() goes on until it must.
class Exchange {
 public:
  Exchange(Connection& connection, const Request& request, ResponseSink& sink, const Deadlines& deadlines,
           SteadyPoint total, std::span<char> buffer)
      : connection_(connection), sink_(sink), deadlines_(deadlines), total_(total), buffer_(buffer) {
    parser_.emplace(sink_);
    to_send_ = {net::buffer(request.head), net::buffer(request.body)};
    if (connection.tls) {  // one record, not two
      joined_.reserve(request.head.size() + request.body.size());
      joined_.append(request.head).append(request.body);
      to_send_ = {net::buffer(joined_), net::const_buffer()};
    }
    connection_.deadline = std::min(total_, steady_now() + deadlines_.first_chunk);
  }

  // True: wait for connection.wanted and call again. False: over.
  bool advance() {
    if (!over_ && !sent_) send();
    while (!over_ && sent_ && !waiting_) receive();
    return !over_;
  }
  void resume(const error_code& ec) {
    waiting_ = false;
    if (ec) fail(ec);
  }

  const Ending& ending() const { return ending_; }
  // Not one byte of a reply came on a connection that had been kept: the server had closed it meanwhile.
  bool stale() const { return connection_.kept && got_octets_ == 0 && ending_.fault && lost_; }
  bool reusable() const { return !ending_.fault && reusable_; }

 private:
  static SteadyPoint steady_now() { return std::chrono::steady_clock::now(); }

  void send() {
    while (to_send_[0].size() + to_send_[1].size() > 0) {
      error_code ec;
      const std::size_t written = connection_.write_some(to_send_, ec);
      if (ec == net::error::would_block) return;
      if (ec) return fail(ec);
      ending_.request_sent = true;
      const std::size_t from_first = std::min(written, to_send_[0].size());
      to_send_[0] += from_first;
      to_send_[1] += written - from_first;
    }
    sent_ = true;
    waiting_ = true;  // a reply cannot be there yet: do not pay for a read that finds nothing
    connection_.wanted = Socket::wait_read;
    sent_at_ = steady_now();
    connection_.deadline = std::min(total_, sent_at_ + deadlines_.first_chunk);
  }

  void receive() {
    error_code ec;
    const std::size_t got = connection_.read_some(buffer_, ec);
    if (ec == net::error::would_block) {
      waiting_ = true;
      return;
    }
    if (ec == net::error::eof) return at_end_of_stream();
    if (ec) return fail(ec);
    got_octets_ += got;
    std::string_view octets(buffer_.data(), got);
    if (!connection_.pending.empty()) {
      connection_.pending.append(octets);
      octets = connection_.pending;
    }
    const std::size_t taken = parse(octets);
    if (over_) return;
    if (octets.size() - taken > header_limit_bytes) {
      return finish(fault(FaultKind::malformed_reply, "a header or chunk line over the limit"));
    }
    std::string rest(octets.substr(taken));
    connection_.pending = std::move(rest);
    waiting_ = got < buffer_.size() && !connection_.tls;  // a short read from a socket has emptied it
  }

  // How much of `octets` the parser took; the rest must come again with more behind it.
  std::size_t parse(std::string_view octets) {
    std::size_t taken = 0;
    while (taken < octets.size() && !over_) {
      error_code ec;
      taken += parser_->put(net::buffer(octets.data() + taken, octets.size() - taken), ec);
      if (ec && ec != http::error::need_more) {
        finish(fault(FaultKind::malformed_reply, "not a valid HTTP reply: " + ec.message()));
      } else if (parser_->is_done() && parser_->interim()) {
        next_reply();
      } else {
        heed(parser_->flow());
        if (parser_->is_done()) complete(octets.size() == taken);
        if (ec == http::error::need_more) break;
      }
    }
    if (!over_ && (flow_ == Flow::done || flow_ == Flow::stop)) leave_early(octets.substr(taken));
    return taken;
  }

  void next_reply() {
    if (++interim_ > interim_limit || parser_->status() == 101) {
      return finish(fault(FaultKind::malformed_reply, "too many interim replies"));
    }
    parser_.emplace(sink_);
  }

  void heed(Flow flow) {
    if (flow == Flow::awaiting) return;
    const SteadyPoint now = steady_now();
    if (flow_ == Flow::awaiting) ending_.first_chunk = now - sent_at_;
    if (flow == Flow::committed) connection_.deadline = std::min(total_, now + deadlines_.idle);
    if (flow == Flow::finished && flow_ != Flow::finished)  // once: signs of life do not prolong it
      connection_.deadline = std::min(total_, now + deadlines_.trailing);
    flow_ = flow;
  }

  void complete(bool nothing_more) {
    if (flow_ == Flow::awaiting) heed(Flow::committed);  // a plain body is one chunk, and this was its end
    reusable_ = parser_->keep_alive() && nothing_more && flow_ != Flow::stop;
    over_ = true;
  }

  // The listener has all it wants. Nearly always only the end of a chunked body is still to come.
  void leave_early(std::string_view rest) {
    over_ = true;
    if (flow_ == Flow::stop || !parser_->chunked() || !parser_->keep_alive()) return;
    connection_.pending.assign(rest);
    connection_.tail_expected = true;
    reusable_ = true;
  }

  void at_end_of_stream() {
    lost_ = got_octets_ == 0;
    error_code ec;
    if (parser_->got_some()) parser_->put_eof(ec);
    if (!ec && parser_->is_done()) {
      over_ = true;  // a body that ends where the connection does
      return;
    }
    finish(
        fault(cut_short(), got_octets_ == 0 ? "the server hung up before a reply" : "the reply ended early"));
  }

  void fail(const error_code& ec) {
    if (flow_ == Flow::finished && connection_.expired && !connection_.aborted) {
      over_ = true;  // nothing more will come that matters; the connection is of no further use
      return;
    }
    lost_ = got_octets_ == 0 && !connection_.expired && !connection_.aborted;
    const FaultKind on_time = flow_ == Flow::awaiting && steady_now() < total_
                                  ? FaultKind::timeout_first_chunk
                                  : FaultKind::timeout_idle;
    finish(broken(connection_, ec, on_time, cut_short()));
  }

  FaultKind cut_short() const {
    return ending_.request_sent ? FaultKind::truncated_reply : FaultKind::connect;
  }

  void finish(Fault f) {
    ending_.fault = std::move(f);
    over_ = true;
  }

  Connection& connection_;
  ResponseSink& sink_;
  const Deadlines& deadlines_;
  SteadyPoint total_, sent_at_{};
  std::span<char> buffer_;
  std::array<net::const_buffer, 2> to_send_;
  std::string joined_;
  std::optional<ReplyParser> parser_;
  Ending ending_;
  Flow flow_ = Flow::awaiting;
  std::size_t got_octets_ = 0;
  int interim_ = 0;
  bool sent_ = false, waiting_ = false, over_ = false, lost_ = false, reusable_ = false;
};

// Lets a number of coroutines in at once; the others wait their turn.
class Turnstile {
 public:
  Turnstile(const Executor& executor, int places) : executor_(executor), free_(places) {}

  // True: in, until leave(). False: no turn came before `deadline`, or turn_away() was called.
  Task<bool> enter(SteadyPoint deadline) {
    if (free_ > 0) {
      --free_;
      co_return true;
    }
    Waiter waiter{Timer(executor_, deadline)};
    waiting_.push_back(&waiter);
    auto waited = co_await waiter.timer.async_wait(as_result);
    (void)waited;
    std::erase(waiting_, &waiter);
    co_return waiter.let_in;
  }

  // The place goes straight to the one who has waited longest.
  void leave() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    Waiter* next = waiting_.front();
    waiting_.pop_front();
    next->let_in = true;
    next->timer.cancel();
  }

  void turn_away() {
    for (Waiter* waiter : waiting_) waiter->timer.cancel();
  }

 private:
  struct Waiter {
    Timer timer;
    bool let_in = false;
  };
  Executor executor_;
  int free_;
  std::deque<Waiter*> waiting_;
};

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(net::io_context& context)
      : executor_(context.get_executor()),
        resolver_(context),
        sweep_timer_(executor_),
        handshakes_(executor_, handshake_limit),
        buffer_(read_buffer_bytes) {}

  Task<Ending> perform(const Request& request, ResponseSink& sink, const Deadlines& deadlines) override;
  void abort() override;

 private:
  using OpenList =
      intrusive::list<Connection,
                      intrusive::member_hook<Connection, decltype(Connection::hook), &Connection::hook>,
                      intrusive::constant_time_size<false>>;

  std::shared_ptr<Pool>& pool_of(const Origin& origin);
  ConnectionPtr take_idle(Pool& pool);
  void keep(ConnectionPtr connection);
  Task<std::optional<Fault>> resolve(std::shared_ptr<Pool> pool, SteadyPoint deadline);
  Task<std::optional<Fault>> open(std::shared_ptr<Pool> pool, Connection& connection,
                                  const Deadlines& deadlines, SteadyPoint total);
  Task<std::optional<Fault>> shake_hands(Connection& connection, SteadyPoint deadline);
  void watch(Connection& connection);
  void sweep();

  Executor executor_;
  net::ip::basic_resolver<Tcp, Executor> resolver_;
  Timer sweep_timer_;
  Turnstile handshakes_;
  std::vector<char> buffer_;  // shared by all: nothing is left in it across a suspension
  std::map<std::tuple<bool, std::string, std::uint16_t, std::string>, std::shared_ptr<Pool>> pools_;
  OpenList open_;
  bool sweeping_ = false, aborting_ = false;
};

std::shared_ptr<Pool>& HttpTransport::pool_of(const Origin& origin) {
  auto& pool = pools_[{origin.tls, origin.host, origin.port, origin.ca_file}];
  if (!pool) pool = std::make_shared<Pool>(origin);
  return pool;
}

// Is what follows an early end exactly the end of a chunked body?
bool tail_has_come(Connection& connection) {
  std::array<char, 64> octets;
  error_code ec;
  const std::size_t got = connection.read_some(octets, ec);
  if (ec && ec != net::error::would_block) return false;
  connection.pending.append(octets.data(), got);
  const bool whole = connection.pending == "0\r\n\r\n" || connection.pending == "\r\n0\r\n\r\n";
  connection.pending.clear();
  connection.tail_expected = false;
  return whole;
}

ConnectionPtr HttpTransport::take_idle(Pool& pool) {
  while (!pool.idle.empty()) {
    ConnectionPtr connection = std::move(pool.idle.back());
    pool.idle.pop_back();
    if (!connection->tail_expected || tail_has_come(*connection)) return connection;
  }
  return nullptr;
}

void HttpTransport::keep(ConnectionPtr connection) {
  connection->hook.unlink();
  connection->kept = true;
  connection->idle_since = std::chrono::steady_clock::now();
  if (!connection->tail_expected) connection->pending.clear();
  connection->pool.idle.push_back(std::move(connection));
}

Task<Ending> HttpTransport::perform(const Request& request, ResponseSink& sink, const Deadlines& deadlines) {
  const std::shared_ptr<Pool> pool = pool_of(*request.origin);
  const SteadyPoint total = std::chrono::steady_clock::now() + deadlines.total;
  for (;;) {
    if (aborting_) co_return Ending{fault(FaultKind::cancelled, "cancelled"), false, {}};
    ConnectionPtr connection = take_idle(*pool);
    if (!connection) {
      connection = std::make_unique<Connection>(*pool, executor_);
      watch(*connection);
      std::optional<Fault> unopened = co_await open(pool, *connection, deadlines, total);
      if (unopened) co_return Ending{std::move(unopened), false, {}};
    } else {
      watch(*connection);
    }
    Exchange exchange(*connection, request, sink, deadlines, total, buffer_);
    while (exchange.advance()) {
      auto waited = co_await connection->socket.async_wait(connection->wanted, as_result);
      exchange.resume(std::get<0>(waited));
    }
    if (exchange.stale()) continue;  // ends: each turn uses up a kept connection
    if (exchange.reusable() && !aborting_) keep(std::move(connection));
    co_return exchange.ending();
  }
}

Task<std::optional<Fault>> HttpTransport::resolve(std::shared_ptr<Pool> pool, SteadyPoint deadline) {
  if (!pool->addresses.empty() && std::chrono::steady_clock::now() < pool->addresses_until)
    co_return std::nullopt;
  error_code not_numeric;
  const auto address = net::ip::make_address(pool->origin.host, not_numeric);
  if (!not_numeric) {
    pool->addresses = {Tcp::endpoint(address, pool->origin.port)};
    pool->addresses_until = SteadyPoint::max();
    co_return std::nullopt;
  }
  if (!pool->resolving) {
    pool->resolving = true;
    // Asio resolves on a thread of its own and cannot be hurried: whoever waits does so on a timer.
    resolver_.async_resolve(pool->origin.host, std::to_string(pool->origin.port),
                            [pool](const error_code& ec, const Tcp::resolver::results_type& found) {
                              pool->resolving = false;
                              if (!ec) {  // else the last good addresses stay in use
                                pool->addresses.assign(found.begin(), found.end());
                                pool->addresses_until = std::chrono::steady_clock::now() + address_lifetime;
                              }
                              for (Timer* timer : pool->waiting_for_addresses) timer->cancel();
                            });
  }
  Timer timer(executor_, deadline);
  pool->waiting_for_addresses.push_back(&timer);
  auto waited = co_await timer.async_wait(as_result);
  (void)waited;
  std::erase(pool->waiting_for_addresses, &timer);
  if (aborting_) co_return fault(FaultKind::cancelled, "cancelled");
  if (pool->addresses.empty()) co_return fault(FaultKind::connect, "cannot resolve " + pool->origin.host);
  co_return std::nullopt;
}

Task<std::optional<Fault>> HttpTransport::open(std::shared_ptr<Pool> pool, Connection& connection,
                                               const Deadlines& deadlines, SteadyPoint total) {
  const SteadyPoint connect_by = std::min(total, std::chrono::steady_clock::now() + deadlines.connect);
  std::optional<Fault> unresolved = co_await resolve(pool, connect_by);
  if (unresolved) co_return unresolved;

  std::vector<Tcp::endpoint> addresses = pool->addresses;
  std::stable_partition(addresses.begin(), addresses.end(),
                        [&](const Tcp::endpoint& address) { return address == pool->connected_to; });
  error_code ec;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const SteadyPoint now = std::chrono::steady_clock::now();
    // A dead first address (broken IPv6, say) must leave time for the next.
    connection.deadline = now + (connect_by - now) / static_cast<int>(addresses.size() - i);
    connection.expired = false;
    auto connected = co_await connection.socket.async_connect(addresses[i], as_result);
    ec = std::get<0>(connected);
    if (!ec) pool->connected_to = addresses[i];
    if (!ec || connection.aborted) break;
    error_code ignored;
    connection.socket.close(ignored);
  }
  if (connection.aborted) ec = net::error::operation_aborted;
  if (ec) {
    Fault failed = broken(connection, ec, FaultKind::timeout_connect, FaultKind::connect);
    failed.message = "connect to " + pool->origin.authority() + ": " + failed.message;
    co_return failed;
  }
  connection.socket.non_blocking(true, ec);
  connection.socket.set_option(Tcp::no_delay(true), ec);
  connection.socket.set_option(net::socket_base::keep_alive(true), ec);
  ::setsockopt(connection.socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms,
               sizeof user_timeout_ms);
  if (!pool->origin.tls) co_return std::nullopt;
  connection.deadline = SteadyPoint::max();  // waiting for one's turn is no fault of the server
  const bool my_turn = co_await handshakes_.enter(total);
  if (!my_turn)
    co_return fault(connection.aborted ? FaultKind::cancelled : FaultKind::timeout_connect,
                    "no handshake in time");
  std::optional<Fault> refused =
      co_await shake_hands(connection, std::min(total, std::chrono::steady_clock::now() + deadlines.tls));
  handshakes_.leave();
  co_return refused;
}

Task<std::optional<Fault>> HttpTransport::shake_hands(Connection& connection, SteadyPoint deadline) {
  Pool& pool = connection.pool;
  try {
    if (!pool.tls) pool.tls = std::make_unique<TlsContext>(pool.origin.ca_file);
  } catch (const std::runtime_error& unusable) {
    co_return fault(FaultKind::tls, unusable.what());
  }
  connection.tls.emplace(*pool.tls, connection.socket.native_handle(), pool.origin.host);
  connection.deadline = deadline;
  for (;;) {
    error_code ec = as_error(connection.tls->handshake(), connection);
    if (!ec) co_return std::nullopt;
    if (ec != net::error::would_block) {
      co_return fault(FaultKind::tls,
                      "TLS with " + pool.origin.authority() + ": " + connection.tls->failure());
    }
    auto waited = co_await connection.socket.async_wait(connection.wanted, as_result);
    ec = std::get<0>(waited);
    if (ec) co_return broken(connection, ec, FaultKind::timeout_connect, FaultKind::tls);
  }
}

void HttpTransport::watch(Connection& connection) {
  connection.expired = false;
  connection.deadline = SteadyPoint::max();
  open_.push_back(connection);
  if (!sweeping_) sweep();
}

// One look at all open exchanges now and then costs less than a timer for each.
void HttpTransport::sweep() {
  const SteadyPoint now = std::chrono::steady_clock::now();
  for (Connection& connection : open_) {
    if (now < connection.deadline) continue;
    connection.expired = true;
    connection.deadline = SteadyPoint::max();
    error_code ignored;
    connection.socket.cancel(ignored);
  }
  for (auto& [key, pool] : pools_) {
    while (!pool->idle.empty() && now - pool->idle.front()->idle_since > idle_limit)
      pool->idle.erase(pool->idle.begin());
  }
  sweeping_ = !open_.empty() && !aborting_;
  if (!sweeping_) return;
  sweep_timer_.expires_after(sweep_interval);
  sweep_timer_.async_wait([this](const error_code& ec) {
    if (!ec) sweep();
  });
}

void HttpTransport::abort() {
  aborting_ = true;
  error_code ignored;
  for (Connection& connection : open_) {
    connection.aborted = true;
    connection.socket.cancel(ignored);
  }
  handshakes_.turn_away();
  for (auto& [key, pool] : pools_) {
    pool->idle.clear();
    for (Timer* timer : pool->waiting_for_addresses) timer->cancel();
  }
  sweep_timer_.cancel();
}

}  // namespace

std::unique_ptr<Transport> make_http_transport(net::io_context& context) {
  return std::make_unique<HttpTransport>(context);
}

}  // namespace batchrun
