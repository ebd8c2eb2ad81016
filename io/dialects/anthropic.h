// Anthropic's Messages API: chat rows in translation, messages rows as they are. Source: Anthropic's API
// reference (Messages, Versioning, Errors, Rate limits) and its TypeScript client.
#pragma once

#include <memory>

#include "io/dialect.h"

namespace batchrun {

std::unique_ptr<Dialect> make_anthropic_dialect();

}  // namespace batchrun
