// What MLX's C interface expects of its compiler and gets on ARM or from a newer library only; included before each file.
#pragma once

#ifdef __cplusplus
#include <sstream>
#include <string>
#include <version>

// Accessors of half precisions, which mlx/c/half.h turns on for ARM alone.
#ifndef __aarch64__
#include "mlx/types/half_types.h"
#define HAS_FLOAT16
#define HAS_BFLOAT16
using mlx::core::bfloat16_t;
using mlx::core::float16_t;
#endif

// <format> came with GCC 13. Its use here is confined to `{}` for texts and whole numbers.
#ifdef __cpp_lib_format
#include <format>
#else
namespace std {
template <class... Parts>
string format(const string& pattern, const Parts&... parts) {
  ostringstream out;
  size_t from = 0;
  auto next = [&](const auto& part) {
    size_t at = pattern.find("{}", from);
    out << pattern.substr(from, at - from) << part;
    from = at + 2;
  };
  (next(parts), ...);
  out << pattern.substr(from);
  return out.str();
}
} // namespace std
#endif
#elif !defined(__aarch64__)
// For the binding generator, which reads C and is given the first of the two types by other means.
#include <stdint.h>
#define HAS_FLOAT16
#define HAS_BFLOAT16
typedef uint16_t float16_t;
typedef uint16_t bfloat16_t;
#endif
