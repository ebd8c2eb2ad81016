// OpenAI's wire format, and that of the many servers compatible with it.
#pragma once

#include <memory>

#include "io/dialect.h"
#include "io/dialects/openai_flavour.h"

namespace batchrun {

std::unique_ptr<Dialect> make_openai_dialect(OpenAiFlavour flavour);

}  // namespace batchrun
