// What of the settings decides which model answers a row. The report keeps it, so that the next run on the
// same results can say that it would answer the rest with others.
#pragma once

#include <map>
#include <string>

#include "runner/settings.h"

namespace batchrun {

// By a name for people: "default model of openai" -> "gpt-4o-mini". No keys: which of them answers does not
// matter.
using AnswerSources = std::map<std::string, std::string>;
AnswerSources answer_sources(const Settings& settings);

// One sentence on what is not as it was in the run that wrote the report at settings.report; "" if nothing
// is, or if there is none about the same results: a run that was killed leaves none.
std::string other_sources_than_before(const Settings& settings);

}  // namespace batchrun
