#include "bench/mockprovider/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "bench/mockprovider/random.h"
#include "bench/mockprovider/text.h"

namespace batchrun::mock {

namespace {

// Each with the space before it, as most tokens of a real model have.
constexpr std::array<std::string_view, 64> words = {
    " the",   " of",      " and",    " to",      " in",      " is",     " that",   " for",
    " it",    " as",      " with",   " on",      " by",      " this",   " from",   " or",
    " are",   " which",   " at",     " one",     " all",     " can",    " more",   " when",
    " there", " other",   " some",   " time",    " these",   " two",    " may",    " then",
    " first", " any",     " like",   " over",    " such",    " most",   " each",   " between",
    " often", " small",   " large",  " water",   " light",   " energy", " system", " number",
    " part",  " process", " result", " reason",  " example", " common", " simple", " higher",
    " lower", " before",  " after",  " because", " while",   " called", " means",  " usually"};

constexpr std::string_view fingerprint = "fp_0123456789";
constexpr std::size_t bytes_per_piece = 8;  // of tool arguments and JSON answers

void add_piece(Completion& out, std::string_view piece) {
  out.text += piece;
  out.piece_ends.push_back(static_cast<std::uint32_t>(out.text.size()));
}

void add_in_pieces(Completion& out, std::string_view text) {
  while (!text.empty()) {
    const std::string_view piece = utf8_prefix(text, bytes_per_piece);
    add_piece(out, piece);
    text.remove_prefix(piece.size());
  }
}

void add_words(const ChatRequest& request, const Scenario& scenario, Completion& out) {
  const std::uint64_t allowed = std::clamp<std::uint64_t>(
      request.max_tokens.value_or(scenario.default_max_tokens), 1, scenario.longest_answer);
  Random random(mix(scenario.seed) ^ request.content_hash);
  // Lengths from a quarter of max_tokens to five quarters: one answer in five is cut by it.
  const auto quarters = static_cast<double>(allowed) / 4;
  const auto wished = scenario.answer_tokens > 0
                          ? std::uint64_t{scenario.answer_tokens}
                          : static_cast<std::uint64_t>(quarters * (1 + 4 * random.unit())) + 1;
  const std::uint64_t length = std::min(wished, allowed);
  add_piece(out, request.marker.empty() ? std::string_view("Answer") : std::string_view(request.marker));
  while (out.piece_ends.size() + 1 < length) add_piece(out, words[random.next() % words.size()]);
  if (length > 1)
    add_piece(out, wished > allowed ? words[random.next() % words.size()] : std::string_view("."));
  out.finish_reason = wished > allowed ? "length" : "stop";
}

void append_usage(std::string& out, const ChatRequest& request, const Completion& completion,
                  Flavour flavour) {
  fmt::format_to(std::back_inserter(out), R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{})",
                 request.prompt_tokens, completion.tokens, request.prompt_tokens + completion.tokens);
  if (flavour == Flavour::groq) {
    out += R"(,"queue_time":0.01,"prompt_time":0.001,"completion_time":0.004,"total_time":0.005)";
  }
  out +=
      R"(,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":)"
      R"({"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})";
}

void append_time_info(std::string& out, std::int64_t created) {
  fmt::format_to(
      std::back_inserter(out),
      R"(,"time_info":{{"queue_time":0.01,"prompt_time":0.001,"completion_time":0.004,"total_time":0.015,)"
      R"("created":{}}})",
      created);
}

void append_message(std::string& out, const ChatRequest& request, const Completion& c, std::string_view id) {
  out += R"({"role":"assistant","content":)";
  if (c.is_tool_call || c.is_refusal) {
    out += "null";
  } else {
    append_json_string(out, c.text);
  }
  if (c.is_tool_call) {
    fmt::format_to(std::back_inserter(out),
                   R"(,"tool_calls":[{{"id":"call_{}","type":"function","function":{{"name":)", id);
    append_json_string(out, request.tool_name);
    out += ",\"arguments\":";
    append_json_string(out, c.text);
    out += "}}]";
  }
  out += ",\"refusal\":";
  if (c.is_refusal) {
    append_json_string(out, c.text);
  } else {
    out += "null";
  }
  out += ",\"annotations\":[]}";
}

// Makes the events of one stream, all starting with the same members.
class EventWriter {
 public:
  EventWriter(StreamEvents& out, const ChatRequest& request, const Completion& completion,
              const ReplyFrame& frame)
      : out_(out), request_(request), completion_(completion), frame_(frame) {
    prefix_ = fmt::format(R"({{"id":"chatcmpl-{}","object":"chat.completion.chunk","created":{},"model":)",
                          frame.id, frame.created);
    append_json_string(prefix_, frame.model);
    if (frame.flavour == Flavour::openai) prefix_ += R"(,"service_tier":"default")";
    fmt::format_to(std::back_inserter(prefix_), R"(,"system_fingerprint":"{}","choices":[)", fingerprint);
    openai_usage_ = frame.usage && request.include_usage;
  }

  void role(std::uint32_t choice) {
    std::string delta = R"({"role":"assistant","content":)";
    delta += completion_.is_tool_call || completion_.is_refusal ? "null" : "\"\"";
    if (completion_.is_tool_call) {
      fmt::format_to(std::back_inserter(delta),
                     R"(,"tool_calls":[{{"index":0,"id":"call_{}","type":"function","function":{{"name":)",
                     frame_.id);
      append_json_string(delta, request_.tool_name);
      delta += R"(,"arguments":""}}])";
    }
    delta += R"(,"refusal":null})";
    add(choice, delta, "");
  }

  void content(std::uint32_t choice, std::string_view piece) {
    std::string delta;
    if (completion_.is_tool_call) {
      delta = R"({"tool_calls":[{"index":0,"function":{"arguments":)";
      append_json_string(delta, piece);
      delta += "}}]}";
    } else {
      delta = completion_.is_refusal ? R"({"refusal":)" : R"({"content":)";
      append_json_string(delta, piece);
      delta += '}';
    }
    add(choice, delta, "");
  }

  void finish(std::uint32_t choice, bool last) {
    add(choice, "{}", completion_.finish_reason);
    if (!last || !frame_.usage) return;
    std::string& event = out_.data.back();
    event.pop_back();
    if (frame_.flavour == Flavour::groq) {
      fmt::format_to(std::back_inserter(event), R"(,"x_groq":{{"id":"req_{}","usage":)", frame_.id);
      append_usage(event, request_, completion_, frame_.flavour);
      event += '}';
    } else if (frame_.flavour == Flavour::cerebras) {
      event += ",\"usage\":";
      append_usage(event, request_, completion_, frame_.flavour);
      append_time_info(event, frame_.created);
    }
    event += '}';
  }

  void usage() {
    if (!openai_usage_ || frame_.flavour == Flavour::cerebras) return;
    std::string event = prefix_ + "],\"usage\":";
    append_usage(event, request_, completion_, frame_.flavour);
    out_.data.push_back(std::move(event) + "}");
  }

 private:
  void add(std::uint32_t choice, std::string_view delta, std::string_view finish_reason) {
    std::string event;
    event.reserve(prefix_.size() + delta.size() + 160);
    event = prefix_;
    fmt::format_to(std::back_inserter(event), R"({{"index":{},"delta":{},"logprobs":null,"finish_reason":)",
                   choice, delta);
    if (finish_reason.empty()) {
      event += "null}]";
    } else {
      fmt::format_to(std::back_inserter(event), "\"{}\"}}]", finish_reason);
    }
    if (frame_.flavour == Flavour::openai) {
      if (openai_usage_) event += ",\"usage\":null";
      event += R"(,"obfuscation":")";
      event.append("x7Kq9aQbT2mW", out_.data.size() % 12);
      event += '"';
    }
    if (frame_.flavour == Flavour::groq && out_.data.empty()) {
      fmt::format_to(std::back_inserter(event), R"(,"x_groq":{{"id":"req_{}"}})", frame_.id);
    }
    event += '}';
    out_.data.push_back(std::move(event));
  }

  StreamEvents& out_;
  const ChatRequest& request_;
  const Completion& completion_;
  const ReplyFrame& frame_;
  std::string prefix_;
  bool openai_usage_ = false;
};

}  // namespace

void make_completion(const ChatRequest& request, const Scenario& scenario, Completion& out) {
  out.text.clear();
  out.piece_ends.clear();
  out.is_refusal = false;
  out.is_tool_call = !request.tool_name.empty();
  out.finish_reason = out.is_tool_call ? "tool_calls" : "stop";
  if (out.is_tool_call) {
    add_in_pieces(out, request.tool_arguments);
  } else if (!request.json_answer.empty()) {
    add_in_pieces(out, request.json_answer);
  } else {
    add_words(request, scenario, out);
  }
  out.tokens = out.piece_ends.size() * request.choices;
}

std::string_view model_snapshot(std::string_view model) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> snapshots = {{
      {"gpt-4o-mini", "gpt-4o-mini-2024-07-18"},
      {"gpt-4o", "gpt-4o-2024-08-06"},
      {"gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"},
      {"gpt-4.1", "gpt-4.1-2025-04-14"},
      {"gpt-5-mini", "gpt-5-mini-2025-08-07"},
  }};
  for (const auto& [alias, snapshot] : snapshots) {
    if (alias == model) return snapshot;
  }
  return model;
}

void append_plain(std::string& out, const ChatRequest& request, const Completion& completion,
                  const ReplyFrame& frame) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"id":"chatcmpl-{}","object":"chat.completion","created":{},"model":)", frame.id,
                 frame.created);
  append_json_string(out, frame.model);
  out += ",\"choices\":[";
  for (std::uint32_t i = 0; i < request.choices; ++i) {
    fmt::format_to(std::back_inserter(out), R"({}{{"index":{},"message":)", i ? "," : "", i);
    append_message(out, request, completion, frame.id);
    fmt::format_to(std::back_inserter(out), R"(,"logprobs":null,"finish_reason":"{}"}})",
                   completion.finish_reason);
  }
  out += ']';
  if (frame.usage) {
    out += ",\"usage\":";
    append_usage(out, request, completion, frame.flavour);
  }
  if (frame.flavour == Flavour::cerebras) append_time_info(out, frame.created);
  if (frame.flavour == Flavour::openai) out += R"(,"service_tier":"default")";
  fmt::format_to(std::back_inserter(out), R"(,"system_fingerprint":"{}")", fingerprint);
  if (frame.flavour == Flavour::groq)
    fmt::format_to(std::back_inserter(out), R"(,"x_groq":{{"id":"req_{}"}})", frame.id);
  out += '}';
}

void make_events(StreamEvents& out, const ChatRequest& request, const Completion& completion,
                 const ReplyFrame& frame, std::uint32_t chunks) {
  out = {};
  EventWriter writer(out, request, completion, frame);
  for (std::uint32_t choice = 0; choice < request.choices; ++choice) writer.role(choice);
  out.first_content = completion.is_tool_call ? 0 : out.data.size();
  const std::size_t pieces = completion.piece_ends.size();
  const std::size_t count = chunks == 0 ? pieces : std::min<std::size_t>(chunks, pieces);
  std::size_t start = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = completion.piece_ends[(i + 1) * pieces / count - 1];
    const std::string_view piece = std::string_view(completion.text).substr(start, end - start);
    for (std::uint32_t choice = 0; choice < request.choices; ++choice) writer.content(choice, piece);
    start = end;
  }
  out.finish = out.data.size();
  out.contents = out.finish - out.first_content;
  for (std::uint32_t choice = 0; choice < request.choices; ++choice) {
    writer.finish(choice, choice + 1 == request.choices);
  }
  writer.usage();
}

}  // namespace batchrun::mock
