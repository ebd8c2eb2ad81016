// The simulated provider as a program.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "bench/mockprovider/mock_provider.h"

namespace {

using batchrun::mock::MockProvider;
using batchrun::mock::Scenario;

constexpr std::string_view help =
    "usage: mockprovider [--port N] [--scenario FILE] [--tls] [--ca-out FILE] [--print-port-file FILE]\n"
    "\n"
    "Serves simulated providers, each in its own dialect, on 127.0.0.1 until SIGINT or SIGTERM.\n"
    "  --port N                port to listen on; 0, the default, takes a free one\n"
    "  --scenario FILE         keys, limits, latency and faults as JSON; without it every key is good and "
    "unlimited\n"
    "  --tls                   serve https with a certificate made at start\n"
    "  --ca-out FILE           write that certificate as PEM, for clients to trust\n"
    "  --print-port-file FILE  write the port number there once it listens\n";

struct Options {
  std::uint16_t port = 0;
  std::string scenario, ca_out, port_file;
  bool tls = false, help = false;
};

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const auto value = [&]() -> std::string_view {
      if (++i >= argc) throw std::runtime_error(fmt::format("{} needs a value", option));
      return argv[i];
    };
    if (option == "--help" || option == "-h") {
      options.help = true;
    } else if (option == "--port") {
      const std::string_view text = value();
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), options.port);
      if (error != std::errc() || end != text.data() + text.size())
        throw std::runtime_error("--port needs a number");
    } else if (option == "--scenario") {
      options.scenario = value();
    } else if (option == "--tls") {
      options.tls = true;
    } else if (option == "--ca-out") {
      options.ca_out = value();
    } else if (option == "--print-port-file") {
      options.port_file = value();
    } else {
      throw std::runtime_error(fmt::format("unknown option {}", option));
    }
  }
  return options;
}

Scenario load_scenario(const Options& options) {
  Scenario scenario;
  if (!options.scenario.empty()) {
    std::ifstream file(options.scenario, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + options.scenario);
    scenario = batchrun::mock::parse_scenario(std::string(std::istreambuf_iterator<char>(file), {}));
  }
  if (options.tls) scenario.tls.enabled = true;
  return scenario;
}

// By rename, so that whoever waits for the file never reads half a number.
void write_file(const std::string& path, const std::string& text) {
  const std::string draft = path + ".tmp";
  std::ofstream file(draft, std::ios::binary);
  file << text;
  file.close();
  if (!file || std::rename(draft.c_str(), path.c_str()) != 0)
    throw std::runtime_error("cannot write " + path);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void serve(const Options& options) {
  // Blocked before the server's thread starts, so that only sigwait below gets them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  raise_descriptor_limit();
  MockProvider provider(load_scenario(options), options.port);
  if (!options.ca_out.empty()) write_file(options.ca_out, provider.certificate_pem());
  provider.start();
  fmt::print("listening on {}\n", provider.url());
  std::fflush(stdout);
  if (!options.port_file.empty()) write_file(options.port_file, fmt::format("{}\n", provider.port()));
  int signal = 0;
  sigwait(&ends, &signal);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse_options(argc, argv);
    if (options.help) {
      fmt::print("{}", help);
      return 0;
    }
    serve(options);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\nhint: mockprovider --help\n", error.what());
    return 2;
  }
}
