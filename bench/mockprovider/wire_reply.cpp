#include "bench/mockprovider/wire_reply.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "io/append_format.h"

namespace batchrun::mock {

namespace {

using After = WireReply::After;

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

std::string gzipped(std::string_view text) {
  z_stream z{};
  if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out(deflateBound(&z, text.size()), '\0');
  std::string in(text);
  z.next_in = reinterpret_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

// How the end of the body is told.
enum class Framing : std::uint8_t { length, chunked, until_close };

class Writer {
 public:
  Writer(WireReply& out, const ReplyDraft& draft, const FaultRule* fault, const Pace* pace, bool keep_alive)
      : out_(out), draft_(draft), fault_(fault), pace_(pace), keep_alive_(keep_alive) {}

  void write() {
    choose_framing();
    if (is(FaultKind::gzip_body)) {
      write_whole(gzipped(draft_.streamed ? events_as_text() : draft_.body));
    } else if (draft_.streamed && framing_ != Framing::length) {
      write_stream();
    } else {
      write_whole(draft_.streamed ? events_as_text() : draft_.body);
    }
    if (fault_) break_on_the_wire();
    if (!keep_alive_ && out_.after == After::keep_open) out_.after = After::close;
  }

 private:
  bool is(FaultKind kind) const { return fault_ && fault_->kind == kind; }
  bool keeps_open() const { return is(FaultKind::done_keeps_open) || is(FaultKind::finish_keeps_open); }

  void choose_framing() {
    framing_ = draft_.streamed ? Framing::chunked : Framing::length;
    if (is(FaultKind::truncated_chunked) || is(FaultKind::bad_chunk_size)) framing_ = Framing::chunked;
    if (is(FaultKind::wrong_content_length)) framing_ = Framing::length;
    if (is(FaultKind::http10_close)) framing_ = Framing::until_close;
  }

  void write_interim() {
    const bool hints = is(FaultKind::early_hints_103);
    if (!hints && !is(FaultKind::continue_100)) return;
    for (std::uint32_t i = 0; i < fault_->after_chunks; ++i) {
      out_.bytes += hints ? "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"
                          : "HTTP/1.1 100 Continue\r\n\r\n";
    }
  }

  void write_head(std::size_t length) {
    write_interim();
    append_format(out_.bytes, "{} {} {}\r\n", is(FaultKind::http10_close) ? "HTTP/1.0" : "HTTP/1.1",
                  draft_.status, reason(draft_.status));
    if (!draft_.content_type.empty()) append_format(out_.bytes, "content-type: {}\r\n", draft_.content_type);
    if (is(FaultKind::gzip_body)) out_.bytes += "content-encoding: gzip\r\n";
    if (framing_ == Framing::length || is(FaultKind::conflicting_lengths)) {
      append_format(out_.bytes, "content-length: {}\r\n", length);
    }
    if (framing_ == Framing::chunked || is(FaultKind::conflicting_lengths)) {
      out_.bytes += "transfer-encoding: chunked\r\n";
    }
    if (!keep_alive_ || framing_ == Framing::until_close) out_.bytes += "connection: close\r\n";
    out_.bytes += draft_.fields;
    if (is(FaultKind::huge_headers)) write_huge_headers();
    out_.bytes += "\r\n";
    head_end_ = out_.bytes.size();
    middle_ = head_end_;
  }

  void write_huge_headers() {
    const auto wanted = static_cast<std::size_t>(fault_->bytes > 0 ? fault_->bytes : 64 << 10);
    for (std::size_t written = 0, i = 0; written < wanted; written += 1000, ++i) {
      append_format(out_.bytes, "x-padding-{}: {}\r\n", i, std::string(984, 'p'));
    }
  }

  void write_whole(std::string_view body) {
    wait_at(0, plain_wait());
    std::size_t told = body.size();
    if (is(FaultKind::wrong_content_length)) told = wrong_length(body);
    write_head(told);
    if (framing_ == Framing::chunked) {
      write_chunk(body.substr(0, body.size() / 2));
      middle_ = out_.bytes.size();
      write_chunk(body.substr(body.size() / 2));
      out_.bytes += "0\r\n\r\n";
    } else {
      out_.bytes += body;
      middle_ = head_end_ + body.size() / 2;
    }
  }

  std::size_t wrong_length(std::string_view body) const {
    const auto size = static_cast<std::int64_t>(body.size());
    const std::int64_t by = fault_->bytes != 0 ? fault_->bytes : draft_.streamed ? -size / 2 : 10;
    return static_cast<std::size_t>(std::max<std::int64_t>(0, size + by));
  }

  void write_chunk(std::string_view body) {
    append_format(out_.bytes, "{:x}\r\n", body.size());
    out_.bytes += body;
    out_.bytes += "\r\n";
  }

  void write_part(std::string_view body) {
    if (framing_ == Framing::chunked) return write_chunk(body);
    out_.bytes += body;
  }

  void write_stream() {
    const StreamEvents& events = draft_.events;
    const Moment first = drawn(pace_ ? pace_->first_chunk : nullptr);
    if (events.preamble.empty()) wait_at(0, first);
    write_head(0);
    if (!events.preamble.empty()) {
      write_part(events.preamble);
      wait_at(out_.bytes.size(), first);
    }
    const std::size_t broken = fault_ ? event_after(events, fault_->after_chunks) : 0;
    std::string text;
    for (std::size_t i = 0; i < events.data.size(); ++i) {
      const bool content = i > events.first_content && i < events.first_content + events.contents;
      if (content && pace_) wait_at(out_.bytes.size(), drawn(pace_->between_chunks));
      if (i == broken) middle_ = out_.bytes.size();
      text.clear();
      append_event(text, i);
      write_part(text);
    }
    if (!events.tail.empty()) write_part(events.tail);
    if (framing_ == Framing::chunked && !keeps_open()) out_.bytes += "0\r\n\r\n";
  }

  void append_event(std::string& out, std::size_t i) const {
    const StreamEvents& events = draft_.events;
    const StreamForm& form = events.form;
    const std::string& data = events.data[i];
    const bool last = i + 1 == events.data.size();
    switch (form.framing) {
      case StreamForm::Framing::sse:
        return append_sse(out, data, last);
      case StreamForm::Framing::ndjson:
        out += data;
        if (!last || draft_.final_blank_line) out += form.line_end;
        return;
      case StreamForm::Framing::array:
        out.append(i == 0 ? "[" : ",\r\n").append(data);
        if (last && !events.broken_off) out += ']';
        return;
    }
  }

  void append_sse(std::string& out, std::string_view data, bool last) const {
    const std::string_view line_end = draft_.events.form.line_end;
    if (draft_.comments) out.append(": OPENROUTER PROCESSING").append(line_end).append(line_end);
    if (draft_.events.form.named) out.append("event: ").append(event_type(data)).append(line_end);
    const std::size_t comma = draft_.multi_line_data ? data.find(',') : data.npos;
    if (comma != data.npos) {
      out.append("data: ").append(data.substr(0, comma + 1)).append(line_end);
      data.remove_prefix(comma + 1);
    }
    out.append("data: ").append(data).append(line_end);
    if (!last || draft_.final_blank_line) out += line_end;
  }

  std::string events_as_text() const {
    std::string text;
    for (std::size_t i = 0; i < draft_.events.data.size(); ++i) append_event(text, i);
    return text + draft_.events.tail;
  }

  Moment drawn(const Distribution* distribution) const {
    return distribution && !distribution->is_zero() ? distribution->draw(*pace_->random) : Moment::zero();
  }

  Moment plain_wait() const {
    if (!pace_) return Moment::zero();
    Moment wait = drawn(pace_->first_chunk);
    if (!pace_->between_chunks->is_zero()) {
      for (std::size_t i = 1; i < pace_->chunks; ++i) wait += drawn(pace_->between_chunks);
    }
    return wait;
  }

  void wait_at(std::size_t at, Moment wait) {
    if (wait > Moment::zero()) out_.pauses.push_back({at, wait});
  }

  // Ends the reply before byte `at`.
  void cut(std::size_t at, After after) {
    out_.bytes.resize(std::min(at, out_.bytes.size()));
    std::erase_if(out_.pauses, [&](const WireReply::Pause& p) { return p.at > out_.bytes.size(); });
    out_.after = after;
  }

  void stall(std::size_t at) {
    if (fault_->seconds <= 0) return cut(at, After::hold);
    const auto later =
        std::find_if(out_.pauses.begin(), out_.pauses.end(), [at](const auto& p) { return p.at > at; });
    out_.pauses.insert(later, {at, from_seconds(fault_->seconds)});
  }

  // Signs of life and no more content, then not even those.
  void keep_alive_and_hold() {
    cut(middle_, After::hold);
    for (std::uint32_t i = 0; i < fault_->count; ++i) {
      wait_at(out_.bytes.size(), from_seconds(fault_->interval_ms / 1e3));
      write_part(draft_.keep_alive);
    }
  }

  // Into the middle of the event or half body that follows, never on a boundary.
  std::size_t inside() const { return std::min(middle_ + 12, out_.bytes.size() - 1); }

  void break_on_the_wire() {
    switch (fault_->kind) {
      case FaultKind::reset_before_head:
        return cut(0, After::reset);
      case FaultKind::close_before_head:
        return cut(0, After::close);
      case FaultKind::stall_before_head:
        return stall(0);
      case FaultKind::reset_in_head:
        return cut(head_end_ / 2, After::reset);
      case FaultKind::reset_in_body:
        return cut(inside(), After::reset);
      case FaultKind::stall_before_first_chunk:
        return stall(head_end_);
      case FaultKind::stall_mid_stream:
        return stall(middle_);
      case FaultKind::truncated_chunked:
        return cut(inside(), After::close);
      case FaultKind::bad_chunk_size:
        cut(middle_, After::close);
        out_.bytes += "zz\r\nnot a chunk\r\n";
        return;
      case FaultKind::wrong_content_length:
      case FaultKind::http10_close:
      case FaultKind::keepalive_close:
        out_.after = After::close;
        return;
      case FaultKind::done_keeps_open:
      case FaultKind::finish_keeps_open:
        out_.after = After::hold;
        return;
      case FaultKind::keep_alives:
        return keep_alive_and_hold();
      case FaultKind::drip:
      case FaultKind::slice:
        out_.slice = 1;
        out_.slice_from = fault_->from_body ? head_end_ : 0;
        if (fault_->kind == FaultKind::drip) out_.slice_interval = from_seconds(fault_->interval_ms / 1e3);
        return;
      default:
        return;
    }
  }

  WireReply& out_;
  const ReplyDraft& draft_;
  const FaultRule* fault_;
  const Pace* pace_;
  bool keep_alive_;
  Framing framing_ = Framing::length;
  std::size_t head_end_ = 0;
  std::size_t middle_ = 0;  // where what breaks in the middle breaks: a boundary of events, or half of a body
};

}  // namespace

void WireReply::clear() {
  bytes.clear();
  pauses.clear();
  after = After::keep_open;
  slice = slice_from = 0;
  slice_interval = Moment::zero();
}

void write_reply(WireReply& out, const ReplyDraft& draft, const FaultRule* fault, const Pace* pace,
                 bool keep_alive) {
  out.clear();
  Writer(out, draft, fault, pace, keep_alive).write();
}

}  // namespace batchrun::mock
