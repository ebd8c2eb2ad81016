// One client's connection: reads requests, asks the provider, plays its replies. One thread, the event
// loop's.
#pragma once

#include <string>

#include "bench/mockprovider/event_loop.h"
#include "bench/mockprovider/provider.h"
#include "bench/mockprovider/socket.h"

namespace batchrun::mock {

class Connection final : public Watcher {
 public:
  // `loop` and `provider` outlive it.
  Connection(Socket socket, EventLoop& loop, Provider& provider, bool close_notify);
  ~Connection() override;

  void on_ready(bool hung_up) override;
  void on_timer() override;

  bool over() const { return phase_ == Phase::over; }  // it may be deleted

 private:
  enum class Phase {
    handshaking,
    reading,
    arriving,  // a whole request has been read and counts as on its way, until the timer
    replying,
    paused,   // replying, until the timer
    holding,  // silent until the client leaves
    over,
  };
  void obey(const FaultRule& fault);
  void fill();
  void go_on();
  bool next_request();
  bool read_request();
  bool is_on_its_way();
  void play();
  void pause(Moment wait);
  void reply_sent();
  void end(bool reset);
  void client_left();

  Socket socket_;
  EventLoop& loop_;
  Provider& provider_;
  EventLoop::Id id_;
  Phase phase_ = Phase::handshaking;
  bool close_notify_;
  bool peer_closed_ = false, maybe_hung_up_ = false;
  bool undrained_ = false;  // the socket may hold bytes that no edge will announce again
  bool told_to_continue_ = false;
  bool arrived_ = false;  // the request at the start of in_ has been on its way long enough
  std::string in_;
  std::size_t needed_ = 0;  // bytes of in_ before a request can be whole
  HttpRequest request_;
  WireReply reply_;
  std::size_t sent_ = 0, next_pause_ = 0;
  Ticket ticket_;
};

}  // namespace batchrun::mock
