// Names and ports as a test wants them: the system's getaddrinfo() and connect() are replaced in its program.
// Names that end in ".test" have the addresses a test gives them; everything else is as ever.
#pragma once

#include <string>
#include <vector>

namespace batchrun {

// Any thread. One at a time; what it scripted ends with it.
class ScriptedSystem {
 public:
  ScriptedSystem();
  ~ScriptedSystem();
  ScriptedSystem(const ScriptedSystem&) = delete;
  ScriptedSystem& operator=(const ScriptedSystem&) = delete;

  // What a name leads to, in order; to nothing: the name server fails for now (EAI_AGAIN).
  void name(const std::string& name, std::vector<std::string> addresses);
  // Whoever asks for a name waits until it is answered again.
  void hold_answers(bool hold);
  int times_asked() const;

  // So many connects fail, as when all local ports are in use (EADDRNOTAVAIL).
  void use_up_ports(int times);
  // The addresses connects went to since the last call.
  std::vector<std::string> take_tried();
};

}  // namespace batchrun
