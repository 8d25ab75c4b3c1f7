// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry
import NetworkBootProtocol
import TestSupport

/// Bytes from hexadecimal digits; spaces and line ends are only for the eye.
func hex(_ text: String) -> [UInt8] {
  let digits = Array(text.utf8).filter { $0 > 0x20 }
  precondition(digits.count.isMultiple(of: 2), "an odd number of digits")
  return stride(from: 0, to: digits.count, by: 2).map {
    UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)!
  }
}

func text(_ text: String) -> [UInt8] { Array(text.utf8) }
