// SPDX-License-Identifier: GPL-3.0-or-later

/// What reading all directory trees of an image may cost together, whatever the image says. docs/hostile-bytes.md lists
/// these limits; an honest image stays far below each of them.
struct WalkBudget {
  /// Bytes of folders. A file in two trees, seen twice, takes about 500 of them.
  var directories: Int64
  /// Bytes of Rock Ridge continuation areas; each counts as at least `leastArea`, for what it costs to fetch.
  var continuations: Int64
  /// Directory records.
  var records = 4 << 20
  /// Files, folders and links.
  var nodes = 1 << 20
  /// Bytes of paths, which a deep tree repeats for each file.
  var paths: Int64 = 128 << 20

  static let leastArea: Int64 = 256

  /// No byte of an image is part of two folders of a tree, or of two continuation areas; there are up to eight trees.
  init(imageSize: Int64) {
    directories = min(imageSize, 512 << 20)
    continuations = min(imageSize, 64 << 20)
  }

  /// Takes from one of the limits; false, and nothing is taken, where there is not enough left.
  static func take<Number: FixedWidthInteger>(_ amount: Number, from left: inout Number) -> Bool {
    guard amount >= 0, amount <= left else { return false }
    left -= amount
    return true
  }
}
