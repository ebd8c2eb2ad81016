#include "bench/mockprovider/connection.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace batchrun::mock {

namespace {

// What a client may send ahead while its answer is on the way; more is left in the socket.
constexpr std::size_t read_ahead = 1 << 20;

}  // namespace

Connection::Connection(Socket socket, EventLoop& loop, Provider& provider, bool close_notify)
    : socket_(std::move(socket)),
      loop_(loop),
      provider_(provider),
      id_(loop.add(socket_.fd(), *this)),
      close_notify_(close_notify) {
  if (const FaultRule* fault = provider_.connection_opened(loop_.now())) obey(*fault);
}

Connection::~Connection() {
  if (phase_ != Phase::over) end(false);
}

void Connection::obey(const FaultRule& fault) {
  if (fault.kind == FaultKind::stall_on_accept) {
    socket_.forget_tls();
    phase_ = Phase::holding;
  } else {
    end(fault.kind == FaultKind::reset_on_accept);
  }
}

void Connection::on_ready(bool hung_up) {
  maybe_hung_up_ = maybe_hung_up_ || hung_up;
  if (phase_ == Phase::handshaking) {
    switch (socket_.handshake()) {
      case Socket::Result::done:
        phase_ = Phase::reading;
        break;
      case Socket::Result::would_block:
        if (hung_up) end(false);
        return;
      default:
        provider_.tls_failed();
        return end(false);
    }
  }
  // Read even while a reply is on its way: the client's leaving shows only here.
  undrained_ = true;
  fill();
  go_on();
}

void Connection::fill() {
  while (!peer_closed_ && in_.size() < read_ahead + needed_) {
    const std::size_t before = in_.size();
    const Socket::Result result = socket_.read(in_);
    const std::size_t came = in_.size() - before;
    if (result != Socket::Result::done) {
      peer_closed_ = result != Socket::Result::would_block;
      undrained_ = false;
      return;
    }
    if (phase_ == Phase::holding) in_.clear();
    // A read that did not fill the buffer has emptied a plain socket; a FIN behind it is told as a hang-up.
    if (!socket_.is_tls() && !maybe_hung_up_ && came < Socket::most_read) {
      undrained_ = false;
      return;
    }
  }
}

void Connection::on_timer() {
  if (phase_ == Phase::arriving) {
    phase_ = Phase::reading;
    arrived_ = true;
  } else if (phase_ == Phase::paused) {
    phase_ = Phase::replying;
  }
  go_on();
}

void Connection::go_on() {
  if (phase_ == Phase::replying) play();
  while (phase_ == Phase::reading && next_request()) play();
  if (peer_closed_ && phase_ != Phase::over) client_left();
}

// True: a reply is ready to be played. False: more bytes must come first.
bool Connection::next_request() {
  while (!read_request()) {
    if (!undrained_ || phase_ != Phase::reading) return false;
    fill();
  }
  return true;
}

bool Connection::read_request() {
  if (in_.size() < needed_ || in_.empty()) return false;
  const HttpParse parse = parse_http_request(in_, request_);
  if (parse.state == HttpParse::State::need_more) {
    needed_ = parse.size;
    if (parse.head_read && request_.expects_continue && !std::exchange(told_to_continue_, true)) {
      std::size_t written = 0;
      socket_.write("HTTP/1.1 100 Continue\r\n\r\n", written);
    }
    return false;
  }
  if (parse.state == HttpParse::State::bad) {
    provider_.answer_malformed(parse, loop_.now(), reply_);
    in_.clear();
  } else if (is_on_its_way()) {
    return false;
  } else {
    provider_.answer(request_, loop_.now(), reply_, ticket_);
    in_.erase(0, parse.size);
  }
  needed_ = sent_ = next_pause_ = 0;
  told_to_continue_ = false;
  phase_ = Phase::replying;
  return true;
}

// Bytes may follow the request while it waits and move it, so it is read again from in_ afterwards.
bool Connection::is_on_its_way() {
  if (std::exchange(arrived_, false)) return false;
  const Moment delay = provider_.arrival_delay(request_);
  if (delay <= Moment::zero()) return false;
  phase_ = Phase::arriving;
  loop_.set_timer(id_, loop_.now().since_start + delay);
  return true;
}

void Connection::play() {
  const std::string_view bytes = reply_.bytes;
  while (sent_ < bytes.size()) {
    const bool pauses_left = next_pause_ < reply_.pauses.size();
    if (pauses_left && reply_.pauses[next_pause_].at <= sent_)
      return pause(reply_.pauses[next_pause_++].wait);
    std::size_t until = pauses_left ? reply_.pauses[next_pause_].at : bytes.size();
    const bool slicing = reply_.slice > 0 && sent_ >= reply_.slice_from;
    if (slicing) {
      until = std::min(until, sent_ + reply_.slice);
    } else if (reply_.slice > 0) {
      until = std::min(until, reply_.slice_from);
    }
    std::size_t written = 0;
    const Socket::Result result = socket_.write(bytes.substr(sent_, until - sent_), written);
    if (result == Socket::Result::would_block) return;
    if (result != Socket::Result::done) return client_left();
    sent_ += written;
    if (ticket_.charges_output) provider_.progressed(ticket_, sent_, bytes.size(), loop_.now());
    if (slicing && sent_ < bytes.size()) return pause(reply_.slice_interval);
  }
  reply_sent();
}

void Connection::pause(Moment wait) {
  phase_ = Phase::paused;
  loop_.set_timer(id_, loop_.now().since_start + wait);
}

void Connection::reply_sent() {
  using After = WireReply::After;
  const bool held_back = reply_.after == After::hold && !ticket_.whole;
  if (ticket_.open && !held_back) provider_.finished(ticket_, true, loop_.now());
  switch (reply_.after) {
    case After::keep_open:
      phase_ = Phase::reading;
      return;
    case After::close:
      return end(false);
    case After::reset:
      return end(true);
    case After::linger:
      socket_.end_writing(close_notify_);
      phase_ = Phase::holding;
      return;
    case After::hold:
      phase_ = Phase::holding;
      return;
  }
}

void Connection::client_left() {
  end(false);
}

void Connection::end(bool reset) {
  loop_.remove(id_);
  if (ticket_.open) provider_.finished(ticket_, false, loop_.now());
  if (reset) {
    socket_.reset();
  } else {
    socket_.close(close_notify_);
  }
  provider_.connection_closed();
  phase_ = Phase::over;
}

}  // namespace batchrun::mock
