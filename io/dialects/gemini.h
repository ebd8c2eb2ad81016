// Gemini's generateContent.
#pragma once

#include <memory>

#include "io/dialect.h"

namespace batchrun {

std::unique_ptr<Dialect> make_gemini_dialect();

}  // namespace batchrun
