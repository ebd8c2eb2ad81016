#include "io/output_file.h"

#include <cerrno>

namespace batchrun {
namespace {

constexpr std::size_t copy_block = 1u << 20;

std::string_view open_hint(int error) {
  return error == ENOENT ? "make its directory first, or give another file"
                         : "give another file, or make this one writable";
}

[[noreturn]] void refuse_locked(const std::string& path) {
  throw OutputInUse(path + " is being written by another run of batchrun",
                    "wait for it to end, or give another --output");
}

}  // namespace

// A run that ends may delete or replace the file between our opening and our lock: what we have then is no
// longer the file of that name.
OutputFile OutputFile::open(Files& files, const std::string& path) {
  for (;;) {
    Opened opened = path == "-" ? files.standard_output() : files.open(path);
    if (opened.error != 0) fail_output("open", path, opened.error, open_hint(opened.error));
    OutputFile out(files, path == "-" ? "stdout" : path, std::move(opened.file));
    out.is_log_ = path != "-" && out.status().regular;
    if (!out.is_log_) return out;
    if (const int error = out.file_->lock(); error == EAGAIN) {
      refuse_locked(path);
    } else if (error != 0) {
      fail_output("lock", path, error, "use an output on a file system that has locks");
    }
    const FileStatus ours = out.status();
    FileStatus named;
    const int error = files.status(path, named);
    if (error != 0 && error != ENOENT) fail_output("check", path, error);
    if (error == 0 && ours.device == named.device && ours.inode == named.inode) return out;
  }
}

FileStatus OutputFile::status() const {
  FileStatus status;
  if (const int error = file_->status(status); error != 0) fail_output("check", path_, error);
  return status;
}

std::uint64_t OutputFile::size() const {
  return status().size;
}

std::size_t OutputFile::read(char* into, std::size_t size, std::uint64_t offset) const {
  const IoResult result = read_all(*file_, into, size, offset);
  if (result.error != 0) fail_output("read", path_, result.error);
  return result.bytes;
}

void OutputFile::append(std::string_view octets) {
  if (const IoResult result = try_append(octets); result.error != 0) {
    fail_output("write", path_, result.error, resume_hint);
  }
}

void OutputFile::truncate(std::uint64_t size) {
  if (const int error = file_->truncate(size); error != 0) fail_output("cut", path_, error, resume_hint);
}

IoResult OutputFile::try_append(std::string_view octets) {
  return append_all(*file_, octets);
}

// Never makes it longer: somebody else may have cut it.
void OutputFile::try_cut_back(std::uint64_t size) {
  FileStatus now;
  if (is_log_ && file_->status(now) == 0 && now.size > size) file_->truncate(size);
}

void OutputFile::sync(std::uint64_t expected_size) {
  if (!is_log_) return;
  const FileStatus now = status();
  if (!now.linked) {
    throw OutputError(path_ + " was deleted while the run was writing it", "run the same command again");
  }
  if (now.size < expected_size) {
    throw OutputError(path_ + " was cut short while the run was writing it",
                      "run the same command again; rows that are missing are sent again");
  }
  if (const int error = file_->sync(); error != 0) {
    file_->drop_cache();  // a later run must not take for done what only memory holds
    fail_output("sync", path_, error, resume_hint);
  }
  if (!name_synced_) sync_name();
}

void OutputFile::sync_name() {
  if (const int error = files_->sync_directory_of(files_->real_path(path_)); error != 0) {
    fail_output("sync the directory of", path_, error, resume_hint);
  }
  name_synced_ = true;
}

void OutputFile::remove() {
  const FileStatus ours = status();
  FileStatus named;
  if (files_->status(path_, named) != 0 || named.device != ours.device || named.inode != ours.inode) return;
  files_->remove(path_);
}

ReplacementFile::ReplacementFile(Files& files, const std::string& path)
    : target_(files.real_path(path)), temporary_(target_ + ".tmp"), file_(files, path, nullptr) {
  files.remove(temporary_);  // left by a process that was killed
  Opened opened = files.create(temporary_);
  if (opened.error != 0) fail_output("create", temporary_, opened.error, open_hint(opened.error));
  file_.file_ = std::move(opened.file);
  file_.is_log_ = true;
}

ReplacementFile::~ReplacementFile() {
  if (!kept_) file_.files().remove(temporary_);
}

void ReplacementFile::append(std::string_view octets) {
  buffer_ += octets;
  if (buffer_.size() >= copy_block) flush();
}

void ReplacementFile::append_line(std::string_view line) {
  buffer_ += line;
  append("\n");
}

void ReplacementFile::flush() {
  file_.append(buffer_);
  buffer_.clear();
}

OutputFile ReplacementFile::keep() {
  flush();
  if (file_.file_->lock() == EAGAIN) refuse_locked(temporary_);
  if (const int error = file_.file_->sync(); error != 0) fail_output("sync", temporary_, error, resume_hint);
  if (const int error = file_.files().rename(temporary_, target_); error != 0) {
    fail_output("replace", target_, error, resume_hint);
  }
  kept_ = true;
  file_.sync_name();
  return std::move(file_);
}

}  // namespace batchrun
