// Serper: a search of Google's for each row. Source: serper.dev (playground); recorded replies.
#pragma once

#include <memory>

#include "io/dialect.h"

namespace batchrun {

std::unique_ptr<Dialect> make_serper_dialect();

}  // namespace batchrun
