// Boost.JSON's one implementation, for every program that links this library; nothing else may include
// src.hpp.
#include <boost/json/src.hpp>
