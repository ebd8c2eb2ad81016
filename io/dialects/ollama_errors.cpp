#include "io/dialects/ollama_errors.h"

#include "io/ascii.h"
#include "io/dialects/reply_fault.h"

namespace batchrun {

namespace {

// Without a failure's status the text is all there is.
bool only_text_tells(const ErrorReply& reply) {
  return reply.head == nullptr || reply.head->status < 300;
}

FaultKind kind_of(const ErrorReply& reply) {
  const std::string_view message = reply.error.message;
  const bool by_text = only_text_tells(reply);
  if ((reply.status == 404 || by_text) && ascii::contains(message, "model") &&
      ascii::contains(message, "not found")) {
    return FaultKind::model_unavailable;
  }
  if (by_text && ascii::contains(message, "server busy")) return FaultKind::overloaded;
  return kind_by_status(reply);
}

}  // namespace

Fault ollama_fault(const ResponseHead& head, std::string_view body) {
  const ErrorReply reply = read_error_reply(&head, body);
  return fault_of(reply, kind_of(reply), {});
}

Fault ollama_line_fault(std::string_view line) {
  const ErrorReply reply = read_error_reply(nullptr, line);
  return fault_of(reply, kind_of(reply), {});
}

}  // namespace batchrun
