// Ollama's own chat interface: chat rows in translation, /api/chat rows as they are. Source: Ollama's API
// documentation and server.
#pragma once

#include <memory>

#include "io/dialect.h"

namespace batchrun {

std::unique_ptr<Dialect> make_ollama_dialect();

}  // namespace batchrun
