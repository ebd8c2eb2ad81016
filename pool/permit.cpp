#include "pool/permit.h"

#include <utility>

#include "pool/invariant.h"

namespace batchrun {

Permit::Permit(KeyId key, GroupId group, std::uint32_t model, TimePoint admitted_at, const Cost& reserved,
               const WindowSums& window)
    : key_(key),
      group_(group),
      model_(model),
      admitted_at_(admitted_at),
      reserved_(reserved),
      window_(window),
      live_(true) {}

Permit::Permit(Permit&& other) noexcept
    : key_(other.key_),
      group_(other.group_),
      model_(other.model_),
      admitted_at_(other.admitted_at_),
      reserved_(other.reserved_),
      window_(other.window_),
      live_(std::exchange(other.live_, false)) {}

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this == &other) return *this;
  require(!live_, "a permit was overwritten before it was settled");
  key_ = other.key_;
  group_ = other.group_;
  model_ = other.model_;
  admitted_at_ = other.admitted_at_;
  reserved_ = other.reserved_;
  window_ = other.window_;
  live_ = std::exchange(other.live_, false);
  return *this;
}

Permit::~Permit() {
  require(!live_, "a permit was dropped without being settled");
}

void Permit::consume() {
  require(live_, "a permit was settled twice");
  live_ = false;
}

}  // namespace batchrun
