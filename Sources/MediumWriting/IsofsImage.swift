// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
@preconcurrency internal import CISOBurn
internal import CLinux
internal import HostSystem
internal import SystemPackage

/// What libisofs reads content from: owns the C side of the streams (CLinux/stream.h).
final class IsofsSources {
  private let handle: OpaquePointer

  init() throws {
    guard let handle = linux_iso_sources_new() else { throw OperationFailure("read", "sources", .noMemory) }
    self.handle = handle
  }

  deinit { linux_iso_sources_free(handle) }

  /// A stream for one node's content; libisofs takes it over.
  func stream(_ content: BootTree.Content, of node: CheckedTree.Node, index: Int) throws -> UnsafeMutablePointer<
    IsoStream
  >? {
    var stream: UnsafeMutablePointer<IsoStream>?
    var report = linux_iso_report()
    let code: Int32
    switch content {
    case .file(let file, let size):
      code = linux_iso_file_stream(handle, file.string, size.bytes, UInt64(index), &stream, &report)
    case .bytes(let bytes):
      code = bytes.withUnsafeBytes {
        linux_iso_bytes_stream(handle, $0.baseAddress, $0.count, UInt64(index), &stream)
      }
    case .folder, .symbolicLink: return nil
    }
    if code > 0 { throw Self.failure(report, node) ?? .library("read \(node.path)") }
    guard code == 0 else { throw OperationFailure("read", FilePath(node.path), .noMemory) }
    return stream
  }

  /// The first source that proved unfit while it was read.
  func failure(among nodes: [CheckedTree.Node]) -> ISOImage.Failure? {
    let report = linux_iso_sources_report(handle)
    guard report.problem != linux_iso_none, nodes.indices.contains(Int(report.index)) else { return nil }
    return Self.failure(report, nodes[Int(report.index)])
  }

  private static func failure(_ report: linux_iso_report, _ node: CheckedTree.Node) -> ISOImage.Failure? {
    guard case .file(let file, let expected) = node.content else { return nil }
    let problem: ISOImage.Failure.SourceProblem
    switch report.problem {
    case linux_iso_none: return nil
    case linux_iso_unreadable: problem = .unreadable(Errno(rawValue: report.error))
    case linux_iso_irregular: problem = .notAFile
    case linux_iso_other_size: problem = .size(expected: expected, actual: ByteCount(report.size))
    default: problem = .changed
    }
    return .source(file, path: node.path, problem)
  }
}

/// A tree inside libisofs: `IsoImage` with its nodes and boot images.
final class IsofsImage {
  let handle: OpaquePointer
  let sources: IsofsSources

  /// Puts all nodes into a new image.
  init(_ tree: BootTree, _ checked: CheckedTree, application: String) throws {
    sources = try IsofsSources()
    var image: OpaquePointer?
    try IsofsLibrary.check(iso_image_new(tree.volumeIdentifier, &image), "make an image")
    guard let image else { throw ISOImage.Failure.library("make an image") }
    handle = image
    iso_image_set_volume_id(image, tree.volumeIdentifier)
    iso_image_set_application_id(image, application)
    iso_image_set_app_use(image, "", 0)
    iso_node_set_permissions(iso_image_get_root(image), 0o755)
    try add(checked.nodes)
    try addBootImages(tree, checked)
  }

  // Frees the streams too, which still need `sources`: stored properties go after this.
  deinit { iso_image_unref(handle) }

  private func add(_ nodes: [CheckedTree.Node]) throws {
    let root = iso_image_get_root(handle)
    var handles: [OpaquePointer?] = []
    handles.reserveCapacity(nodes.count)
    for (index, node) in nodes.enumerated() {
      let parent = node.parent.map { handles[$0] } ?? root
      var result: OpaquePointer?
      let code: Int32
      switch node.content {
      case nil, .folder: code = iso_tree_add_new_dir(parent, node.name, &result)
      case .symbolicLink(let target): code = iso_tree_add_new_symlink(parent, node.name, target, &result)
      case let content?:
        let stream = try sources.stream(content, of: node, index: index)
        code = iso_tree_add_new_file(parent, node.name, stream, &result)
        if code < 0 { iso_stream_unref(stream) }
      }
      try IsofsLibrary.check(code, "add \(node.path)")
      if case .symbolicLink = node.content {} else { iso_node_set_permissions(result, mode_t(node.permissions)) }
      handles.append(result)
    }
  }

  /// El Torito (version 1.0): the BIOS image first, because a BIOS takes the default entry.
  private func addBootImages(_ tree: BootTree, _ checked: CheckedTree) throws {
    var hasCatalog = false
    func add(_ path: String) throws -> OpaquePointer? {
      var boot: OpaquePointer?
      let code =
        hasCatalog
        ? iso_image_add_boot_image(handle, path, ELTORITO_NO_EMUL, 0, &boot)
        : iso_image_set_boot_image(handle, path, ELTORITO_NO_EMUL, "/" + CheckedTree.catalogPath, &boot)
      try IsofsLibrary.check(code, "add the boot image \(path)")
      hasCatalog = true
      return boot
    }
    if let index = checked.bootImage {
      let bios = try add("/" + checked.nodes[index].path)
      el_torito_set_boot_platform_id(bios, 0x00)
      // A BIOS loads four sectors; GRUB reads the rest of itself by the boot information table and the GRUB2 patch.
      el_torito_set_load_size(bios, 4)
      try IsofsLibrary.check(el_torito_set_isolinux_options(bios, 0x001 | 0x200, 0), "patch the BIOS boot image")
    }
    if tree.efiSystemPartition != nil {
      let efi = try add("--interval:appended_partition_2:all::")
      el_torito_set_boot_platform_id(efi, 0xEF)
      el_torito_set_full_load(efi, 1)
    }
  }
}
