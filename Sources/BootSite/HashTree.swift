// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// What a layer is checked with block by block where it stays on the server: the tree of SHA-256 sums that the kernel's
/// dm-verity reads (Linux, Documentation/admin-guide/device-mapper/verity.rst), about a 128th of the layer.
///
/// The layer decides every byte of it: the salt is its own SHA-256, and the file has no header that would need a UUID.
struct HashTree {
  /// The sum at the top, which answers for all others.
  var root: Digest

  /// Bytes of a block, of the layer as of the tree. mksquashfs fills its last one up.
  static let block: Int64 = 4096

  static func command(layer: FilePath, digest: Digest, to file: FilePath) -> ExternalCommand {
    ExternalCommand(
      "veritysetup",
      [
        "format", "--no-superblock", "--hash=sha256", "--data-block-size=\(block)", "--hash-block-size=\(block)",
        "--salt=\(digest)", layer.string, file.string,
      ], environment: ["LC_ALL": "C"], package: "cryptsetup-bin")
  }

  init(root: Digest) { self.root = root }

  /// A tree that is there already: its first block is the top one, and the sum of that the root (dm-verity's version 1
  /// puts the salt before each block). A layer of one block has no tree, and is the top itself.
  /// - Parameters:
  ///   - file: the tree, or the layer of one block.
  ///   - digest: of the layer.
  /// - Throws: `OperationFailure`.
  init(at file: FilePath, digest: Digest) throws {
    root = try Digest(of: digest.bytes + FileTree.bytes(of: file).prefix(Int(Self.block)))
  }

  /// Writes a layer's tree to a new file.
  /// - Throws: `ExternalCommand.Failure`, also without veritysetup; `OperationFailure`; `CancellationError`.
  static func write(of layer: FilePath, digest: Digest, to file: FilePath) async throws -> HashTree {
    FileTree.remove(file)
    let text = try await command(layer: layer, digest: digest, to: file).text()
    guard let root = text.firstMatch(of: /Root hash: *\t*([0-9a-f]{64})/).flatMap({ Digest(hex: String($0.1)) }) else {
      throw OperationFailure("make the hash tree of", layer, .invalidArgument)
    }
    return HashTree(root: root)
  }
}
