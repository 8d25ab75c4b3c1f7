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

/// Wrong packets made from right ones.
struct Mutator {
  var random: SplitMix
  /// How many a fuzz test tries; LIFEBOAT_FUZZ_PACKETS raises it to a million.
  static let count = HostEnvironment["LIFEBOAT_FUZZ_PACKETS"].flatMap { Int($0) } ?? 20_000

  init(seed: UInt64) { random = SplitMix(seed: seed) }

  mutating func below(_ limit: Int) -> Int { limit < 1 ? 0 : Int.random(in: 0..<limit, using: &random) }

  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }

  /// A few changes of one packet: bits, bytes, lengths, pieces taken out, doubled, or cut off.
  mutating func mutate(_ packet: [UInt8]) -> [UInt8] {
    var result = packet
    for _ in 0...below(4) {
      guard !result.isEmpty else { return bytes(below(600)) }
      let at = below(result.count)
      switch below(9) {
      case 0: result[at] ^= 1 << UInt8(below(8))
      case 1: result[at] = UInt8(below(256))
      case 2: result[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][below(6)]
      case 3: result.removeSubrange(at..<min(result.count, at + below(40)))
      case 4: result.insert(contentsOf: result[at..<min(result.count, at + below(300))], at: below(result.count))
      case 5: result.insert(contentsOf: bytes(below(64)), at: at)
      case 6: result = Array(result.prefix(at))
      case 7: result.append(contentsOf: bytes(below(300)))
      // Where options begin, lengths are what matters.
      default: if result.count > 242 { result[240 + below(result.count - 240)] = UInt8(below(256)) }
      }
    }
    return result
  }
}
