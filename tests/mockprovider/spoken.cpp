#include "tests/mockprovider/spoken.h"

namespace batchrun::mock {

Spoken speak(const SpeakingOf& about, const std::string& body) {
  Spoken out;
  HttpRequest request;
  request.method = "POST";
  request.target = about.path;
  request.body = body;
  for (const auto& [name, value] : about.fields) request.fields.emplace_back(name, value);
  out.problem =
      about.endpoint.read(request, {.flavour = about.flavour, .model = about.model_in_path}, out.call);
  if (out.problem) return out;
  out.call.cached_tokens =
      static_cast<std::uint64_t>(static_cast<double>(out.call.prompt_tokens) * about.scenario.cached_share);
  if (out.call.task == Task::chat) make_completion(out.call, about.scenario, out.completion);
  if (about.blocked) make_blocked(out.completion);
  if (about.finish) out.completion.finish = *about.finish;
  const ReplyFrame frame{.flavour = about.flavour,
                         .id = "abcdefghijklmnopqrstuv",
                         .model = out.call.model,
                         .created = 5,
                         .usage = about.usage,
                         .no_results = about.no_results};
  const Answer answer{out.call, out.completion, frame};
  about.endpoint.append_plain(out.plain, answer);
  if (out.call.task != Task::chat) return out;
  out.events.form = about.endpoint.form(out.call);
  about.endpoint.make_events(out.events, answer, about.scenario.chunks);
  return out;
}

std::string limit_fields(const Dialect& dialect, Quota& quota, Now now, const Refusal* refusal) {
  std::string out;
  dialect.append_limit_fields(out, quota, now, refusal);
  return out;
}

}  // namespace batchrun::mock
