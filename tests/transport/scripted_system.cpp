#include "tests/transport/scripted_system.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

namespace batchrun {
namespace {

struct Script {
  std::map<std::string, std::vector<std::string>> names;
  bool held = false;
  int asked = 0, no_ports = 0;
  std::vector<std::string> tried;
};

std::mutex mutex;
std::condition_variable answered;
Script script;

template <class Function>
Function* systems_own(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
  }
  return text;
}

}  // namespace

ScriptedSystem::ScriptedSystem() {
  const std::lock_guard lock(mutex);
  script = {};
}

ScriptedSystem::~ScriptedSystem() {
  {
    const std::lock_guard lock(mutex);
    script = {};
  }
  answered.notify_all();
}

void ScriptedSystem::name(const std::string& name, std::vector<std::string> addresses) {
  const std::lock_guard lock(mutex);
  script.names[name] = std::move(addresses);
}

void ScriptedSystem::hold_answers(bool hold) {
  {
    const std::lock_guard lock(mutex);
    script.held = hold;
  }
  answered.notify_all();
}

int ScriptedSystem::times_asked() const {
  const std::lock_guard lock(mutex);
  return script.asked;
}

void ScriptedSystem::use_up_ports(int times) {
  const std::lock_guard lock(mutex);
  script.no_ports = times;
}

std::vector<std::string> ScriptedSystem::take_tried() {
  const std::lock_guard lock(mutex);
  return std::exchange(script.tried, {});
}

}  // namespace batchrun

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  using namespace batchrun;
  static auto* const real = systems_own<decltype(getaddrinfo)>("getaddrinfo");
  std::vector<std::string> addresses;
  {
    std::unique_lock lock(mutex);
    const auto scripted = script.names.find(node == nullptr ? "" : node);
    if (scripted == script.names.end()) return real(node, service, hints, found);
    addresses = scripted->second;
    ++script.asked;
    answered.wait(lock, [] { return !script.held; });
  }
  addrinfo numeric = hints == nullptr ? addrinfo{} : *hints;
  numeric.ai_flags = AI_NUMERICHOST;
  addrinfo** end = found;
  *end = nullptr;
  for (const std::string& address : addresses) {
    if (const int error = real(address.c_str(), service, &numeric, end); error != 0) return error;
    while (*end != nullptr) end = &(*end)->ai_next;
  }
  return *found == nullptr ? EAI_AGAIN : 0;
}

extern "C" int connect(int socket, const sockaddr* address, socklen_t length) {
  using namespace batchrun;
  static auto* const real = systems_own<decltype(connect)>("connect");
  {
    const std::lock_guard lock(mutex);
    script.tried.push_back(text_of(address));
    if (script.no_ports > 0) {
      --script.no_ports;
      errno = EADDRNOTAVAIL;
      return -1;
    }
  }
  return real(socket, address, length);
}
