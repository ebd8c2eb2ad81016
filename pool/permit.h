// The right to make one attempt on one key. Made only by Scheduler::next, given back only to
// Scheduler::settle; a permit that is dropped or settled twice is a bug here, so it aborts.
#pragma once

#include <array>
#include <cstdint>

#include "pool/ids.h"
#include "pool/time.h"

namespace batchrun {

// What an attempt draws from a group's budgets, in the provider's own way of charging.
struct Cost {
  double requests = 1;
  double input_tokens = 0;
  double output_tokens = 0;
  double tokens() const { return input_tokens + output_tokens; }
  friend bool operator==(const Cost&, const Cost&) = default;
};

// By dimension of a minute: what a group's window held, in units.
using WindowSums = std::array<float, 4>;

class Permit {
 public:
  Permit(Permit&& other) noexcept;
  Permit& operator=(Permit&& other) noexcept;  // REQUIRES: *this is empty
  ~Permit();                                   // aborts unless empty

  KeyId key() const { return key_; }
  GroupId group() const { return group_; }
  std::uint32_t model() const { return model_; }
  TimePoint admitted_at() const { return admitted_at_; }
  const Cost& reserved() const { return reserved_; }
  const WindowSums& window() const { return window_; }  // right after it was admitted

 private:
  friend class Scheduler;
  Permit(KeyId key, GroupId group, std::uint32_t model, TimePoint admitted_at, const Cost& reserved,
         const WindowSums& window);
  void consume();  // REQUIRES: not empty

  KeyId key_;
  GroupId group_;
  std::uint32_t model_ = 0;
  TimePoint admitted_at_;
  Cost reserved_;
  WindowSums window_{};
  bool live_ = false;
};

}  // namespace batchrun
