// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// What one architecture of a set starts with, for `read` of a shell: the initial RAM file system compares it before
/// anything is mounted (`Resources/build/initramfs/lifeboat/partition-boot`). Pure.
///
///     kernel vmlinuz 8196032 4f6b… lifeboat/layers/4f6b….vmlinuz
///     initrd initrd.img 25661440 a1c0… lifeboat/layers/a1c0….initrd
///     layer 10-base.squashfs 104316928 f205… lifeboat/layers/f205….squashfs
struct SlotList: Equatable {
  /// Its name in the folder of the architecture.
  static let name = "files"

  /// A line: what the file is, its name on a medium, and where it lies on the partition.
  struct Line: Equatable {
    var kind: String
    var name: String
    var size: ByteCount
    var digest: Digest
    var path: String
  }

  var lines: [Line]

  init(kernel: RecoverySet.File, initrd: RecoverySet.File, layers: [(name: String, file: RecoverySet.File)]) {
    func line(_ kind: String, _ name: String, _ file: RecoverySet.File) -> Line {
      Line(kind: kind, name: name, size: file.size, digest: file.digest, path: file.path)
    }
    lines =
      [line("kernel", "vmlinuz", kernel), line("initrd", "initrd.img", initrd)]
      + layers.map { line("layer", $0.name, $0.file) }
  }

  /// Reads a list; nil where a line is none.
  init?(_ text: String) {
    lines = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 5, let size = Int64(words[2]), let digest = Digest(hex: words[3]) else { return nil }
      lines.append(Line(kind: words[0], name: words[1], size: ByteCount(size), digest: digest, path: words[4]))
    }
    guard lines.contains(where: { $0.kind == "layer" }) else { return nil }
  }

  var text: String {
    lines.map { "\($0.kind) \($0.name) \($0.size.bytes) \($0.digest) \($0.path)\n" }.joined()
  }
}
