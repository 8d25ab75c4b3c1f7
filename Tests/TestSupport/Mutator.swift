// SPDX-License-Identifier: GPL-3.0-or-later

/// Wrong packets made from right ones.
public struct Mutator {
  private var random: SplitMix
  /// How many a fuzz test tries; LIFEBOAT_FUZZ_PACKETS raises it to a million.
  public static let count = HostEnvironment["LIFEBOAT_FUZZ_PACKETS"].flatMap { Int($0) } ?? 20_000

  /// Begins a row of changes.
  public init(seed: UInt64) { random = SplitMix(seed: seed) }

  /// A number from 0 on.
  public mutating func below(_ limit: Int) -> Int { limit < 1 ? 0 : Int.random(in: 0..<limit, using: &random) }

  /// So many bytes.
  public mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  /// A few changes of one packet: bits, bytes, lengths, pieces taken out, doubled, or cut off.
  public mutating func mutate(_ packet: [UInt8]) -> [UInt8] {
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
