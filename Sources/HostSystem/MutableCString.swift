// SPDX-License-Identifier: GPL-3.0-or-later

/// libisofs and libburn take `char *` in many places where they mean `const char *`.
package func withMutableCString<Result>(_ text: String, _ body: (UnsafeMutablePointer<CChar>) throws -> Result) rethrows
  -> Result
{
  try text.withCString { try body(UnsafeMutablePointer(mutating: $0)) }
}
