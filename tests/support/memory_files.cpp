#include "tests/support/memory_files.h"

#include <algorithm>

namespace batchrun {
namespace {

constexpr std::size_t sector =
    8;  // octets that reach the disk together; small, so that little files have many

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool coin(std::mt19937_64& random) {
  return (random() & 1) != 0;
}

}  // namespace

class MemoryFiles::Handle final : public File {
 public:
  Handle(MemoryFiles& files, InodePtr inode) : files_(files), inode_(std::move(inode)) {}
  ~Handle() override {
    if (owns_lock_) inode_->locked = false;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  IoResult read(char* into, std::size_t size, std::uint64_t offset) override {
    const Doom doom = files_.judged(Call::read);
    if (doom.error != 0) return {0, doom.error};
    if (offset >= inode_->live.size()) return {};
    return {inode_->live.copy(into, allowed(size, doom), offset), 0};
  }

  IoResult append(std::string_view octets) override {
    const Doom doom = files_.judged(Call::append);
    if (doom.error != 0 && doom.fate != Fate::kill_half) return {0, doom.error};
    const std::size_t size = allowed(octets.size(), doom);
    inode_->live += octets.substr(0, size);
    inode_->dirty.resize(inode_->live.size(), 1);
    if (doom.error != 0) return {0, doom.error};
    return {size, 0};
  }

  int truncate(std::uint64_t size) override {
    const Doom doom = files_.judged(Call::truncate);
    if (doom.error != 0) return doom.error;
    inode_->live.resize(size);
    inode_->dirty.resize(size, 1);
    return 0;
  }

  int sync() override {
    const Doom doom = files_.judged(Call::sync);
    if (doom.fate == Fate::kill_before || doom.fate == Fate::kill_half) return doom.error;
    const bool written = doom.error == 0;
    if (written) inode_->durable.resize(inode_->live.size());
    std::string& dirty = inode_->dirty;
    for (std::size_t from = dirty.find('\1'); from != std::string::npos; from = dirty.find('\1', from)) {
      const std::size_t size = std::min(dirty.find('\0', from), dirty.size()) - from;
      if (written) inode_->durable.replace(from, size, inode_->live, from, size);
      dirty.replace(from, size, size, '\0');
    }
    return doom.error;
  }

  int drop_cache() override {
    if (const Doom doom = files_.judged(Call::look); doom.error != 0) return doom.error;
    for (std::size_t i = 0; i < inode_->live.size(); ++i) {
      if (!inode_->dirty[i]) inode_->live[i] = i < inode_->durable.size() ? inode_->durable[i] : '\0';
    }
    return 0;
  }

  int lock() override {
    if (const Doom doom = files_.judged(Call::look); doom.error != 0) return doom.error;
    if (inode_->locked) return EAGAIN;
    inode_->locked = owns_lock_ = true;
    return 0;
  }

  int status(FileStatus& status) override {
    if (const Doom doom = files_.judged(Call::look); doom.error != 0) return doom.error;
    status = files_.described(*inode_);
    return 0;
  }

 private:
  static std::size_t allowed(std::size_t size, const Doom& doom) {
    const bool short_call = doom.fate == Fate::half || doom.fate == Fate::kill_half;
    return short_call && size > 1 ? size / 2 : size;
  }

  MemoryFiles& files_;
  const InodePtr inode_;
  bool owns_lock_ = false;
};

void MemoryFiles::begin_process(Judge judge) {
  judge_ = std::move(judge);
  calls_ = 0;
  killed_ = false;
}

MemoryFiles::Doom MemoryFiles::judged(Call call) {
  if (killed_) return {Fate::kill_before, EIO};
  Doom doom = judge_(call, calls_++);
  if (doom.fate == Fate::kill_before || doom.fate == Fate::kill_half) {
    killed_ = true;
    doom.error = EIO;
  }
  return doom;
}

FileStatus MemoryFiles::described(const Inode& inode) const {
  const bool linked = std::any_of(names_.begin(), names_.end(),
                                  [&](const auto& name) { return name.second.get() == &inode; });
  return {true, linked, inode.live.size(), 1, inode.number};
}

Opened MemoryFiles::opened(const std::string& path, bool must_be_new) {
  if (const Doom doom = judged(Call::name); doom.error != 0) return {nullptr, doom.error};
  InodePtr& inode = names_[path];
  if (inode && must_be_new) return {nullptr, EEXIST};
  if (!inode) {
    inode = std::make_shared<Inode>();
    inode->number = ++inodes_;
  }
  return {std::make_unique<Handle>(*this, inode), 0};
}

int MemoryFiles::status(const std::string& path, FileStatus& status) {
  if (const Doom doom = judged(Call::look); doom.error != 0) return doom.error;
  const auto found = names_.find(path);
  if (found == names_.end()) return ENOENT;
  status = described(*found->second);
  return 0;
}

int MemoryFiles::rename(const std::string& from, const std::string& to) {
  if (const Doom doom = judged(Call::name); doom.error != 0) return doom.error;
  const auto found = names_.find(from);
  if (found == names_.end()) return ENOENT;
  names_[to] = found->second;
  names_.erase(from);
  return 0;
}

int MemoryFiles::remove(const std::string& path) {
  if (const Doom doom = judged(Call::name); doom.error != 0) return doom.error;
  return names_.erase(path) == 1 ? 0 : ENOENT;
}

int MemoryFiles::sync_directory_of(const std::string& path) {
  if (const Doom doom = judged(Call::sync); doom.error != 0) return doom.error;
  const std::string directory = directory_of(path);
  const auto is_in_it = [&](const auto& name) { return directory_of(name.first) == directory; };
  std::erase_if(durable_names_, is_in_it);
  for (const auto& name : names_) {
    if (is_in_it(name)) durable_names_.insert(name);
  }
  return 0;
}

// Each name by itself is what it was or what it is.
void MemoryFiles::lose_power(std::mt19937_64& random) {
  std::map<std::string, InodePtr> after;
  std::map<std::string, InodePtr> all = names_;
  all.insert(durable_names_.begin(), durable_names_.end());
  for (const auto& [path, any] : all) {
    const auto& from = coin(random) ? names_ : durable_names_;
    if (const auto found = from.find(path); found != from.end()) after.insert(*found);
  }
  names_ = durable_names_ = after;
  for (auto& [path, inode] : names_) lose_power(*inode, random);
}

void MemoryFiles::lose_power(Inode& inode, std::mt19937_64& random) {
  const std::size_t least = std::min(inode.live.size(), inode.durable.size());
  const std::size_t most = std::max(inode.live.size(), inode.durable.size());
  std::string after(least + random() % (most - least + 1), '\0');
  for (std::size_t start = 0; start < after.size(); start += sector) {
    const bool reached = coin(random);
    for (std::size_t i = start; i < std::min(start + sector, after.size()); ++i) {
      if (i < inode.durable.size()) after[i] = inode.durable[i];
      if (reached && i < inode.live.size() && inode.dirty[i]) after[i] = inode.live[i];
    }
  }
  inode.live = inode.durable = after;
  inode.dirty.assign(after.size(), 0);
}

std::string MemoryFiles::text(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? "" : found->second->live;
}

void MemoryFiles::put(const std::string& path, const std::string& text) {
  auto inode = std::make_shared<Inode>();
  inode->number = ++inodes_;
  inode->live = inode->durable = text;
  inode->dirty.assign(text.size(), 0);
  names_[path] = durable_names_[path] = inode;
}

}  // namespace batchrun
