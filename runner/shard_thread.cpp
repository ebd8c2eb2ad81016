#include "runner/shard_thread.h"

#include <atomic>
#include <thread>
#include <utility>

#include "io/http_transport.h"
#include "runner/clock.h"
#include "runner/shard.h"

namespace batchrun {

struct ShardThread::Parts {
  Parts(const Settings& settings, IntakeQueue& intake, LinesLink& lines, StateLink& state,
        std::function<void()> end)
      : transport(make_http_transport(context)),
        shard(settings, context, clock, *transport, intake, lines, state),
        on_end(std::move(end)) {}

  net::io_context context{1};
  SteadyClock clock;
  std::unique_ptr<Transport> transport;
  Shard shard;
  std::function<void()> on_end;
  std::atomic<bool> ended = false;
  std::thread thread;
};

ShardThread::ShardThread(const Settings& settings, IntakeQueue& intake, LinesLink& lines, StateLink& state,
                         std::function<void()> on_end)
    : parts_(std::make_unique<Parts>(settings, intake, lines, state, std::move(on_end))) {}

ShardThread::~ShardThread() = default;

void ShardThread::start() {
  parts_->thread = std::thread([parts = parts_.get()] {
    parts->shard.start();
    parts->context.run();
    parts->ended.store(true, std::memory_order_release);
    parts->on_end();
  });
}

void ShardThread::join() {
  parts_->thread.join();
}
void ShardThread::drain() {
  parts_->shard.drain();
}
void ShardThread::abort() {
  parts_->shard.abort();
}
RunFigures ShardThread::figures() const {
  return parts_->shard.figures();
}
bool ShardThread::ended() const {
  return parts_->ended.load(std::memory_order_acquire);
}
bool ShardThread::starved() const {
  return parts_->shard.starved();
}

}  // namespace batchrun
