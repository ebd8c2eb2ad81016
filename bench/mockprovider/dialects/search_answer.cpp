#include "bench/mockprovider/dialects/search_answer.h"

#include <fmt/format.h>

namespace batchrun::mock {

SearchResult search_result(const Call& call, std::string_view query, std::size_t position) {
  const std::string_view subject = query == call.last_user_text ? std::string_view(call.marker) : query;
  return {.title = fmt::format("{} - result {}", subject, position),
          .link = fmt::format("https://example.org/page-{}", position),
          .snippet = fmt::format("Page {} says what there is to say about it.", position)};
}

void read_queries(Call& out) {
  out.task = Task::search;
  PromptReader prompt(out);
  prompt.message("user");
  prompt.text(out.queries.front());
  prompt.done();
  out.prompt_tokens = 0;
}

}  // namespace batchrun::mock
