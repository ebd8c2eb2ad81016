#include "io/result_writer.h"

#include <utility>

namespace batchrun {

ResultWriter::ResultWriter(OutputFile file)
    : file_(std::move(file)), written_(file_.is_log() ? file_.size() : 0), synced_(written_) {}

void ResultWriter::refuse_after_failure() const {
  if (failed_) throw OutputError(path() + " could not be written before", std::string(resume_hint));
}

void ResultWriter::append(std::string_view lines) {
  refuse_after_failure();
  const IoResult result = file_.try_append(lines);
  if (result.error == 0) {
    written_ += result.bytes;
    return;
  }
  failed_ = true;
  const std::size_t last = lines.substr(0, result.bytes).rfind('\n');
  if (last != std::string_view::npos) written_ += last + 1;
  // Should this fail as well, the torn line is cut when the run is resumed.
  file_.try_cut_back(written_);
  fail_output("write", path(), result.error, resume_hint);
}

void ResultWriter::sync() {
  refuse_after_failure();
  if (synced_ == written_) return;
  try {
    file_.sync(written_);
    synced_ = written_;
  } catch (const OutputError&) {
    failed_ = true;
    written_ = synced_;
    file_.try_cut_back(synced_);
    throw;
  }
}

}  // namespace batchrun
