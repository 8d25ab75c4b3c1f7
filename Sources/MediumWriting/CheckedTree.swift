// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem

/// A boot tree that an ISO can say: every name judged, every folder present, no path twice.
///
/// Pure: it looks at no file of the host. Paths are compared byte by byte, because for an ISO and for Linux the
/// composed and the decomposed form of `é` are two names, while for Swift's `String` they are one.
struct CheckedTree {
  /// Where El Torito's catalogue lies when there is something to boot.
  static let catalogPath = "boot.cat"

  /// A file, folder or symbolic link below the root.
  struct Node {
    var path: String
    var name: String
    /// Index of the folder among `nodes`, nil for the root.
    var parent: Int?
    /// nil for a folder.
    var content: BootTree.Content?
    var permissions: UInt16
  }

  /// Folders before what they hold; in each folder the last name first, which is how libisofs, whose folders are
  /// sorted linked lists, adds thousands of names without walking them.
  private(set) var nodes: [Node] = []
  private(set) var notes: [ISOImage.Note] = []
  /// Index of the BIOS boot image among `nodes`.
  private(set) var bootImage: Int?

  private var folders: [ArraySlice<UInt8>: Int] = [:]
  private var explicit: Set<ArraySlice<UInt8>> = []

  /// Judges a tree.
  init(_ tree: BootTree) throws(ISOImage.Failure) {
    try Self.checkVolume(tree)
    let entries = tree.entries.map { (path: ArraySlice($0.path.utf8), entry: $0) }
    for (path, entry) in entries.sorted(by: { $1.path.lexicographicallyPrecedes($0.path) }) {
      try add(entry, path)
    }
    if tree.biosBoot != nil || tree.efiSystemPartition != nil, explicit.contains(ArraySlice(Self.catalogPath.utf8)) {
      throw .entry(path: Self.catalogPath, .reserved)
    }
    try findBootImage(tree)
    notes.reverse()
  }

  /// How many regular files there are.
  var fileCount: Int {
    nodes.count { node in
      switch node.content {
      case .file, .bytes: true
      default: false
      }
    }
  }

  private mutating func add(_ entry: BootTree.Entry, _ path: ArraySlice<UInt8>) throws(ISOImage.Failure) {
    try Self.checkNames(path, entry)
    guard explicit.insert(path).inserted else { throw .entry(path: entry.path, .duplicate) }
    if case .folder = entry.content {
      nodes[try folder(path, for: entry)].permissions = entry.permissions
    } else {
      guard folders[path] == nil else { throw .entry(path: entry.path, .notAFolder) }
      let (parent, name) = try place(path, for: entry)
      append(
        Node(path: entry.path, name: name, parent: parent, content: entry.content, permissions: entry.permissions))
    }
  }

  /// The folder at a path, made with everything above it where it does not exist yet.
  private mutating func folder(
    _ path: ArraySlice<UInt8>, for entry: BootTree.Entry
  ) throws(ISOImage.Failure) -> Int {
    if let index = folders[path] { return index }
    let (parent, name) = try place(path, for: entry)
    append(
      Node(path: String(decoding: path, as: UTF8.self), name: name, parent: parent, content: nil, permissions: 0o755))
    folders[path] = nodes.count - 1
    return nodes.count - 1
  }

  private mutating func place(
    _ path: ArraySlice<UInt8>, for entry: BootTree.Entry
  ) throws(ISOImage.Failure) -> (parent: Int?, name: String) {
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return (nil, String(decoding: path, as: UTF8.self)) }
    let parent = try folder(path[..<slash], for: entry)
    return (parent, String(decoding: path[(slash + 1)...], as: UTF8.self))
  }

  private mutating func findBootImage(_ tree: BootTree) throws(ISOImage.Failure) {
    guard let boot = tree.biosBoot else { return }
    let path = Array(boot.image.utf8)
    guard let index = nodes.firstIndex(where: { $0.path.utf8.elementsEqual(path) }) else {
      throw .tree(.bootImageMissing(boot.image))
    }
    let size: Int64
    switch nodes[index].content {
    case .file(_, let count): size = count.bytes
    case .bytes(let bytes): size = Int64(bytes.count)
    default: throw .entry(path: boot.image, .badBootImage)
    }
    guard (2560...32 << 20).contains(size) else { throw .entry(path: boot.image, .badBootImage) }
    bootImage = index
  }
}

extension CheckedTree {
  private static func checkVolume(_ tree: BootTree) throws(ISOImage.Failure) {
    let identifier = tree.volumeIdentifier.utf8
    let isAllowed = identifier.allSatisfy {
      (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        || $0 == UInt8(ascii: "_")
    }
    guard isAllowed, (1...32).contains(identifier.count) else {
      throw .tree(.volumeIdentifier(tree.volumeIdentifier))
    }
    guard CivilTime.representable.contains(tree.timestamp) else { throw .tree(.timestamp(tree.timestamp)) }
    if let size = tree.biosBoot?.hybridMBR?.count, size != 512 { throw .tree(.hybridMBR(size: size)) }
  }

  private static func checkNames(_ path: ArraySlice<UInt8>, _ entry: BootTree.Entry) throws(ISOImage.Failure) {
    for name in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      if name.isEmpty || name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) {
        throw .entry(path: entry.path, .notAPath)
      }
      guard name.count <= 255 else { throw .entry(path: entry.path, .nameTooLong(bytes: name.count)) }
      guard !name.contains(0) else { throw .entry(path: entry.path, .nulCharacter) }
    }
    guard entry.permissions <= 0o7777 else { throw .entry(path: entry.path, .badPermissions) }
    guard case .symbolicLink(let target) = entry.content else { return }
    let parts = target.utf8.split(separator: UInt8(ascii: "/"))
    guard (1...1023).contains(target.utf8.count), !target.utf8.contains(0),
      parts.allSatisfy({ $0.count <= 255 })
    else { throw .entry(path: entry.path, .badLinkTarget) }
  }

  private mutating func append(_ node: Node) {
    nodes.append(node)
    if node.name.utf8.count > 253 { notes.append(.longName(path: node.path)) }
    if case .symbolicLink = node.content { return }
    let isAltered = node.name.utf8.contains { $0 < 0x20 || #"*:;?\"#.utf8.contains($0) }
    if node.name.utf16.count > 103 || isAltered { notes.append(.jolietName(path: node.path)) }
  }
}
