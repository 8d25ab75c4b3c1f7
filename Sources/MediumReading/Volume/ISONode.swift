// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// A file, folder or link of an ISO's directory tree.
public struct ISONode: Sendable, Equatable {
  /// What a node is.
  public enum Kind: Sendable, Equatable {
    /// A folder.
    case folder
    /// A regular file.
    case file
    /// A symbolic link with its target.
    case symbolicLink(String)
    /// A device, socket or pipe.
    case special
  }

  /// Path from the root without a leading `/`; the root itself is the empty string.
  public var path: String
  /// What it is.
  public var kind: Kind
  /// Bytes of a file's content; a folder's own records.
  public var size: ByteCount
  /// Where the bytes lie on the medium, in the order of the content. More than one only for files over 4 GiB.
  public var extents: [ByteRange]
  /// Permission bits, or nil without Rock Ridge.
  public var permissions: UInt16?
}

/// One of an ISO's directory trees: the same files under other names, for other systems.
public struct ISOTree: Sendable {
  /// Which names a tree has.
  public enum Flavour: String, Sendable, Codable {
    /// ECMA-119 names alone: upper case, 8.3 or a little more.
    case plain = "iso9660"
    /// POSIX names, permissions and links (Rock Ridge).
    case rockRidge = "rock-ridge"
    /// Unicode names for Windows.
    case joliet
  }

  /// Which names it has.
  public var flavour: Flavour
  /// The root first, then folder by folder, as they stand on the medium.
  public var nodes: [ISONode]
  /// Where its directories and continuation areas lie.
  var structures: [(range: Range<Int64>, structure: ImageStructure)]
  /// What could not be understood; an intact image has none.
  public var problems: [ImageProblem]

  /// The node of a path such as `boot/grub/grub.cfg`.
  public func node(_ path: String) -> ISONode? { nodes.first { $0.path == path } }
}

/// Something in an image that cannot be right.
public struct ImageProblem: Sendable, Codable, Equatable {
  /// What is wrong, in words.
  public var what: String
  /// Where on the medium.
  public var offset: ByteCount
}
