// A recorded reply, played to a StreamValidator as the transport does, cut at every byte.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/stream_validator.h"
#include "tests/support/reply_head.h"

namespace batchrun {

struct Recording {
  DialectKind kind = DialectKind::openai;
  Api api = Api::chat;
  bool streamed = true;
  int status = 200;
  HeadFields fields = {{"content-type", "text/event-stream"}};
  std::string body;
};

inline Reply play(const Recording& recording, const std::vector<std::string_view>& pieces) {
  const auto dialect = make_dialect(recording.kind);
  StreamValidator validator(*dialect, recording.api, recording.streamed);
  Flow flow = validator.on_head(reply_head(recording.status, recording.fields));
  for (const std::string_view piece : pieces) {
    if (flow == Flow::done || flow == Flow::stop) break;
    const auto octets = std::make_unique<std::string>(piece);  // gone after the call, as the transport's are
    flow = validator.on_body(*octets);
  }
  return validator.conclude(Ending());
}

// Everything a reply came to, in one comparable text.
inline std::string verdict_of(const Reply& reply) {
  std::string text;
  if (reply.fault) {
    text = std::string(name(reply.fault->kind)) + ": " + reply.fault->message;
    if (reply.fault->retry_after)
      text += " after " + std::to_string(std::chrono::nanoseconds(*reply.fault->retry_after).count()) + " ns";
    if (reply.fault->dimension) text += " of " + std::string(name(*reply.fault->dimension));
    return text;
  }
  const Usage& usage = reply.answer.usage;
  text = reply.answer.finish_reason + " by " + reply.answer.model + ", ";
  for (const std::uint64_t count : {usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens,
                                    usage.output_tokens, usage.reasoning_tokens, usage.searches})
    text += std::to_string(count) + " ";
  return text + (usage.known ? "" : "unknown ") + reply.answer.body;
}

// The reply as it came to be, after it was played whole, byte by byte and cut in two at every place: each
// time the same.
inline Reply replay(const Recording& recording) {
  const std::string_view body = recording.body;
  Reply whole = play(recording, {body});
  const std::string verdict = verdict_of(whole);
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < body.size(); ++i) bytes.push_back(body.substr(i, 1));
  EXPECT_EQ(verdict_of(play(recording, bytes)), verdict) << "byte by byte";
  for (std::size_t i = 0; i <= body.size(); ++i) {
    const std::string cut = verdict_of(play(recording, {body.substr(0, i), body.substr(i)}));
    EXPECT_EQ(cut, verdict) << "cut at " << i;
    if (cut != verdict) break;
  }
  return whole;
}

// What came of a reply that ended early, at every byte: the whole answer, or none.
inline void expect_no_partial_answer(const Recording& recording) {
  const std::string verdict = verdict_of(play(recording, {recording.body}));
  for (std::size_t i = 0; i < recording.body.size(); ++i) {
    const Reply reply = play(recording, {std::string_view(recording.body).substr(0, i)});
    EXPECT_TRUE(reply.fault || verdict_of(reply) == verdict)
        << "ended after " << i << ": " << verdict_of(reply);
  }
}

// How many bytes of the body open the first-chunk gate; npos: the whole of it does not.
inline std::size_t gate_of(const Recording& recording) {
  const auto dialect = make_dialect(recording.kind);
  StreamValidator validator(*dialect, recording.api, recording.streamed);
  Flow flow = validator.on_head(reply_head(recording.status, recording.fields));
  for (std::size_t i = 0; i < recording.body.size(); ++i) {
    const auto octet = std::make_unique<std::string>(1, recording.body[i]);
    flow = validator.on_body(*octet);
    if (flow == Flow::committed || flow == Flow::finished || flow == Flow::done) return i + 1;
    if (flow == Flow::stop) break;
  }
  return std::string::npos;
}

}  // namespace batchrun
